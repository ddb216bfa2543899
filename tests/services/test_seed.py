"""Seeding a real broker: what was simulated is in the partitions, in order, nothing else."""

from __future__ import annotations

import io
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from rich.console import Console

from flink_jobs.config import Settings
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, EventDecoder, Malformed
from flink_jobs.simulator.arrivals import Arrival
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.partitions import partition_of
from studykit.services.seed import Seeding, append, seed, seed_kafka
from studykit.services.topics import PARTITIONS, create_topics

pytestmark = pytest.mark.services

LOG_APPEND_TIME = 1
PARTS = [
    TopicPartition(topic, n) for topic in (TRANSACTIONS, CLICKSTREAM) for n in range(PARTITIONS)
]


@pytest.fixture
def consumer(kafka_servers: str) -> Iterator[KafkaConsumer]:
    """A consumer at the end of all partitions: it sees what the test seeds."""
    create_topics(kafka_servers)
    consumer = KafkaConsumer(bootstrap_servers=kafka_servers, group_id=None)
    consumer.assign(PARTS)
    consumer.seek_to_end()
    for part in PARTS:
        consumer.position(part)
    yield consumer
    consumer.close()


def read(consumer: KafkaConsumer) -> list[Any]:
    """Return all records up to the present ends of the partitions."""
    ends = consumer.end_offsets(PARTS)
    records: list[Any] = []
    deadline = time.monotonic() + 30
    while any(consumer.position(part) < end for part, end in ends.items()):
        assert time.monotonic() < deadline, "the broker does not give the records back"
        for batch in consumer.poll(200).values():
            records += batch
    return records


def by_partition(records: list[Any]) -> dict[tuple[str, int], list[tuple[bytes, bytes | None]]]:
    found = defaultdict(list)
    for record in records:
        found[record.topic, record.partition].append((record.key, record.value))
    return found


def test_the_partitions_hold_what_was_simulated_in_its_order(kafka_servers, consumer):
    seeding = Seeding(events=5_000, disorder=Disorder(malformed_share=0.02, duplicate_share=0.02))
    assert seed_kafka(seeding, kafka_servers) == 5_000
    simulated = list(append(seeding.arrivals(now_ms=0)))
    assert by_partition(read(consumer)) == by_partition(simulated)


def test_append_times_are_the_broker_s_and_verdicts_those_of_the_simulation(
    kafka_servers, consumer
):
    seeding = Seeding(events=2_000, disorder=Disorder(malformed_share=0.05, future_share=0.05))
    seed_kafka(seeding, kafka_servers)
    simulated = list(append(seeding.arrivals(now_ms=0)))
    stored = read(consumer)
    assert {record.timestamp_type for record in stored} == {LOG_APPEND_TIME}
    assert {record.partition for record in stored} == set(range(PARTITIONS))
    assert verdicts(stored) == verdicts(simulated)


def verdicts(records: list[Any]) -> dict[tuple[str, int], list[str]]:
    found = defaultdict(list)
    for record in records:
        found[record.topic, record.partition].append(verdict(record))
    return found


def verdict(record: Any) -> str:
    try:
        event = EventDecoder(record.topic).decode(record.key, record.value)
    except Malformed:
        return "malformed"
    limit = record.timestamp + Settings().max_future_ms
    return "future" if event.event_time > limit else "event"


def test_at_a_rate_event_times_are_now_and_never_ahead_of_the_append_time(kafka_servers, consumer):
    calm = Disorder(malformed_share=0, wrong_unit_share=0, future_share=0)
    before = time.time_ns() // 1_000_000
    assert seed_kafka(Seeding(events=100, rate=100, disorder=calm), kafka_servers) == 100
    for record in read(consumer):
        event = EventDecoder(record.topic).decode(record.key, record.value)
        assert before <= event.event_time <= record.timestamp


def test_an_interrupt_delivers_and_counts_what_was_sent(kafka_servers, consumer):
    def interrupted(arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        yield from islice(arrivals, 700)
        raise KeyboardInterrupt

    assert seed_kafka(Seeding(), kafka_servers, interrupted) == 700
    assert len(read(consumer)) == 700


def test_seeding_again_says_that_the_events_will_be_late(kafka_servers, consumer):
    admin = KafkaAdminClient(bootstrap_servers=kafka_servers)
    admin.delete_records(consumer.end_offsets(PARTS))
    admin.close()
    assert "late" not in said(Seeding(events=500), kafka_servers)
    assert "late. To start afresh: `make clean-data`" in said(Seeding(events=500), kafka_servers)
    assert "late" not in said(Seeding(events=5, rate=100), kafka_servers)


def said(seeding: Seeding, servers: str) -> str:
    console = Console(file=io.StringIO(), width=1_000)
    seed(seeding, servers=servers, to=None, console=console)
    return console.file.getvalue()


def test_records_are_where_kafka_s_own_partitioner_would_have_put_them(kafka_servers, consumer):
    seed_kafka(Seeding(events=500), kafka_servers)
    assert all(r.partition == partition_of(r.key, PARTITIONS) for r in read(consumer))
