"""Kafka: consuming the event topics, producing what comes out, and the commit that is the state.

A commit is the offset from which a successor has to read; its metadata tells with which watermark,
and up to where output has been delivered. See `partition.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner.default import murmur2
from kafka.structs import MemberState, OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC, DeadLetter
from flink_jobs.errors import Foreseen
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import FeatureRow, encode_row
from flink_jobs.partition import Resume

SOURCE_TOPICS: Final = tuple(dict.fromkeys(one.source for one in CATALOG))
TARGET_TOPICS: Final = (*(one.target for one in CATALOG), DEAD_LETTER_TOPIC)

MAX_RECORD_BYTES: Final = 11 * 1024 * 1024
MAX_ORIGINAL_BYTES: Final = 10 * 1024 * 1024
"""What a dead letter holds of a record. A longer one is cut: compressed, it may come through a
broker that would not take it back, and it must not hold up what follows it."""

BATCH_RECORDS: Final = 10_000
DELIVERY_TIMEOUT_MS: Final = 120_000
RECONNECT_MS: Final = 1_000
"""Longest pause between two attempts to reach a broker that is away."""


class KafkaUnusable(Foreseen):
    """The broker cannot be used. Its text is one sentence that says why and what to do."""


class ForeignCommit(Foreseen):
    """A committed position that cannot be resumed with these settings."""


def check_topics(settings: Settings) -> None:
    """Make sure that the broker answers and has every topic.

    Raises:
        KafkaUnusable: It does not, or a topic is missing.
    """
    servers = settings.kafka_servers
    try:
        admin = KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=5_000)
        existing = set(admin.list_topics())
        admin.close()
    except (KafkaError, OSError, ValueError) as error:
        raise KafkaUnusable(
            f"no Kafka broker answers at {servers} ({type(error).__name__}): start one with "
            "`make up`, or set KAFKA_SERVERS"
        ) from None
    missing = [topic for topic in (*SOURCE_TOPICS, *TARGET_TOPICS) if topic not in existing]
    if missing:
        raise KafkaUnusable(
            f"the broker at {servers} has no topic {', '.join(missing)}: `make up` creates them"
        )


def open_consumer(settings: Settings) -> KafkaConsumer:
    """Open a consumer of the group; it commits only when told to."""
    return KafkaConsumer(
        bootstrap_servers=settings.kafka_servers,
        group_id=settings.kafka_group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=[CooperativeStickyAssignor],
        max_poll_records=BATCH_RECORDS,
        fetch_max_bytes=4 * MAX_RECORD_BYTES,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=1_000,
        reconnect_backoff_max_ms=RECONNECT_MS,
        metrics_enabled=False,
    )


def keep_joining(consumer: KafkaConsumer) -> None:
    """Make sure that the next poll finishes joining the group, if the last one has begun to.

    kafka-python 3.0.12 forgets that it is joining where a poll runs out of time at the wrong moment
    and it was joining because partitions had become known: it would wait for its own for ever.
    """
    if consumer.group_metadata().state is MemberState.REBALANCING:
        consumer._coordinator.request_rejoin()


def resume_from(committed: OffsetAndMetadata | None, first: int, settings: Settings) -> Resume:
    """Return where to go on after `committed`, which another processor of the group left.

    Args:
        committed: The group's commit; None where there is none.
        first: Offset of the first record that the partition holds, where it then begins.
        settings: Those of the group.

    Raises:
        ForeignCommit: It was left with other windows, so what is open cannot be rebuilt from it.
    """
    if committed is None:
        return Resume(first, None, first)
    if not committed.metadata:  # left by another tool: a plain offset, of which nothing is known
        return Resume(committed.offset, None, committed.offset)
    found = _METADATA.fullmatch(committed.metadata)
    if found is None:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} was left by another program, with the note "
            f"{committed.metadata!r}: choose another KAFKA_GROUP"
        )
    max_seen, delivered, fingerprint = found.groups()
    if fingerprint != _fingerprint(settings):
        raise ForeignCommit(
            f"group {settings.kafka_group!r} was left with the windows {fingerprint}, and the "
            f"settings now say {_fingerprint(settings)}: go back to those, or choose another "
            "KAFKA_GROUP to start from the beginning of the log"
        )
    return Resume(committed.offset, int(max_seen) if max_seen else None, int(delivered))


def check_log(one: TopicPartition, resume: Resume, end: int, settings: Settings) -> None:
    """Make sure that a partition still holds what its group has processed.

    Args:
        one: The partition.
        resume: What the group's commit says.
        end: The offset that the partition's next record will have.
        settings: Those of the group.

    Raises:
        ForeignCommit: It is another log, in which the offsets of the commit mean nothing.
    """
    if end < resume.delivered:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} has processed {one.topic}/{one.partition} up to "
            f"offset {resume.delivered}, and the log now ends at {end}: the topic was created "
            "anew, so choose another KAFKA_GROUP to start from its beginning"
        )


def commit_of(resume: Resume, settings: Settings) -> OffsetAndMetadata:
    """Return the commit that `resume_from` reads."""
    max_seen = "" if resume.max_seen_ms is None else resume.max_seen_ms
    metadata = f"{max_seen}|{resume.delivered}|{_fingerprint(settings)}"
    return OffsetAndMetadata(resume.offset, metadata, -1)


_METADATA: Final = re.compile(r"(\d*)\|(\d+)\|(\S+)")


def _fingerprint(settings: Settings) -> str:
    """Name everything that decides a verdict; a log replayed with other values tells otherwise."""
    return (
        f"size={settings.window_size_minutes}min,slide={settings.window_slide_seconds}s,"
        f"bound={settings.max_out_of_orderness_seconds}s,"
        f"lateness={settings.allowed_lateness_seconds}s,future={settings.max_future_seconds}s"
    )


class Outbox:
    """Sends rows and dead letters to their topics; `flush` makes sure that they have arrived."""

    def __init__(self, settings: Settings) -> None:
        """Open a producer that retries until `DELIVERY_TIMEOUT_MS` is over."""
        self._producer = KafkaProducer(
            bootstrap_servers=settings.kafka_servers,
            linger_ms=20,
            batch_size=262_144,
            max_request_size=MAX_RECORD_BYTES,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
            max_block_ms=DELIVERY_TIMEOUT_MS,
            reconnect_backoff_max_ms=RECONNECT_MS,
            metrics_enabled=False,
        )
        self._sent: list[Any] = []  # asked at the flush: a call-back for each costs far more
        self._targets = {one.name: one.target for one in CATALOG}
        self._partitions = {
            topic: len(self._producer.partitions_for(topic)) for topic in TARGET_TOPICS
        }

    @property
    def pending(self) -> int:
        """How much has been sent since the last flush: all of it may still be in memory."""
        return len(self._sent)

    def send(self, rows: Iterable[FeatureRow], letters: Iterable[DeadLetter]) -> None:
        """Hand over rows and dead letters; errors are told by `flush`."""
        for row in rows:
            self._send(self._targets[row.feature_set], row.redis_key.encode(), encode_row(row), [])
        for letter in letters:
            original, headers = letter.original, letter.headers
            if original is not None and len(original) > MAX_ORIGINAL_BYTES:
                headers = [*headers, ("original_bytes", str(len(original)).encode())]
                original = original[:MAX_ORIGINAL_BYTES]
            self._send(DEAD_LETTER_TOPIC, letter.key, original, headers)

    def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has acknowledged everything sent; return whether it has in time.

        Raises:
            KafkaUnusable: Something was refused, or not taken for `DELIVERY_TIMEOUT_MS`.
        """
        try:
            self._producer.flush(timeout=timeout_s)
        except KafkaTimeoutError:
            return False
        failed = next((one.exception for one in self._sent if one.exception is not None), None)
        if failed is not None:
            raise KafkaUnusable(
                f"the broker did not take all output ({failed!r}): nothing is lost, start again "
                "when it is back"
            )
        self._sent.clear()
        return True

    def close(self) -> None:
        """Close the connection without waiting for what is not yet delivered."""
        try:
            self._producer.close(timeout=1)
        except (
            KafkaTimeoutError
        ):  # kafka-python waits for it all the same, unless it is thrown away
            self._producer._sender.force_close()
            with suppress(KafkaError):
                self._producer.close(timeout=1)

    def _send(
        self, topic: str, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        partition = _murmur2(key) % self._partitions[topic]
        self._sent.append(self._producer.send(topic, value, key, headers, partition))


@lru_cache(maxsize=100_000)
def _murmur2(key: bytes) -> int:
    """Return the hash by which Kafka's clients choose a partition; keys come again and again."""
    return int(murmur2(key)) & 0x7FFF_FFFF
