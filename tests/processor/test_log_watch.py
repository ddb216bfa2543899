"""Records that are gone: each is counted once; on a real broker: `test_log_changes.py`."""

from __future__ import annotations

import pytest
from kafka import TopicPartition

from flink_jobs.config import Settings
from flink_jobs.events import TRANSACTIONS
from flink_jobs.monitoring.health import Health
from flink_jobs.processor.group.log_watch import LogWatch
from flink_jobs.processor.metrics import Metrics

PLACE = TopicPartition(TRANSACTIONS, 1)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def lost(metrics: Metrics) -> float:
    return float(metrics.lost.labels(TRANSACTIONS, "1")._value.get())


def test_gap_that_a_partition_meets_again_is_counted_once(metrics: Metrics) -> None:
    """As where a rebalance gives the partition back before a commit lies behind the gap."""
    health = Health("job")
    watch = LogWatch(Settings(), metrics, health)
    watch.lost(PLACE, 128, 256)
    assert b"128 records, offsets 128 to 255, were deleted before they were read" in told(health)
    watch.forget([PLACE])
    watch.lost(PLACE, 40, 256, 128)
    assert lost(metrics) == 128
    assert b"records before offset 256 were deleted that open windows need" in told(health)
    watch.lost(PLACE, 256, 300)
    assert lost(metrics) == 172


def test_records_that_had_been_read_are_not_lost_unread(metrics: Metrics) -> None:
    health = Health("job")
    LogWatch(Settings(), metrics, health).lost(PLACE, 40, 256, 200)
    assert lost(metrics) == 56
    assert b"56 records, offsets 200 to 255, were deleted" in told(health)


def told(health: Health) -> bytes:
    return health.page()[1]
