"""The topics: creating them, and proving that a broker takes records and gives them back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, TARGET_TOPICS
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.security import KafkaSecurity

TOPICS: Final = (*SOURCE_TOPICS, *TARGET_TOPICS)
PARTITIONS: Final = 4

_PROBE_TOPIC: Final = "_probe"
_TIMEOUT_MS: Final = 5_000
_PATIENCE: Final[dict[str, Any]] = {
    "request_timeout_ms": _TIMEOUT_MS,
    "bootstrap_timeout_ms": _TIMEOUT_MS,
}


def login(servers: str, environ: Mapping[str, str] = os.environ) -> KafkaSecurity:
    """Return how to log in to `servers`: KAFKA_PROPERTIES_FILE belongs to what KAFKA_SERVERS names.

    The lab's own broker asks for nothing, even where that file is for another.

    Raises:
        SettingsError: The file cannot be used.
    """
    external = environ.get("KAFKA_SERVERS") == servers
    return KafkaSecurity.read(Settings.load(environ)) if external else KafkaSecurity({})


def client_options(servers: str) -> dict[str, Any]:
    """Return the options of a kafka-python client of `servers`: its patience and its login."""
    return {**_PATIENCE, **login(servers).kafka_python}


def work(servers: str) -> bool:
    """Create the missing topics, produce a record and fetch it; return whether all that worked."""
    try:
        create_topics(servers)
        produce_and_fetch(servers)
    except (KafkaError, OSError):
        return False
    return True


def reachable(servers: str) -> bool:
    """Return whether a broker answers at `servers`; nothing is created or changed there."""
    try:
        KafkaConsumer(bootstrap_servers=servers, **client_options(servers)).close()
    except (KafkaError, OSError, ValueError):
        return False
    return True


def count_records(servers: str, topics: Iterable[str]) -> int:
    """Return how many offsets `topics` hold: records, and the markers that transactions leave.

    Raises:
        KafkaError: The broker does not answer.
    """
    consumer = KafkaConsumer(bootstrap_servers=servers, **client_options(servers))
    try:
        parts = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        ends, begins = consumer.end_offsets(parts), consumer.beginning_offsets(parts)
    finally:
        consumer.close()
    records: int = sum(ends.values()) - sum(begins.values())
    return records


def topics_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the event topics, and those of the output whose names begin with FEATURES_PREFIX."""
    return (*SOURCE_TOPICS, *Names(Settings.load(environ).features_prefix).topics)


def create_topics(servers: str, topics: Iterable[str] | None = None) -> list[str]:
    """Create those of `topics` that do not exist, with 4 partitions each; return their names.

    Without `topics` they are those of the environment: see `topics_of`.

    Raises:
        KafkaError: The broker does not answer, or refuses.
    """
    wanted = topics_of(os.environ) if topics is None else topics
    return _create(servers, {topic: {"num_partitions": PARTITIONS} for topic in wanted})


def produce_and_fetch(servers: str) -> None:
    """Append a record to a topic of the lab's own, and fetch that record again.

    Raises:
        KafkaError: The broker does not answer, refuses, or does not give the record back.
    """
    _create(servers, {_PROBE_TOPIC: {"num_partitions": 1, "configs": {"retention.ms": "60000"}}})
    producer = KafkaProducer(
        bootstrap_servers=servers, acks="all", max_block_ms=_TIMEOUT_MS, **client_options(servers)
    )
    try:
        sent = producer.send(_PROBE_TOPIC, b"?").get(_TIMEOUT_MS / 1_000)
    finally:
        producer.close(timeout=1)
    # Without a group: the probe leaves no offsets behind.
    consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, **client_options(servers))
    try:
        partition = TopicPartition(_PROBE_TOPIC, sent.partition)
        consumer.assign([partition])
        consumer.seek(partition, sent.offset)
        if not consumer.poll(_TIMEOUT_MS):
            raise KafkaTimeoutError("the broker took a record and does not give it back")
    finally:
        consumer.close()


def _create(servers: str, topics: dict[str, dict[str, Any]]) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=servers, **client_options(servers))
    try:
        existing = set(admin.list_topics())
        missing = {name: settings for name, settings in topics.items() if name not in existing}
        if missing:
            _create_or_find(admin, missing)
        return list(missing)
    finally:
        admin.close()


def _create_or_find(admin: KafkaAdminClient, topics: dict[str, dict[str, Any]]) -> None:
    try:
        # Wait: a producer that starts at once must find the topic.
        admin.create_topics(topics, wait_for_metadata=True)
    except TopicAlreadyExistsError:  # another program was creating them too
        admin.wait_for_topics(list(topics))
