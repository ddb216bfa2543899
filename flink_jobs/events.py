"""The events that the topics carry: their schema, and the strict decoding of a record.

The schema is a public contract. Decoding is strict, because two executions must agree on it: a
quoted number, a decimal where an integer belongs, trailing text or an undecodable byte makes a
record malformed. Fields that the schema does not name are ignored, so that producers may add some.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Meta, Struct

TRANSACTIONS: Final = "transactions"
CLICKSTREAM: Final = "clickstream"

MAX_PAYLOAD_BYTES: Final = 65_536
SMALL_PAYLOAD_BYTES: Final = 512
MAX_BRACKETS: Final = 64

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Cents = Annotated[int, Meta(ge=0, le=1_000_000_000)]
EpochMillis = Annotated[int, Meta(ge=10**11, le=253_402_300_799_999)]
"""Event time. The lower bound (March 1973) turns away epoch seconds, the upper one (the end of the
year 9999) epoch microseconds: both are a wrong unit, not a time."""

EventType: TypeAlias = Literal["impression", "page_view", "click", "add_to_cart", "purchase"]


class Transaction(Struct, frozen=True, gc=False):
    """One card payment. `event_time` is epoch milliseconds, `amount_cents` whole cents."""

    event_id: Id
    card_id: Id
    merchant_id: Id
    amount_cents: Cents
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]  # `$` lets a line break by
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    event_time: EpochMillis

    @property
    def key(self) -> str:
        """The entity that the record is partitioned by."""
        return self.card_id


class Click(Struct, frozen=True, gc=False):
    """One step of a visit. Only a purchase carries `amount_cents`, and it always does."""

    event_id: Id
    user_id: Id
    event_type: EventType
    item_id: Id
    event_time: EpochMillis
    amount_cents: Cents | None = None

    def __post_init__(self) -> None:
        if (self.event_type == "purchase") != (self.amount_cents is not None):
            raise ValueError("a purchase, and nothing else, has amount_cents")

    @property
    def key(self) -> str:
        """The entity that the record is partitioned by."""
        return self.user_id


Event: TypeAlias = Transaction | Click

EVENT_TYPES: Final[dict[str, type[Transaction] | type[Click]]] = {
    TRANSACTIONS: Transaction,
    CLICKSTREAM: Click,
}


class Record(Protocol):
    """One record of a Kafka topic, or of a log file."""

    @property
    def topic(self) -> str:
        """The topic."""

    @property
    def partition(self) -> int:
        """The partition of the topic."""

    @property
    def offset(self) -> int:
        """The place in the partition."""

    @property
    def timestamp(self) -> int:
        """When the broker appended the record, epoch milliseconds."""

    @property
    def key(self) -> bytes | None:
        """The record's key."""

    @property
    def value(self) -> bytes | None:
        """The payload; None in a tombstone."""


class Malformed(ValueError):
    """A record that is no event. Its text says what is wrong with it."""


class EventDecoder:
    """Decodes the records of one topic."""

    def __init__(self, topic: str) -> None:
        """Build the decoder of `topic`, one of `EVENT_TYPES`."""
        self._decode = msgspec.json.Decoder(EVENT_TYPES[topic]).decode

    def decode(self, key: bytes | None, value: bytes | None) -> Transaction | Click:
        """Return the event in a record.

        A record's key must be the event's own card or user: Kafka partitions by it, and all
        events of an entity must be in one partition, because each partition is its own
        event-time stream.

        Raises:
            Malformed: The value is no event of this topic, or the key is not the event's.
        """
        if value is None:
            raise Malformed("tombstone: the record has no value")
        if len(value) > SMALL_PAYLOAD_BYTES:
            _refuse_monsters(value)
        try:
            value.decode()  # fields that the schema does not name are not decoded below
            event = self._decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(str(error)) from None
        if key != event.key.encode():
            raise Malformed("the record's key is not the event's card_id or user_id")
        return event


def _refuse_monsters(value: bytes) -> None:
    """Refuse what is far from any event: too long, or nested so deep that parsers give up.

    Where they give up differs between processes; this limit does not, so that verdicts agree.
    """
    size = len(value)
    if size > MAX_PAYLOAD_BYTES:
        raise Malformed(f"{size} bytes; an event has at most {MAX_PAYLOAD_BYTES}")
    if value.count(b"[") + value.count(b"{") > MAX_BRACKETS:
        raise Malformed(f"more than {MAX_BRACKETS} brackets; an event is flat")
