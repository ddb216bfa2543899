"""Arrivals: the messages that the broker receives, in the order in which it receives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, Event, Transaction

_encode = msgspec.json.Encoder().encode


class Arrival(Struct, frozen=True, gc=False):
    """One message on its way to the log.

    Attributes:
        at: The time at which the message reaches the broker, epoch milliseconds.
        topic: The topic that the message is sent to.
        key: The record's key, UTF-8.
        value: The payload; None for a tombstone.
        defect: Name of the defect that the payload was given, None for a good event.
    """

    at: int
    topic: str
    key: bytes
    value: bytes | None
    defect: str | None = None

    def delayed_until(self, at: int) -> Arrival:
        """Return the same message, reaching the broker at `at`."""
        return Arrival(at, self.topic, self.key, self.value, self.defect)


def deliver(events: Iterable[Event]) -> Iterator[Arrival]:
    """Yield each event as a message that arrives at its event time: a stream without disorder.

    >>> from flink_jobs.events import Click
    >>> click = Click("c1", "user_7", "click", "item_3", 1_760_000_400_000)
    >>> next(deliver([click])).key
    b'user_7'
    """
    for event in events:
        topic = TRANSACTIONS if isinstance(event, Transaction) else CLICKSTREAM
        yield Arrival(event.event_time, topic, event.key.encode(), _encode(event))
