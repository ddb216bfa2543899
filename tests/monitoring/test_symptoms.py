"""What the job's numbers say is wrong: each trouble at its boundary, and gone when it is over."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import (
    FRESH_S,
    GROWN,
    REMEMBERED_S,
    STARTING_S,
    STILL_S,
    Lookout,
    Reading,
    Symptoms,
)

WELL = Reading(0.0)
NONE = -float(2**63)
"""The watermark that Flink begins with."""


def troubles(*readings: Reading) -> dict[str, str]:
    symptoms = Symptoms()
    for reading in readings:
        symptoms.add(reading)
    return symptoms.troubles()


def test_nothing_is_wrong_before_anything_is_known():
    assert Symptoms().troubles() == {}
    assert troubles(WELL) == {}


def test_a_restart_is_told_for_a_while_and_then_no_more():
    told = troubles(Reading(0), Reading(10, restarts=2))
    assert "has restarted 2 times" in told["restarts"]
    still = (Reading(0), Reading(10, restarts=2), Reading(10 + REMEMBERED_S, restarts=2))
    assert "restarts" not in troubles(*still)
    assert "restarts" in troubles(*still[:2], Reading(REMEMBERED_S, restarts=2))


def test_a_restart_before_the_first_reading_counts():
    assert "restarts" in troubles(Reading(10, restarts=1))


def test_checkpoints_fail_only_where_none_completes():
    failing = Reading(STARTING_S, failed=3)
    assert "for 1 min, and 3 have failed" in troubles(Reading(0), failing)["checkpoints"]
    assert troubles(Reading(0), Reading(STARTING_S - 1, failed=3)) == {}, "not every task runs yet"
    assert troubles(Reading(0), Reading(STARTING_S, failed=3, completed=1)) == {}


def test_checkpoints_that_fail_are_told_while_there_is_time_to_mend_them():
    """Kafka drops what is not committed after 15 minutes."""
    last = Reading(STILL_S, completed=9)
    failing = Reading(2 * STILL_S, completed=9, failed=4)
    assert "for 5 min, and 4 have failed" in troubles(Reading(0), last, failing)["checkpoints"]
    assert "checkpoints" not in troubles(Reading(0), last, replace(failing, completed=10))


@pytest.mark.parametrize(("grown", "told"), [(GROWN, False), (GROWN + 1, True)])
def test_a_lag_is_told_once_it_has_grown_for_a_while(grown, told):
    before = Reading(0, pending=500)
    assert ("lag" in troubles(before, Reading(STILL_S, pending=500 + grown))) == told
    assert "lag" not in troubles(before, Reading(STILL_S - 1, pending=500 + grown))


def test_a_watermark_that_stands_is_told_with_the_partition_that_holds_it():
    partitions = {"transactions/0": 5_000.0, "transactions/3": 1_000.0}
    before = Reading(0, watermark_ms=1_000)
    now = Reading(STILL_S, watermark_ms=1_000, consumed=7, partitions=partitions)
    assert (
        "held back by transactions/3, which has come to 1000" in troubles(before, now)["watermark"]
    )
    moved = Reading(STILL_S, watermark_ms=1_001, consumed=7)
    assert troubles(before, moved) == {}
    nothing_comes = Reading(STILL_S, watermark_ms=1_000)
    assert troubles(before, nothing_comes) == {}


def test_a_partition_without_an_event_is_named_as_such():
    before = Reading(0, watermark_ms=NONE)
    now = Reading(
        STILL_S,
        watermark_ms=NONE,
        consumed=1,
        partitions={"clickstream/0": 1, "clickstream/1": NONE},
    )
    assert "clickstream/1, which has brought no event yet" in troubles(before, now)["watermark"]


def test_rows_that_redis_refuses_are_told():
    assert "refused 4 rows" in troubles(Reading(0), Reading(1, unstored=4))["store"]


def test_a_reading_is_what_the_page_says():
    task, windows = "flink_taskmanager_job_task_operator", "GlobalWindowAggregate_7_"
    page = MetricsPage.read(
        'flink_jobmanager_job_numRestarts{job="a"} 2\n'
        "flink_jobmanager_job_numberOfCompletedCheckpoints 9\n"
        "flink_jobmanager_job_numberOfFailedCheckpoints 1\n"
        f"{task}_numLateRecordsDropped 3\n"
        f'{task}_pendingRecords{{operator_name="t"}} 40\n'
        f'{task}_pendingRecords{{operator_name="c"}} 2\n'
        f'{task}_topic_consumed{{topic="transactions"}} 11\n'
        f'{task}_feature_set_unstored{{feature_set="fraud"}} 5\n'
        f'{task}_currentInputWatermark{{operator_name="{windows}"}} 70\n'
        f'{task}_currentInputWatermark{{operator_name="Sink"}} 3\n'
        f'{task}_split_watermark_currentWatermark{{split="transactions_1"}} 80\n'
        f'{task}_split_watermark_currentWatermark{{split="transactions-2"}} 90\n'
        f"{task}_KafkaSourceReader_topic_partition_currentOffset"
        '{topic="transactions",partition="1"} 12\n'
        f'{task}_feature_set_key_conflicts{{feature_set="fraud"}} 6\n'
        f'{task}_reason_feature_set_dead_letters{{reason="late"}} 4\n'
    )
    assert Reading.of(5.0, page) == Reading(
        5.0,
        restarts=2,
        completed=9,
        failed=1,
        dropped=3,
        pending=42,
        unstored=5,
        consumed=11,
        watermark_ms=70,
        partitions={"transactions/1": 80, "transactions/2": 90},
        read={"transactions/1": 12},
        conflicts=6,
        letters=4,
    )


@pytest.mark.parametrize(
    ("splits", "watermark_ms"),
    [
        ({"transactions_0": 5, "transactions_1": 7, "clickstream_0": NONE}, 5),
        ({"transactions_0": 5, "transactions_1": NONE}, NONE),
    ],
    ids=["a topic without events", "a partition without events"],
)
def test_a_topic_without_any_event_holds_no_watermark_back(splits, watermark_ms):
    task = "flink_taskmanager_job_task_operator"
    lines = [
        f'{task}_split_watermark_currentWatermark{{split="{split}"}} {value}'
        for split, value in splits.items()
    ]
    for name, value in (("GlobalWindowAggregate_1_", 5), ("GlobalWindowAggregate_2_", NONE)):
        lines.append(f'{task}_currentInputWatermark{{operator_name="{name}"}} {value}')
    page = MetricsPage.read("\n".join(lines) + "\n")
    assert Reading.of(0.0, page).watermark_ms == watermark_ms


def test_counters_that_begin_again_at_zero_have_grown_by_what_they_are():
    before = Reading(0, restarts=0, unstored=9)
    assert "refused 2 rows" in troubles(before, Reading(60, unstored=2))["store"]
    assert troubles(before, Reading(60, unstored=0)).keys() == set()


@pytest.mark.parametrize(("busy", "told"), [(GROWN, False), (GROWN + 1, True)])
def test_a_partition_is_silent_where_another_of_its_topic_is_busy(busy, told):
    before = Reading(0, read={"transactions/0": 5, "transactions/1": 5, "clickstream/0": 5})
    now = Reading(
        STILL_S, read={"transactions/0": 5, "transactions/1": 5 + busy, "clickstream/0": 5}
    )
    assert ("partitions" in troubles(before, now)) == told
    if told:
        assert troubles(before, now)["partitions"].startswith("transactions/0 brought no record")


@pytest.mark.parametrize(("letters", "told"), [(5, False), (6, True)])
def test_letters_are_told_above_their_share(letters, told):
    now = Reading(STILL_S, consumed=100, letters=letters)
    assert ("letters" in troubles(Reading(0), now)) == told
    assert "letters" not in troubles(
        Reading(0), Reading(STILL_S - 1, consumed=100, letters=letters)
    )


@pytest.mark.parametrize(("age_s", "told"), [(FRESH_S, False), (FRESH_S + 1, True)])
def test_features_are_old_behind_the_limit_and_while_records_come(age_s, told):
    now = Reading(STILL_S, consumed=1, watermark_ms=7_000, clock_ms=7_000 + 1_000 * age_s)
    assert ("age" in troubles(Reading(0), now)) == told
    assert "age" not in troubles(Reading(0, consumed=1), now)


def test_a_trouble_is_logged_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "demo")
    lookout = Lookout("demo")
    for reading in (Reading(0), Reading(10, restarts=1), Reading(20, restarts=1)):
        lookout.add(reading)
    assert lookout.troubles().keys() == {"restarts"}
    lookout.add(Reading(20 + REMEMBERED_S, restarts=1))
    assert lookout.troubles() == {}
    logged = [(line.levelname, line.context["trouble"]) for line in caplog.records]
    assert logged == [("ERROR", "restarts"), ("INFO", "restarts")]
