"""Dead letters: what became of a record that a feature set could not count, and why.

A record has one dead letter for each feature set that missed it, or a single one, of no feature
set, where the record is no event at all. The key names the record and the feature set, so that a
letter which is written twice after a crash is the same letter. (Header names are this system's own;
Kafka Streams has settled on others in KIP-1034.)
"""

from __future__ import annotations

import base64
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

DEAD_LETTER_TOPIC: Final = "dead-letter"
MAX_VALUE_BYTES: Final = 10 * 1024 * 1024
"""How much of the original a dead letter's Kafka record holds; a longer original is cut.

A long original may have come compressed through a broker that would not take its text back. A
letter that cannot be sent would hold up all output after it."""

Reason: TypeAlias = Literal["late", "partial_late", "malformed", "future_timestamp"]


class DeadLetter(Struct, frozen=True, gc=False, kw_only=True):
    """Why a record, or part of its windows, was not counted. Times are epoch milliseconds."""

    reason: Reason
    feature_set: str | None = None
    """The feature set that missed the record; None where the record is no event for any."""
    topic: str
    partition: int
    offset: int
    event_time: int | None = None
    watermark: int | None = None
    """The partition's watermark by which the event was judged, before the event itself."""
    late_by_ms: int | None = None
    """How far the event lies behind the limit: 0 for an event exactly at the watermark."""
    missed_windows: tuple[int, ...] | None = None
    """Starts of the windows that the event missed, earliest first; None where nobody can know."""
    original: bytes | None
    """The record's value, byte for byte; None for a tombstone."""

    @property
    def key(self) -> bytes:
        """The dead letter's identity: topic, partition, offset and feature set.

        A letter of no feature set ends with the slash: `transactions/0/17/`.
        """
        return f"{self.topic}/{self.partition}/{self.offset}/{self.feature_set or ''}".encode()

    @property
    def value(self) -> bytes | None:
        """The value of the Kafka record: the original, cut at `MAX_VALUE_BYTES`."""
        return None if self.original is None else self.original[:MAX_VALUE_BYTES]

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The Kafka headers; a value is empty where it does not apply.

        Where `value` is cut, `original_bytes` tells how long the original was.
        """
        missed = self.missed_windows
        whole = self.original is None or len(self.original) <= MAX_VALUE_BYTES
        return [
            ("feature_set", _text(self.feature_set)),
            ("reason", _text(self.reason)),
            ("event_time", _text(self.event_time)),
            ("watermark", _text(self.watermark)),
            ("late_by_ms", _text(self.late_by_ms)),
            ("missed_windows", b"" if missed is None else msgspec.json.encode(missed)),
            *([] if whole else [("original_bytes", _text(len(self.original or b"")))]),
        ]


class UnstoredRow(Struct, frozen=True, gc=False, kw_only=True):
    """A feature row that the store refused: a dead letter of the reason `unstored`.

    The row itself is right, and its feature topic has it. The letter's identity is that of the row,
    so that a letter which is written twice is the same letter.
    """

    feature_set: str
    redis_key: str
    window_end: int
    revision: int
    cause: str
    """The store's code in small letters: `wrongtype`, `oom`."""
    row: bytes
    """The row's JSON, as its feature topic carries it."""

    @property
    def key(self) -> bytes:
        """The dead letter's identity: Redis key, window end and revision."""
        return f"{self.redis_key}/{self.window_end}/{self.revision}".encode()

    @property
    def value(self) -> bytes:
        """The value of the Kafka record: the row's JSON."""
        return self.row

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The Kafka headers: those of every dead letter, empty but for two, and the cause."""
        return [
            ("feature_set", _text(self.feature_set)),
            ("reason", b"unstored"),
            *((name, b"") for name in ("event_time", "watermark", "late_by_ms", "missed_windows")),
            ("cause", _text(self.cause)),
        ]


class _Line(Struct):
    reason: str
    feature_set: str | None
    topic: str
    partition: int
    offset: int
    event_time: int | None
    watermark: int | None
    late_by_ms: int | None
    missed_windows: tuple[int, ...] | None
    original: str | UnsetType | None = UNSET
    original_b64: str | UnsetType = UNSET


def encode_line(letter: DeadLetter) -> bytes:
    """Return the JSON line of a dead letter, without its line end.

    The original is text in `original`, or base64 in `original_b64` where it is not UTF-8. Unlike a
    Kafka record, a line holds the whole original.
    """
    line = _Line(
        reason=letter.reason,
        feature_set=letter.feature_set,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        event_time=letter.event_time,
        watermark=letter.watermark,
        late_by_ms=letter.late_by_ms,
        missed_windows=letter.missed_windows,
    )
    try:
        line.original = None if letter.original is None else letter.original.decode()
    except UnicodeDecodeError:
        line.original_b64 = base64.b64encode(letter.original or b"").decode()
    return msgspec.json.encode(line)


def _text(value: str | int | None) -> bytes:
    return b"" if value is None else str(value).encode()
