"""A topic as a log: read once from its beginning to its present end, in no group, changing nothing.

A replay reads a file; this reads the same records from the broker, for questions about them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import (
    BATCH_RECORDS,
    MAX_RECORD_BYTES,
    KafkaUnusable,
    open_admin,
    refusal,
    undecodable,
)
from flink_jobs.connectors.security import KafkaSecurity
from flink_jobs.events import Record

PATIENCE_S: Final = 30.0
"""How long a broker may bring nothing before it counts as away, seconds of wall time."""
_POLL_MS: Final = 500


class TopicLog:
    """The records that a topic holds now, those of aborted transactions left out."""

    def __init__(self, settings: Settings, topic: str) -> None:
        """Ask the broker where the partitions of `topic` begin and end.

        Raises:
            KafkaUnusable: No broker answers, it refuses, or there is no such topic.
        """
        self._settings = settings
        self._topic = topic
        with closing(self._open()) as consumer:
            try:
                numbers = consumer.partitions_for_topic(topic) or ()
                places = [TopicPartition(topic, number) for number in sorted(numbers)]
                self.begins: Mapping[TopicPartition, int] = consumer.beginning_offsets(places)
                self.ends: Mapping[TopicPartition, int] = consumer.end_offsets(places)
            except KafkaError as error:
                raise self._failed(error) from None
        if not places:
            raise KafkaUnusable(
                f"the broker at {settings.kafka_servers} has no topic {topic}: look at its spelling"
            )

    @property
    def size(self) -> int:
        """How many offsets there are to read, marks of transactions included."""
        return sum(end - self.begins[place] for place, end in self.ends.items())

    def read(self) -> Iterator[list[Record]]:
        """Yield the records in batches, each partition in the order of its offsets.

        Raises:
            KafkaUnusable: The broker goes away, refuses, or holds a batch that cannot be decoded.
        """
        with closing(self._open()) as consumer:
            places = [place for place, end in self.ends.items() if end > self.begins[place]]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            heard = time.monotonic()
            # By position: the last offsets of a partition may be marks of transactions, no records.
            while left := [p for p in places if self._position(consumer, p) < self.ends[p]]:
                batches = self._poll(consumer)
                for place, records in batches.items():
                    if records := [r for r in records if r.offset < self.ends[place]]:
                        yield records
                # Or the consumer would go on fetching what has been written since.
                consumer.pause(*[place for place in places if place not in left])
                if batches:
                    heard = time.monotonic()
                elif time.monotonic() - heard > PATIENCE_S:
                    raise KafkaUnusable(
                        f"the broker at {self._settings.kafka_servers} has brought nothing for "
                        f"{PATIENCE_S:.0f} s: look at its log, and ask again"
                    )

    def _open(self) -> KafkaConsumer:
        try:
            return KafkaConsumer(
                **KafkaSecurity.read(self._settings).kafka_python,
                bootstrap_servers=self._settings.kafka_servers,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_poll_records=BATCH_RECORDS,
                fetch_max_bytes=4 * MAX_RECORD_BYTES,
                max_partition_fetch_bytes=MAX_RECORD_BYTES,
                bootstrap_timeout_ms=5_000,
                metrics_enabled=False,
            )
        except (KafkaError, OSError, ValueError) as error:
            raise self._failed(error) from None

    def _poll(self, consumer: KafkaConsumer) -> Mapping[TopicPartition, list[Any]]:
        try:
            batches: Mapping[TopicPartition, list[Any]] = consumer.poll(_POLL_MS)
        except Exception as error:
            if ending := undecodable(error, consumer):
                raise ending from None
            if isinstance(error, KafkaError):
                if ending := refusal(error):
                    raise ending from None
                return {}
            raise
        return batches

    def _position(self, consumer: KafkaConsumer, place: TopicPartition) -> int:
        try:
            return int(consumer.position(place, timeout_ms=int(PATIENCE_S * 1_000)))
        except KafkaError as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> KafkaUnusable:
        if isinstance(error, KafkaError) and (ending := refusal(error)):
            return ending
        return KafkaUnusable(
            f"no Kafka broker answers at {self._settings.kafka_servers} ({type(error).__name__}): "
            "start one with `make up`, or set KAFKA_SERVERS"
        )


def commits_of(settings: Settings, topic: str) -> dict[int, OffsetAndMetadata]:
    """Return what the settings' group has committed of `topic`, by partition.

    Raises:
        KafkaUnusable: The broker does not answer, or refuses.
    """
    try:
        with closing(open_admin(settings)) as admin:
            offsets = admin.list_group_offsets(settings.kafka_group)[settings.kafka_group]
    except (KafkaError, OSError, ValueError) as error:
        ending = refusal(error) if isinstance(error, KafkaError) else None
        raise ending or KafkaUnusable(
            f"the broker at {settings.kafka_servers} does not tell of the group "
            f"{settings.kafka_group!r} ({type(error).__name__}): ask again in a moment"
        ) from None
    return {place.partition: commit for place, commit in offsets.items() if place.topic == topic}
