"""The production job and the development processor, on the same logs, line by line."""

from __future__ import annotations

import pytest

from flink_jobs.config import Settings
from tests.support.inputs import logs
from tests.support.worlds.executions import Executions

pytestmark = pytest.mark.jvm


@pytest.fixture(scope="module")
def one_partition(tmp_path_factory):
    records = [*logs.boundaries(), *logs.random_streams(1, 30, 60), *logs.simulated_day(1)]
    return Executions.of(records, Settings(), tmp_path_factory.mktemp("one"), parallelism=1)


@pytest.fixture(scope="module")
def four_partitions(tmp_path_factory):
    records = [*logs.boundaries(), *logs.random_streams(1, 30, 60), *logs.simulated_day(4)]
    return Executions.of(records, Settings(), tmp_path_factory.mktemp("four"), parallelism=2)


@pytest.mark.parametrize(("partitions", "parallelism"), [(1, 2), (4, 1)])
def test_a_day_and_streams_drawn_by_hypothesis(tmp_path, partitions, parallelism):
    records = [*logs.drawn_streams(100, 25), *logs.simulated_day(partitions)]
    Executions.of(records, Settings(), tmp_path, parallelism).assert_equal()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    settings = Settings(
        window_size_minutes=1, window_slide_seconds=60, max_out_of_orderness_seconds=24
    )
    records = [*logs.story(), *logs.random_streams(2, 20, 60)]
    return Executions.of(records, settings, tmp_path_factory.mktemp("story"), parallelism=1)


@pytest.fixture(scope="module")
def no_disorder_allowed(tmp_path_factory):
    settings = Settings(
        window_size_minutes=2, window_slide_seconds=40, max_out_of_orderness_seconds=0
    )
    records = logs.random_streams(3, 30, 60)
    return Executions.of(records, settings, tmp_path_factory.mktemp("zero"), parallelism=1)


def test_a_day_random_streams_and_boundaries_on_one_partition(one_partition):
    one_partition.assert_equal()


def test_a_day_random_streams_and_boundaries_on_four_partitions_in_parallel(four_partitions):
    four_partitions.assert_equal()


def test_the_story_and_windows_that_do_not_overlap(story):
    story.assert_equal()


def test_bound_zero_where_an_event_as_old_as_the_newest_joins_no_session(no_disorder_allowed):
    no_disorder_allowed.assert_equal()


@pytest.mark.parametrize("case", logs.BOUNDARIES, ids=lambda case: case.name)
def test_boundary(case, one_partition):
    partition = logs.BOUNDARIES.index(case)
    letters = one_partition.job.letters_of(partition)
    assert [
        logs.Miss(
            letter["offset"],
            letter["feature_set"],
            letter["reason"],
            letter["late_by_ms"],
            letter["missed_windows"] and [start - logs.T for start in letter["missed_windows"]],
        )
        for letter in letters
    ] == list(case.missed)


@pytest.mark.parametrize(
    "case", [case for case in logs.BOUNDARIES if case.rows is not None], ids=lambda case: case.name
)
def test_boundary_rows(case, one_partition):
    strictest = "session" if case.topic == "clickstream" else "fraud"
    rows = one_partition.job.rows_of(case.name)
    assert sum(row["feature_set"] == strictest for row in rows) == case.rows


def test_names_of_any_text_are_counted_once(one_partition):
    merchants = one_partition.job.rows_of("merchants_of_any_text")
    assert {row["features"]["distinct_merchants"] for row in merchants} == {len(logs.ANY_TEXTS)}
    items = [
        row["features"]["distinct_items"]
        for row in one_partition.job.rows_of("items_of_any_text")
        if row["feature_set"] == "personalization"
    ]
    assert items == [len(logs.ANY_TEXTS)] * 5


def test_the_first_window_of_the_story_holds_21(story):
    rows = [
        row
        for key in "ab"
        for row in story.job.rows_of(key)
        if row["window_start"] == logs.T and row["feature_set"] == "fraud"
    ]
    assert [row["features"]["tx_count"] for row in rows] == [3, 1]
    assert sum(row["features"]["amount_sum_cents"] for row in rows) == 21


def test_of_the_story_two_events_are_late(story):
    letters = [letter for letter in story.job.letters_of(0) if letter["topic"] == "transactions"]
    assert [(letter["offset"], letter["reason"]) for letter in letters] == [
        (6, "late"),
        (9, "late"),
    ]
