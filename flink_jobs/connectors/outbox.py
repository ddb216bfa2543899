"""The outbox: feature rows and dead letters on their way to Kafka.

Records are produced with librdkafka (`confluent-kafka`) and consumed with kafka-python, which would
build every record in Python, under the lock that the engine needs; librdkafka's threads need none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import MAX_RECORD_BYTES, RECONNECT_MS, KafkaUnusable
from flink_jobs.connectors.security import KafkaSecurity
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC, DeadLetter, UnstoredRow
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import FeatureRow, encode_row

DELIVERY_TIMEOUT_S: Final = 120.0
"""How long the broker may take for a record before it counts as not taken."""


class Outbox:
    """Sends rows and dead letters to their topics; `flush` makes sure that they have arrived."""

    def __init__(self, settings: Settings) -> None:
        """Open a producer that retries until `DELIVERY_TIMEOUT_S` is over."""
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                **KafkaSecurity.read(settings).librdkafka,
                "bootstrap.servers": settings.kafka_servers,
                "partitioner": "murmur2_random",  # that of Kafka's own clients
                "enable.idempotence": True,  # a retry neither repeats nor reorders
                "queue.buffering.max.messages": 0,  # the processor sees to it: see `pending`
                "queue.buffering.max.kbytes": 2_147_483_647,
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "message.max.bytes": MAX_RECORD_BYTES,
                "delivery.timeout.ms": int(DELIVERY_TIMEOUT_S * 1_000),
                "reconnect.backoff.max.ms": RECONNECT_MS,
                "delivery.report.only.error": True,
                "on_delivery": self._on_failure,
                "log_level": 2,  # that the broker is away is the processor's to tell, and once
            },
            logger=logging.getLogger("outbox"),
        )
        self._targets = {feature_set.name: feature_set.target for feature_set in CATALOG}

    @property
    def pending(self) -> int:
        """How much is in memory because the broker has not acknowledged it."""
        return len(self._producer)

    def send(self, rows: Iterable[FeatureRow], letters: Iterable[DeadLetter | UnstoredRow]) -> None:
        """Hand over rows and dead letters; errors are told by `flush`."""
        targets, produce = self._targets, self._producer.produce
        for row in rows:
            produce(targets[row.feature_set], encode_row(row), row.redis_key.encode())
        for letter in letters:
            produce(DEAD_LETTER_TOPIC, letter.value, letter.key, headers=list(letter.headers))
        self._producer.poll(0)  # lets go of what has been delivered

    def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has acknowledged everything sent; return whether it has in time.

        Raises:
            KafkaUnusable: Something was refused, or not taken for `DELIVERY_TIMEOUT_S`.
        """
        left = self._producer.flush(timeout_s)
        if self._failure is not None:
            raise KafkaUnusable(
                f"the broker did not take all output ({self._failure.str()}): nothing is lost, "
                "start again when it is back"
            )
        return left == 0

    def close(self) -> None:
        """Throw away what is not delivered: the next processor sends it again."""
        self._producer.purge()
        self._producer.flush(0)

    def _on_failure(self, error: KafkaError | None, _: Message) -> None:
        self._failure = self._failure or error


def unstored(refused: Iterable[tuple[FeatureRow, str]]) -> list[UnstoredRow]:
    """Return the dead letters of rows that the store refused, each with the store's code."""
    return [
        UnstoredRow(
            feature_set=row.feature_set,
            redis_key=row.redis_key,
            window_end=row.window_end,
            revision=row.revision,
            cause=cause,
            row=encode_row(row),
        )
        for row, cause in refused
    ]
