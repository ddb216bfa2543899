"""The outbox: feature rows and dead letters on their way to Kafka.

librdkafka (`confluent-kafka`) produces the records in threads outside of Python. kafka-python,
which consumes, would build every record in Python under the interpreter's lock, which the engine
needs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import MAX_RECORD_BYTES, RECONNECT_MS, KafkaUnusable
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.security import KafkaSecurity
from flink_jobs.dead_letter import DeadLetter, UnstoredRow
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import ROW_HEADERS, FeatureRow, encode_row

DELIVERY_TIMEOUT_S: Final = 120.0
"""How long the broker may take for a record before the record counts as not taken, seconds."""


_HEADERS: Final[list[tuple[str, str | bytes | None]]] = [*ROW_HEADERS]


class Outbox:
    """Sends rows and dead letters to their topics; `flush` makes sure that all have arrived."""

    def __init__(self, settings: Settings) -> None:
        """Open a producer that retries until `DELIVERY_TIMEOUT_S` is over."""
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                **KafkaSecurity.read(settings).librdkafka,
                "bootstrap.servers": settings.kafka_servers,
                "partitioner": "murmur2_random",  # Kafka's own; librdkafka's default is CRC32
                "enable.idempotence": True,  # a retry neither repeats nor reorders
                "queue.buffering.max.messages": 0,  # no limit: callers watch `pending`
                "queue.buffering.max.kbytes": 2_147_483_647,
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "message.max.bytes": MAX_RECORD_BYTES,
                "delivery.timeout.ms": int(DELIVERY_TIMEOUT_S * 1_000),
                "reconnect.backoff.max.ms": RECONNECT_MS,
                "delivery.report.only.error": True,  # no call of Python for each record
                "on_delivery": self._on_failure,
                "log_level": 2,  # the processor tells, once, that the broker is away
            },
            logger=logging.getLogger("outbox"),
        )
        self.names = Names(settings.features_prefix)
        self._targets = {
            feature_set.name: self.names.topic(feature_set.name) for feature_set in CATALOG
        }

    @property
    def pending(self) -> int:
        """How many records are in memory because the broker has not acknowledged them."""
        return len(self._producer)

    def send(self, rows: Iterable[FeatureRow], letters: Iterable[DeadLetter | UnstoredRow]) -> None:
        """Hand rows and dead letters to librdkafka's threads; `flush` raises their errors."""
        targets, key_of, produce = self._targets, self.names.key, self._producer.produce
        for row in rows:
            key = key_of(row.feature_set, row.key).encode()
            produce(targets[row.feature_set], encode_row(row), key, headers=_HEADERS)
        for letter in letters:
            produce(self.names.letters, letter.value, letter.key, headers=list(letter.headers))
        self._producer.poll(0)  # serves delivery reports, without which nothing is freed

    def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has acknowledged all that was sent.

        Returns:
            Whether the broker has, within `timeout_s`.

        Raises:
            KafkaUnusable: The broker refused a record, or did not take it for `DELIVERY_TIMEOUT_S`.
        """
        left = self._producer.flush(timeout_s)
        if self._failure is not None:
            raise KafkaUnusable(
                f"the broker did not take all output ({self._failure.str()}): nothing is lost, "
                "start again when it is back"
            )
        return left == 0

    def close(self) -> None:
        """Throw away what is not delivered: the next processor sends it again.

        Otherwise librdkafka waits for an absent broker once more, at the very end.
        """
        self._producer.purge()
        self._producer.flush(0)

    def _on_failure(self, error: KafkaError | None, _: Message) -> None:
        self._failure = self._failure or error


def unstored(refused: Iterable[tuple[FeatureRow, str]], names: Names) -> list[UnstoredRow]:
    """Return the dead letters of rows that the store refused, each with the store's code."""
    return [
        UnstoredRow(
            feature_set=row.feature_set,
            redis_key=names.key(row.feature_set, row.key),
            window_end=row.window_end,
            revision=row.revision,
            cause=cause,
            row=encode_row(row),
        )
        for row, cause in refused
    ]
