"""What a running job is told of its topics; on a real broker: `make chaos`."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest
from kafka.errors import KafkaConnectionError

from flink_jobs.connectors.topics import TopicState
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.job.state import JobUnusable
from flink_jobs.job.topic_watch import TopicWatch
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.symptoms import REMEMBERED_S

BEFORE = {TRANSACTIONS: TopicState("id-1", 4), CLICKSTREAM: TopicState("id-2", 4)}


class Broker:
    """Says what a test puts there."""

    def __init__(self) -> None:
        self.found: Mapping[str, TopicState] | Exception = BEFORE

    def states(self) -> Mapping[str, TopicState]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def broker() -> Broker:
    return Broker()


def test_topic_of_another_id_ends_the_job(broker: Broker):
    watch = TopicWatch(broker, Health("job"))
    watch.look()
    broker.found = {**BEFORE, TRANSACTIONS: TopicState("id-3", 4)}
    said = r"created anew while the job was reading them \(transactions\).*another --state"
    with pytest.raises(JobUnusable, match=said):
        watch.look()


@pytest.mark.parametrize(
    "found", [KafkaConnectionError("away"), {CLICKSTREAM: BEFORE[CLICKSTREAM]}]
)
def test_broker_that_is_away_and_topic_that_is_gone_are_flink_s_to_wait_for(broker: Broker, found):
    watch = TopicWatch(broker, Health("job"))
    broker.found = found
    watch.look()
    broker.found = BEFORE
    watch.look()


def test_partitions_that_are_added_are_told_once_and_for_a_while(
    broker: Broker, caplog: pytest.LogCaptureFixture
):
    health, now = Health("job"), [0.0]
    watch = TopicWatch(broker, health, lambda: now[0])
    broker.found = {**BEFORE, TRANSACTIONS: TopicState("id-1", 6)}
    with caplog.at_level(logging.INFO, "features"):
        for now[0] in (0.0, 1.0, REMEMBERED_S):
            watch.look()
            assert b"transactions has 6 partitions and had 4" in health.page()[1]
        now[0] += 1
        watch.look()
    assert len(caplog.records) == 1
    assert health.page()[0] == "200 OK"
