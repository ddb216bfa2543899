"""What the job's numbers say is wrong: each trouble at its boundary, and gone when it is over."""

from __future__ import annotations

import pytest

from flink_jobs.job.symptoms import GROWN, REMEMBERED_S, STILL_S, Reading, Symptoms
from flink_jobs.monitoring.page import MetricsPage

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
    assert "last 3 checkpoints" in troubles(Reading(0), Reading(60, failed=3))["checkpoints"]
    assert troubles(Reading(0), Reading(60, failed=3, completed=1)) == {}


@pytest.mark.parametrize(("grown", "told"), [(GROWN, False), (GROWN + 1, True)])
def test_a_lag_is_told_once_it_has_grown_for_a_while(grown, told):
    before = Reading(0, pending=500)
    assert ("lag" in troubles(before, Reading(STILL_S, pending=500 + grown))) == told
    assert "lag" not in troubles(before, Reading(STILL_S - 1, pending=500 + grown))


def test_a_watermark_that_stands_is_told_with_the_partition_that_holds_it():
    partitions = {"transactions-0": 5_000.0, "transactions-3": 1_000.0}
    before = Reading(0, watermark_ms=1_000)
    now = Reading(STILL_S, watermark_ms=1_000, consumed=7, partitions=partitions)
    assert (
        "held back by transactions-3, which has come to 1000" in troubles(before, now)["watermark"]
    )
    moved = Reading(STILL_S, watermark_ms=1_001, consumed=7)
    assert troubles(before, moved) == {}
    nothing_comes = Reading(STILL_S, watermark_ms=1_000)
    assert troubles(before, nothing_comes) == {}


def test_a_partition_without_an_event_is_named_as_such():
    before = Reading(0, watermark_ms=-float(2**63))
    now = Reading(
        STILL_S, watermark_ms=-float(2**63), consumed=1, partitions={"clickstream-1": -float(2**63)}
    )
    assert "clickstream-1, which has brought no event yet" in troubles(before, now)["watermark"]


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
        f'{task}_split_watermark_currentWatermark{{split="transactions-1"}} 80\n'
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
        partitions={"transactions-1": 80},
    )


@pytest.mark.parametrize(
    ("splits", "watermark_ms"),
    [
        ({"transactions-0": 5, "transactions-1": 7, "clickstream-0": NONE}, 5),
        ({"transactions-0": 5, "transactions-1": NONE}, NONE),
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
