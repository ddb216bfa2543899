"""Kafka: clients for the topics and the group, and what the errors of a broker mean.

Events are read with kafka-python; `outbox.py` writes with librdkafka, and says why.
"""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import KafkaError as Refusal
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    AuthorizationError,
    BrokerNotAvailableError,
    BrokerResponseError,
    CommitFailedError,
    CorruptRecordError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    UnsupportedCodecError,
)
from kafka.structs import MemberState

from flink_jobs.config import Settings
from flink_jobs.connectors.names import FEATURES, Names
from flink_jobs.connectors.record_batches import read_quickly
from flink_jobs.connectors.security import KafkaSecurity
from flink_jobs.errors import ForeseenError
from flink_jobs.features.catalog import CATALOG

SOURCE_TOPICS: Final = tuple(dict.fromkeys(feature_set.source for feature_set in CATALOG))
TARGET_TOPICS: Final = FEATURES.topics

MAX_RECORD_BYTES: Final = 11 * 1024 * 1024
"""The largest record that is sent or fetched: a dead letter of 10 MiB, its headers included."""
BATCH_RECORDS: Final = 20_000
"""How many records a poll returns at most. Of a batch the store gets the newest row of each entity:
the longer the batch, the fewer writes."""
_DIAGNOSIS_S: Final = 3.0
RECONNECT_MS: Final = 1_000
"""Longest pause between two attempts to reach a broker that is away."""


class KafkaUnusable(ForeseenError):
    """The broker cannot be used. The text is one sentence that says why and what to do."""


def check_topics(settings: Settings) -> None:
    """Make sure that the broker answers and has every topic, those of the output included.

    Raises:
        KafkaUnusable: The broker does not answer or refuses the login, or a topic is missing.
    """
    servers = settings.kafka_servers
    try:
        admin = open_admin(settings)
        existing = set(admin.list_topics())
        admin.close()
    except (KafkaError, OSError, ValueError) as error:
        raise _unreachable(settings, error) from None
    wanted = (*SOURCE_TOPICS, *Names(settings.features_prefix).topics)
    missing = [topic for topic in wanted if topic not in existing]
    if missing:
        raise KafkaUnusable(
            f"the broker at {servers} has no topic {', '.join(missing)}: `make up` creates them"
        )


def _unreachable(settings: Settings, error: Exception) -> KafkaUnusable:
    """Return why a broker does not answer; kafka-python's own error does not say why."""
    servers, file = settings.kafka_servers, settings.kafka_properties_file
    codes = _refusals(settings) if file else set()
    if Refusal._AUTHENTICATION in codes:
        return KafkaUnusable(
            f"the broker at {servers} refuses the login: mend user, password and mechanism in "
            f"KAFKA_PROPERTIES_FILE={file}"
        )
    if Refusal._SSL in codes:
        return KafkaUnusable(
            f"the TLS connection to {servers} fails: name, in KAFKA_PROPERTIES_FILE={file}, the CA "
            "of the broker's certificate, a client certificate where the broker demands one, and "
            "in KAFKA_SERVERS the host that the certificate is for"
        )
    return KafkaUnusable(
        f"no Kafka broker answers at {servers} ({type(error).__name__}): start one with `make up`, "
        "set KAFKA_SERVERS, or, where it demands TLS or a login, KAFKA_PROPERTIES_FILE"
    )


_TELLING: Final = frozenset({Refusal._AUTHENTICATION, Refusal._SSL})
"""Codes of librdkafka that name a cause: the login, or TLS."""


def _refusals(settings: Settings) -> set[int]:
    """Return the codes with which a connection by librdkafka fails, which tell causes apart."""
    codes: set[int] = set()
    producer = Producer(
        {
            **KafkaSecurity.read(settings).librdkafka,
            "bootstrap.servers": settings.kafka_servers,
            "error_cb": lambda failure: codes.add(failure.code()),
            "log_level": 0,
        }
    )
    deadline = time.monotonic() + _DIAGNOSIS_S
    while not codes & _TELLING and time.monotonic() < deadline:
        producer.poll(0.1)  # the first failure may name no cause, such as a connection that ended
    return codes


