"""Decoding: strict, so that no two executions can read a record differently."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.events import (
    CLICKSTREAM,
    MAX_PAYLOAD_BYTES,
    TRANSACTIONS,
    Click,
    EventDecoder,
    Malformed,
    Transaction,
)
from tests.support.oracles import log as oracle_log

PAYMENT: dict[str, Any] = {
    "event_id": "e1",
    "card_id": "card_1",
    "merchant_id": "m1",
    "amount_cents": 1_999,
    "country": "FR",
    "lat": 48.85,
    "lon": 2.35,
    "event_time": 1_760_000_400_000,
}
CLICK: dict[str, Any] = {
    "event_id": "e1",
    "user_id": "user_1",
    "event_type": "click",
    "item_id": "i1",
    "event_time": 1_760_000_400_000,
}
OWNERS = {TRANSACTIONS: b"card_1", CLICKSTREAM: b"user_1"}


def decode(topic: str, value: bytes | None, key: bytes | None = None) -> Transaction | Click | None:
    """Decode a record; None where it is malformed. The other opinion must be the same."""
    key = OWNERS[topic] if key is None else key
    try:
        event = EventDecoder(topic).decode(key, value)
    except Malformed as error:
        assert str(error)
        event = None
    fields = oracle_log.decode(topic, key, value)
    assert (event is None) == (fields is None), value
    if event is not None and fields is not None:
        assert all(fields[name] == getattr(event, name) for name in event.__struct_fields__)
    return event


def payment(**changes: object) -> bytes:
    return json.dumps(PAYMENT | changes).encode()


def click(**changes: object) -> bytes:
    return json.dumps(CLICK | changes).encode()


def raw(name: str, text: bytes, event: Mapping[str, Any] = PAYMENT) -> bytes:
    """Return a payload in which `text` stands where the value of `name` belongs."""
    return json.dumps(dict(event) | {name: "@"}).encode().replace(b'"@"', text)


def test_payment_is_read() -> None:
    assert decode(TRANSACTIONS, payment()) == Transaction(**PAYMENT)


def test_click_is_read() -> None:
    assert decode(CLICKSTREAM, click()) == Click(**CLICK)


ACCEPTED = {
    "whole number for a decimal": payment(lat=48, lon=-2),
    "unknown field": payment(note="x", nested={"a": [1, {"b": None}]}),
    "space and line ends around": b" \t\r\n" + payment() + b"\n ",
    "decimal with exponent": raw("lat", b"4.885e1"),
    "nothing spent": payment(amount_cents=0),
    "minus nothing spent": raw("amount_cents", b"-0"),
    "ten million spent": payment(amount_cents=10**9),
    "poles and date line": payment(lat=-90, lon=180.0),
    "64 characters of four bytes": payment(event_id="\N{GRINNING FACE}" * 64),
    "escaped pair": raw("event_id", b'"\\ud83d\\ude00"'),
    "escaped name": payment().replace(b'"lat"', b'"\\u006cat"'),
    "name twice, last one counts": payment().replace(b"{", b'{"lat": 1.0, ', 1),
    "first millisecond that is no second": payment(event_time=10**11),
    "end of the year 9999": payment(event_time=253_402_300_799_999),
    "as long as may be": payment(note="x" * (MAX_PAYLOAD_BYTES - len(payment(note="")))),
    "huge number that nobody reads": raw("note", b"9" * 5_000),
    "decimal that no float holds, unread": raw("note", b"1e400"),
    "minus zero degrees": raw("lat", b"-0.0"),
    "decimal too small for a float": raw("lat", b"1e-400"),
    "pole, and less beyond it than a float tells": raw("lat", b"90.00000000000000000001"),
    "time twice, the second by an escaped name": payment()[:-1]
    + b',"event\\u005ftime":1760000400001}',
    "card twice, the last one is the key": payment().replace(b"{", b'{"card_id":"other",', 1),
    "byte order mark in a text": payment(merchant_id="\ufeffm"),
    "DEL, and characters that are none": payment(merchant_id="\x7f\uffff\U0010ffff"),
    "64 pairs, escaped": raw("merchant_id", b'"' + b"\\ud83d\\ude00" * 64 + b'"'),
    "fields without a name": payment()[:-1] + b',"":1,"":2}',
}


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_event(value: bytes) -> None:
    assert decode(TRANSACTIONS, value) is not None


REFUSED: dict[str, bytes | None] = {
    "tombstone": None,
    "empty": b"",
    "null": b"null",
    "array": b"[" + payment() + b"]",
    "text": b"hello",
    "number": b"1",
    "quoted number": payment(amount_cents="1999"),
    "quoted time": payment(event_time="1760000400000"),
    "quoted latitude": payment(lat="48.85"),
    "decimal amount": payment(amount_cents=19.99),
    "decimal that is whole": raw("amount_cents", b"1999.0"),
    "exponent for a whole number": raw("amount_cents", b"2e3"),
    "true for a number": payment(amount_cents=True),
    "true for a decimal": payment(lat=True),
    "number for a text": payment(merchant_id=7),
    "null field": payment(merchant_id=None),
    "missing field": json.dumps({k: v for k, v in PAYMENT.items() if k != "lon"}).encode(),
    "name in capitals": payment().replace(b'"lat"', b'"LAT"'),
    "trailing text": payment() + b" ok",
    "trailing zero byte": payment() + b"\0",
    "two events": payment() + payment(),
    "truncated": payment()[:-1],
    "byte order mark": b"\xef\xbb\xbf" + payment(),
    "UTF-16": payment().decode().encode("utf-16"),
    "single quotes": payment().replace(b'"', b"'"),
    "trailing comma": payment()[:-1] + b",}",
    "comment": payment() + b"// ok",
    "NaN": raw("lat", b"NaN"),
    "Infinity": raw("lat", b"Infinity"),
    "minus Infinity": raw("lat", b"-Infinity"),
    "NaN in an unknown field": raw("note", b"NaN"),
    "infinite decimal": raw("lat", b"1e999"),
    "leading zero": raw("amount_cents", b"01999"),
    "leading plus": raw("amount_cents", b"+1999"),
    "point without digits": raw("lat", b"48."),
    "hexadecimal": raw("amount_cents", b"0x7CF"),
    "huge number": raw("amount_cents", b"9" * 5_000),
    "2 to the 64": payment(amount_cents=2**64),
    "negative amount": payment(amount_cents=-1),
    "a cent over ten million": payment(amount_cents=10**9 + 1),
    "beyond the pole": payment(lat=90.000001),
    "beyond the date line": payment(lon=-180.000001),
    "empty identifier": payment(event_id=""),
    "65 characters": payment(merchant_id="x" * 65),
    "country in small letters": payment(country="fr"),
    "country of three letters": payment(country="FRA"),
    "country and a line end": payment(country="FR\n"),
    "country before a line end": payment(country="\nFR"),
    "country of other letters": payment(country="\N{GREEK CAPITAL LETTER ALPHA}\u0392"),
    "undecodable byte in a field": payment(merchant_id="@").replace(b"@", b"\xff"),
    "undecodable byte in an unknown field": payment(note="@").replace(b"@", b"\xff"),
    "undecodable byte in a name": payment(note=1).replace(b"note", b"n\xffte"),
    "overlong encoding": payment(merchant_id="@").replace(b"@", b"\xc0\xaf"),
    "half a pair, escaped": raw("merchant_id", b'"\\ud800"'),
    "half a pair in an unknown field": raw("note", b'"\\udc00"'),
    "half a pair in bytes": payment(merchant_id="@").replace(b"@", b"\xed\xa0\x80"),
    "control character in a text": raw("merchant_id", b'"a\nb"'),
    "unknown escape": raw("merchant_id", b'"\\q"'),
    "name twice, one of them wrong": payment().replace(b"{", b'{"lat": "1.0", ', 1),
    "nested 3,000 deep": raw("note", b"[" * 3_000 + b"]" * 3_000),
    "nested 3,000 deep in a field": raw("lat", b"[" * 3_000 + b"]" * 3_000),
    "objects 3,000 deep": raw("note", b'{"a":' * 3_000 + b"1" + b"}" * 3_000),
    "never closed": b"[" * 3_000,
    "5 MB": payment(note="x" * 5_000_000),
    "a byte too long": payment(note="x" * (MAX_PAYLOAD_BYTES - len(payment(note="")) + 1)),
    "seconds": payment(event_time=1_760_000_400),
    "microseconds": payment(event_time=1_760_000_400_000_000),
    "nanoseconds": payment(event_time=1_760_000_400_000_000_000),
    "just before a millisecond": payment(event_time=10**11 - 1),
    "the year 10000": payment(event_time=253_402_300_800_000),
    "before 1970": payment(event_time=-1),
    "time as text": payment(event_time="2025-10-09T09:00:00Z"),
    "time in Arabic digits": raw("event_time", "\u0661\u0667\u0666".encode() * 4),
    "time and 2 to the 64": payment(event_time=2**64 + 1_760_000_400_000),
    "time minus zero": raw("event_time", b"-0"),
    "pair in reverse, escaped": raw("merchant_id", b'"\\ude00\\ud83d"'),
    "five bytes for a character": payment(merchant_id="@").replace(b"@", b"\xf8\x88\x80\x80\x80"),
    "character beyond the last": payment(merchant_id="@").replace(b"@", b"\xf4\x90\x80\x80"),
    "form feed between fields": payment().replace(b", ", b",\f"),
    "no-break space between fields": payment().replace(b", ", b",\xc2\xa0"),
    "UTF-32": payment().decode().encode("utf-32"),
    "number of a schema before it": b"\0\0\0\0\1" + payment(),
    "gzip": gzip.compress(payment(), mtime=0),
    "country in wide letters": payment(country="\uff2c\uff35"),
    "country whose capitals are ASCII": payment(country="\u017fS"),
    "card twice, the first one is the key": payment()[:-1] + b',"card_id":"other"}',
    "card twice, the first is null": payment().replace(b"{", b'{"card_id":null,', 1),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_malformed(value: bytes | None) -> None:
    assert decode(TRANSACTIONS, value) is None


@pytest.mark.parametrize(
    ("key", "card"),
    [
        (b"card_2", "card_1"),
        (b"", "card_1"),
        (b"card_1 ", "card_1"),
        (b"\xff", "card_1"),
        (b'"card_1"', "card_1"),
    ],
)
def test_wrong_key(key: bytes, card: str) -> None:
    with pytest.raises(Malformed, match="key is not the event's card_id or user_id"):
        EventDecoder(TRANSACTIONS).decode(key, payment(card_id=card))
    assert oracle_log.decode(TRANSACTIONS, key, payment(card_id=card)) is None


def test_no_key() -> None:
    with pytest.raises(Malformed, match="key"):
        EventDecoder(TRANSACTIONS).decode(None, payment())


def test_key_is_compared_as_bytes() -> None:
    """The same letter in two compositions is two keys, in two partitions."""
    composed, decomposed = "\u00e9", "e\u0301"
    assert decode(TRANSACTIONS, payment(card_id=composed), composed.encode()) is not None
    assert decode(TRANSACTIONS, payment(card_id=composed), decomposed.encode()) is None


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"event_type": "purchase", "amount_cents": 5}, True),
        ({"event_type": "purchase", "amount_cents": 0}, True),
        ({"event_type": "purchase"}, False),
        ({"event_type": "purchase", "amount_cents": None}, False),
        ({"event_type": "click", "amount_cents": None}, True),
        ({"event_type": "click", "amount_cents": 5}, False),
        ({"event_type": "click", "amount_cents": 0}, False),
        ({"event_type": "hover"}, False),
        ({"event_type": "Click"}, False),
        ({"event_type": None}, False),
        ({"item_id": ""}, False),
    ],
)
def test_click_rules(changes: dict[str, Any], good: bool) -> None:
    assert (decode(CLICKSTREAM, click(**changes)) is not None) == good


def test_event_of_the_other_topic_is_malformed() -> None:
    assert decode(CLICKSTREAM, payment(), b"card_1") is None


def test_reason_says_what_is_wrong() -> None:
    decoder = EventDecoder(TRANSACTIONS)
    for value, reason in [
        (None, "no value"),
        (payment(lat="1"), "lat"),
        (payment(note="x" * 70_000), "at most 65536"),
        (b"[" * 3_000, "brackets"),
    ]:
        with pytest.raises(Malformed, match=reason):
            decoder.decode(b"card_1", value)


@given(st.binary(max_size=200), st.sampled_from([TRANSACTIONS, CLICKSTREAM]))
def test_any_bytes_are_an_event_or_malformed(value: bytes, topic: str) -> None:
    decode(topic, value)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.just([]),
)


@given(st.dictionaries(st.sampled_from(list(PAYMENT)), scalars, max_size=2))
def test_any_values_in_a_payment(changes: dict[str, Any]) -> None:
    decode(TRANSACTIONS, payment(**changes))


@given(st.data())
def test_any_damage_to_a_payment(data: st.DataObject) -> None:
    """Bytes inserted, removed or replaced anywhere."""
    value = bytearray(payment())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=2))
    decode(TRANSACTIONS, bytes(value))
