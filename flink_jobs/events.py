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
"""The longest payload of an event; a longer record is malformed."""
SMALL_PAYLOAD_BYTES: Final = 512
"""Up to this length no look at the shape is needed: no parser fails on so little."""
MAX_BRACKETS: Final = 64
"""How many `[` and `{` a payload may hold, in texts as well."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Cents = Annotated[int, Meta(ge=0, le=1_000_000_000)]
EpochMillis = Annotated[int, Meta(ge=10**11, le=253_402_300_799_999)]
"""Event time, epoch milliseconds, both bounds inside. The lower bound (March 1973) turns away epoch
seconds, the upper one (the end of the year 9999) epoch microseconds: a wrong unit is no time."""

EventType: TypeAlias = Literal["impression", "page_view", "click", "add_to_cart", "purchase"]


# gc=False, here and below: such a value holds no reference to itself, so the collector of cycles
# need not look at it. With hundreds of thousands of values that search is what costs.
class Transaction(Struct, frozen=True, gc=False):
    """One card payment. `event_time` is epoch milliseconds, `amount_cents` whole cents.

    `country` is two capital letters (ISO 3166), `lat` and `lon` are degrees.
    """

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
        """The card, by which Kafka partitions the records."""
        return self.card_id


class Click(Struct, frozen=True, gc=False):
    """One step of a visit. `event_time` is epoch milliseconds.

    A purchase has `amount_cents`, whole cents, and no other event has; null counts as absent.

    Raises:
        ValueError: A purchase has no amount, or another event has one.
    """

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
        """The user, by which Kafka partitions the records."""
        return self.user_id


Event: TypeAlias = Transaction | Click

EVENT_TYPES: Final[dict[str, type[Transaction] | type[Click]]] = {
    TRANSACTIONS: Transaction,
    CLICKSTREAM: Click,
}


class Record(Protocol):
    """One record of a Kafka topic or of a log file."""

    @property
    def topic(self) -> str:
        """The topic's name."""

    @property
    def partition(self) -> int:
        """The number of the partition in its topic, from 0."""

    @property
    def offset(self) -> int:
        """The place of the record in its partition, from 0; offsets grow and may have gaps."""

    @property
    def timestamp(self) -> int:
        """The time at which the broker appended the record, epoch milliseconds.

        Topics have `message.timestamp.type=LogAppendTime`: with a time of the producer's own the
        guard against future event times would compare a clock with itself.
        """

    @property
    def key(self) -> bytes | None:
        """The record's key; None for a record without one."""

    @property
    def value(self) -> bytes | None:
        """The payload; None for a tombstone."""


class Malformed(ValueError):
    """A record that is no event. The text says what is wrong with the record.

    No log and no page shows the text, because it may hold a part of the record.
    """


class EventDecoder:
    """Decodes the records of one topic, strictly: both executions use this decoder.

    >>> decode = EventDecoder(CLICKSTREAM).decode
    >>> step = b'{"event_id":"e","user_id":"u","event_type":"click","item_id":"i","event_time":"1"}'
    >>> decode(b"u", step)
    Traceback (most recent call last):
    ...
    flink_jobs.events.Malformed: Expected `int`, got `str` - at `$.event_time`
    """

    def __init__(self, topic: str) -> None:
        """Build the decoder of `topic`, one of `EVENT_TYPES`.

        Raises:
            KeyError: The topic is unknown.
        """
        self._decode = msgspec.json.Decoder(EVENT_TYPES[topic]).decode

    def decode(self, key: bytes | None, value: bytes | None) -> Transaction | Click:
        """Return the event in a record.

        The record's key must be the event's own card or user. Kafka partitions by the key, and all
        events of an entity must be in one partition, because each partition is an event-time stream
        of its own.

        Raises:
            Malformed: The value is no event of this topic, or the key is not the event's. No other
                error is raised, whatever the bytes: no payload may stop an execution.
        """
        if value is None:
            raise Malformed("tombstone: the record has no value")
        if len(value) > SMALL_PAYLOAD_BYTES:
            _refuse_monsters(value)
        try:
            # The parser does not look into fields that the schema does not name: this line finds
            # bytes there that are no UTF-8.
            value.decode()
            event = self._decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(str(error)) from None
        if key != event.key.encode():
            raise Malformed("the record's key is not the event's card_id or user_id")
        return event


def _refuse_monsters(value: bytes) -> None:
    """Refuse payloads that are far from any event: too long, or nested so deep that parsers fail.

    The depth at which a parser fails depends on the stack of its process. This limit does not, so
    that the verdicts of all processes agree.

    Raises:
        Malformed: The payload is one.
    """
    size = len(value)
    if size > MAX_PAYLOAD_BYTES:
        raise Malformed(f"{size} bytes; an event has at most {MAX_PAYLOAD_BYTES}")
    if value.count(b"[") + value.count(b"{") > MAX_BRACKETS:
        raise Malformed(f"more than {MAX_BRACKETS} brackets; an event is flat")
