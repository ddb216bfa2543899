"""A key in two partitions: each is a stream of its own, and both executions say so alike."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from flink_jobs.config import Settings
from flink_jobs.datastream.job import replay_with_datastream
from tests.support.inputs import logs
from tests.support.worlds.executions import Executions, ResultFiles

pytestmark = pytest.mark.jvm


def log():
    """Return a log whose keys are all in two partitions, whose times differ by a minute."""
    stream = [*logs.random_streams(5, 8, 60)]
    first = min(record.partition for record in stream)
    offsets: Counter[tuple[str, int]] = Counter()
    moved = []
    for number, record in enumerate(stream):
        partition = (record.partition - first) % 2 if number % 3 else number % 2
        place = record.topic, partition
        moved.append(replace(record, partition=partition, offset=offsets[place]))
        offsets[place] += 1
    return moved


def test_a_key_in_two_partitions_has_a_row_for_each(tmp_path):
    executions = Executions.of(log(), Settings(), tmp_path, parallelism=2)
    executions.assert_equal()
    rows = Counter(row.partition('"revision"')[0] for row in executions.job.rows)
    assert max(rows.values()) == 2
    replay_with_datastream(tmp_path / "log.jsonl", tmp_path / "timers", Settings(), form="timers")
    timers = ResultFiles.read(tmp_path / "timers")
    assert timers.rows == [row for row in executions.job.rows if '"fraud"' in row]