def open_consumer(settings: Settings, reset: str = "none") -> KafkaConsumer:
    """Open a consumer of the group that commits only when told to.

    Args:
        settings: Broker, security and group.
        reset: Where the consumer goes on by itself if the group has no offset, or the log does not
            hold it: `earliest`, or `none`, which raises, so that a gap is told and never jumped.
    """
    consumer = KafkaConsumer(
        **KafkaSecurity.read(settings).kafka_python,
        bootstrap_servers=settings.kafka_servers,
        group_id=settings.kafka_group,
        enable_auto_commit=False,
        auto_offset_reset=reset,
        isolation_level="read_committed",  # records of an aborted transaction never happened
        # Partitions that stay are not taken away for a moment: nothing of them is replayed.
        partition_assignment_strategy=[CooperativeStickyAssignor],
        max_poll_records=BATCH_RECORDS,
        fetch_max_bytes=4 * MAX_RECORD_BYTES,
        max_partition_fetch_bytes=MAX_RECORD_BYTES,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=1_000,
        reconnect_backoff_max_ms=RECONNECT_MS,
        metrics_enabled=False,
    )
    read_quickly(consumer)
    return consumer


_PASSING: Final = (
    BrokerNotAvailableError,
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
"""Errors that pass by themselves, though kafka-python does not count them as retriable."""


def refusal(error: KafkaError) -> KafkaUnusable | None:
    """Return the error that ends the processor, or None where the broker is only away for a while.

    Only absence is waited for: a request that the broker has refused would be refused again.
    """
    if error.retriable or isinstance(error, _PASSING):
        return None
    if isinstance(error, AuthorizationError):
        return KafkaUnusable(
            f"the broker does not allow it ({type(error).__name__}): give this user the rights to "
            "read the event topics, to write the others, and to use the group"
        )
    return KafkaUnusable(
        f"the broker refused a request for good ({_sentence(error)}): mend what it names and "
        "start again, nothing is lost"
    )


def undecodable(error: Exception, consumer: KafkaConsumer) -> KafkaUnusable | None:
    """Return what a poll's error says of a record batch; None where the error is of no batch.

    A batch that cannot be decoded (a codec that is missing, a checksum that is wrong) ends the
    processor: kafka-python would raise the same error at every further poll, for ever.
    """
    part = consumer._fetcher._next_partition_records
    answered = isinstance(error, BrokerResponseError) and not isinstance(error, CorruptRecordError)
    if part is None or answered or (isinstance(error, KafkaError) and error.retriable):
        return None
    where = f"{part.topic_partition.topic}/{part.topic_partition.partition}"
    offset = part.next_fetch_offset
    if isinstance(error, UnsupportedCodecError):
        return KafkaUnusable(
            f"{where}, offset {offset}: this Python lacks the codec of the record batch "
            f"({_sentence(error)}): install the packages of requirements.lock and start again"
        )
    damage = "its checksum is wrong" if isinstance(error, CorruptRecordError) else _sentence(error)
    return KafkaUnusable(
        f"{where}, offset {offset}: the record batch is corrupt ({damage}): restore the partition "
        "from a replica, or move the group past the batch with `kafka-consumer-groups.sh "
        "--reset-offsets --to-offset`, and start again; its records are then missing"
    )


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def open_admin(settings: Settings, timeout_ms: int = 5_000) -> KafkaAdminClient:
    """Open a client that asks about topics and groups; no request outlasts `timeout_ms`.

    Raises:
        KafkaError: No broker answers.
    """
    return KafkaAdminClient(
        **KafkaSecurity.read(settings).kafka_python,
        bootstrap_servers=settings.kafka_servers,
        bootstrap_timeout_ms=5_000,
        request_timeout_ms=timeout_ms,
        reconnect_backoff_max_ms=RECONNECT_MS,
    )


def refresh_metadata(consumer: KafkaConsumer) -> None:
    """Let a consumer look now for new partitions; by itself it does so every five minutes."""
    consumer._cluster.request_update()


def keep_joining(consumer: KafkaConsumer) -> None:
    """Make sure that the next poll finishes joining the group, if the last one has begun to.

    Where a poll of kafka-python 3.0.12 runs out of time at the wrong moment, and the consumer was
    joining because partitions had become known, the consumer forgets that it is joining. It would
    never be assigned its partitions.
    """
    if consumer.group_metadata().state is MemberState.REBALANCING:
        consumer._coordinator.request_rejoin()
