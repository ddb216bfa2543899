"""Kafka: consuming the event topics, and the commit that is the state.

A commit is the offset from which a successor has to read; its metadata tells with which watermark,
and up to where output has been delivered. See `partition.py`.
"""

from __future__ import annotations

import re
from typing import Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError
from kafka.structs import MemberState, OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.errors import Foreseen
from flink_jobs.features.catalog import CATALOG
from flink_jobs.partition import Resume

SOURCE_TOPICS: Final = tuple(dict.fromkeys(one.source for one in CATALOG))
TARGET_TOPICS: Final = (*(one.target for one in CATALOG), DEAD_LETTER_TOPIC)

MAX_RECORD_BYTES: Final = 11 * 1024 * 1024
BATCH_RECORDS: Final = 20_000
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


def delivered_until(committed: OffsetAndMetadata) -> int:
    """Return the offset up to which, exclusively, a group has delivered its output.

    The committed offset is no later: a restart begins there, to fill the windows still open again.
    """
    found = _METADATA.fullmatch(committed.metadata or "")
    return int(found[2]) if found else int(committed.offset)


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
