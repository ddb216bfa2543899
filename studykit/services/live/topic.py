"""A topic of four partitions on a broker of its own: a producer for each, and a reader of all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Lock, Thread
from typing import Final, NamedTuple

from confluent_kafka import Producer

from studykit.services import topics
from studykit.services.live.broker import own_broker, reader_of

TOPIC: Final = "readings"
EVERY_S: Final = 0.5
"""How often each producer has something to say, in seconds."""
_PATIENCE_S: Final = 10.0


class LiveRecord(NamedTuple):
    """A record as the reader got it; both times are milliseconds since the topic began."""

    partition: int
    event_ms: int
    arrival_ms: int


class LiveTopic:
    """Four producers on a running broker. A muted one keeps what it has to say until it wakes."""

    def __init__(self, servers: str, topic: str = TOPIC, every_s: float = EVERY_S) -> None:
        """Create the topic and let the producers begin.

        Raises:
            KafkaError: The broker does not answer.
        """
        topics.create_topics(servers, [topic])
        self._topic = topic
        self._every_s = every_s
        self._muted: frozenset[int] = frozenset()
        self._kept: list[list[int]] = [[] for _ in range(topics.PARTITIONS)]
        self._lock = Lock()  # a producer that is muted says nothing more once `mute` has returned
        self._ended = Event()
        self._producer = Producer({"bootstrap.servers": servers, "log_level": 0, "linger.ms": 0})
        self._consumer = reader_of(servers, ((topic, n) for n in range(topics.PARTITIONS)))
        self._begin = time.monotonic()
        self._producers = Thread(target=self._produce, daemon=True)
        self._producers.start()

    @property
    def now_ms(self) -> int:
        """Milliseconds since the topic began."""
        return int((time.monotonic() - self._begin) * 1_000)

    def mute(self, partitions: frozenset[int]) -> None:
        """Silence the producers of these partitions, and wake all others."""
        with self._lock:
            self._muted = partitions

    def read(self, wait_s: float = 0.2) -> list[LiveRecord]:
        """Return the records that have come since the last call; wait a while for the first."""
        found = []
        for message in self._consumer.consume(1_000, wait_s):
            value = message.value()
            if message.error() is None and value is not None:
                found.append(LiveRecord(message.partition() or 0, int(value), self.now_ms))
        return found

    def close(self) -> None:
        """End the producers and the reader."""
        self._ended.set()
        self._producers.join(_PATIENCE_S)
        self._producer.flush(_PATIENCE_S)
        self._consumer.close()

    def _produce(self) -> None:
        while not self._ended.wait(self._every_s):
            with self._lock:
                for partition, kept in enumerate(self._kept):
                    kept.append(self.now_ms)
                    if partition not in self._muted:
                        for event_ms in kept:
                            self._producer.produce(self._topic, f"{event_ms}", partition=partition)
                        kept.clear()
                self._producer.poll(0)


@contextmanager
def live_topic() -> Iterator[LiveTopic]:
    """Start a broker beside whatever runs, with a live topic, and stop both whatever happens.

    Raises:
        StudyError: The broker does not start.
    """
    with own_broker() as servers, closing(LiveTopic(servers)) as topic:
        yield topic
