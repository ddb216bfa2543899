"""Defects of a record: a corpus of broken payloads, each with a name.

A defect takes the payload of a good event and returns a bad one. The payloads of `MALFORMED` and
`WRONG_UNITS` are no events; the payloads of `FUTURE` decode, and only the guard against future
event times turns them away.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from flink_jobs.events import MAX_PAYLOAD_BYTES

Defect: TypeAlias = Callable[[bytes, random.Random], bytes | None]
_Fields: TypeAlias = dict[str, Any]

DEPTH: Final = 1_000
"""How deep a nested payload is: deeper than some parsers go, and no event has so many brackets."""
_YEAR_MS: Final = 31_557_600_000


def _fields(change: Callable[[_Fields, random.Random], object]) -> Defect:
    """Make a defect of a function that changes the fields of a payload in place."""

    def defect(payload: bytes, draw: random.Random) -> bytes:
        fields = msgspec.json.decode(payload)
        change(fields, draw)
        return msgspec.json.encode(fields)

    return defect


def _into_first_text(injected: bytes) -> Defect:
    """Make a defect that puts bytes into the text of the first field."""
    return lambda payload, _: payload.replace(b':"', b':"' + injected, 1)


def _truncated(payload: bytes, draw: random.Random) -> bytes:
    return payload[: draw.randrange(1, len(payload))]


def _required(fields: _Fields, draw: random.Random) -> str:
    return draw.choice([name for name, value in fields.items() if value is not None])


def _text(fields: _Fields, draw: random.Random) -> str:
    return draw.choice([name for name, value in fields.items() if isinstance(value, str)])


def _number(fields: _Fields, draw: random.Random) -> str:
    return draw.choice([name for name, value in fields.items() if isinstance(value, int | float)])


def _quote(fields: _Fields, draw: random.Random) -> None:
    name = _number(fields, draw)
    fields[name] = str(fields[name])


def _break_a_rule(fields: _Fields, draw: random.Random) -> None:
    if "country" in fields:
        name, value = draw.choice([("country", "Luxembourg"), ("lat", 90.1), ("lon", -180.1)])
        fields[name] = value
    elif draw.random() < 0.5:
        fields["event_type"] = "hover"
    else:  # a purchase without an amount, or an amount without a purchase
        fields["amount_cents"] = 100 if fields.get("amount_cents") is None else None


def _change_key(fields: _Fields, _: random.Random) -> None:
    """Name another entity in the payload than in the record's key."""
    name = "card_id" if "card_id" in fields else "user_id"
    fields[name] += "0"


def _scale_time(numerator: int, denominator: int = 1) -> Defect:
    def change(fields: _Fields, _: random.Random) -> None:
        fields["event_time"] = fields["event_time"] * numerator // denominator

    return _fields(change)


def _add_decades(fields: _Fields, draw: random.Random) -> None:
    fields["event_time"] += draw.randrange(30 * _YEAR_MS, 60 * _YEAR_MS)


MALFORMED: Final[dict[str, Defect]] = {
    # no JSON, or no JSON alone
    "tombstone": lambda payload, _: None,
    "empty": lambda payload, _: b"",
    "truncated": _truncated,
    "error_page": lambda payload, _: b"<html><body>502 Bad Gateway</body></html>",
    "single_quotes": lambda payload, _: payload.replace(b'"', b"'"),
    "trailing_text": lambda payload, _: payload + b" ok",
    "two_events": lambda payload, _: payload + payload,
    "trailing_comma": lambda payload, _: payload[:-1] + b",}",
    # not the bytes that it should be
    "undecodable_byte": _into_first_text(b"\xff"),
    "control_character": _into_first_text(b"\n"),
    "utf_16": lambda payload, _: payload.decode().encode("utf-16"),
    "byte_order_mark": lambda payload, _: b"\xef\xbb\xbf" + payload,
    # JSON, and no object
    "null": lambda payload, _: b"null",
    "in_an_array": lambda payload, _: b"[" + payload + b"]",
    "encoded_twice": lambda payload, _: msgspec.json.encode(payload.decode()),
    "deeply_nested": lambda payload, _: (
        payload[:-1] + b',"note":' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    ),
    "oversized": _fields(lambda fields, _: fields.update(note="x" * MAX_PAYLOAD_BYTES)),
    # a field missing, or of the wrong type
    "missing_field": _fields(lambda fields, draw: fields.pop(_required(fields, draw))),
    "null_field": _fields(lambda fields, draw: fields.update({_required(fields, draw): None})),
    "quoted_number": _fields(_quote),
    "not_a_number": lambda payload, _: payload.replace(b'"event_time":', b'"event_time":NaN,"t":'),
    "number_as_text": _fields(lambda fields, draw: fields.update({_text(fields, draw): 42})),
    "object_as_text": _fields(lambda fields, draw: fields.update({_text(fields, draw): {}})),
    "true_as_time": _fields(lambda fields, _: fields.update(event_time=True)),
    "iso_time": _fields(lambda fields, _: fields.update(event_time="2025-10-09T09:00:00Z")),
    "decimal_time": _fields(lambda fields, _: fields.update(event_time=1_760_000_400_000.5)),
    "decimal_amount": _fields(lambda fields, _: fields.update(amount_cents=12.5)),
    # a value that no event can have
    "negative_amount": _fields(lambda fields, _: fields.update(amount_cents=-1)),
    "negative_time": _fields(lambda fields, _: fields.update(event_time=-1)),
    "empty_text": _fields(lambda fields, draw: fields.update({_text(fields, draw): ""})),
    "long_text": _fields(lambda fields, draw: fields.update({_text(fields, draw): "x" * 65})),
    "broken_rule": _fields(_break_a_rule),
    "foreign_key": _fields(_change_key),
}
"""Payloads that are no events, for any strict reader."""

WRONG_UNITS: Final[dict[str, Defect]] = {
    "epoch_seconds": _scale_time(1, 1_000),
    "epoch_microseconds": _scale_time(1_000),
    "epoch_nanoseconds": _scale_time(1_000_000),
}
"""Event times that are right except for their unit: no events either."""

FUTURE: Final[dict[str, Defect]] = {"decades_ahead": _fields(_add_decades)}
"""Event times so far ahead that no append time, simulated or real, comes near them."""
