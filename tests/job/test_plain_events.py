"""The patterns that let a record move Flink's watermark: sound, and complete for plain events."""

from __future__ import annotations

import random
import re
from itertools import islice

import pytest
from pyflink.java_gateway import get_gateway

from flink_jobs.events import EVENT_TYPES, EventDecoder, Malformed
from flink_jobs.job.edges.plain_events import GROUP, MAX_TEXT, PLAIN_EVENTS, SEPARATOR
from flink_jobs.runtime.environment import table_environment
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.traffic import traffic
from tests.support.inputs.logs import T

PATTERNS = {
    # Python before 3.11 has no possessive repetition, and without it the same matches: what it is
    # for, Java's stack, the test on Java's own patterns holds.
    topic: [re.compile(re.sub(r"([+}])\+", r"\1", pattern)) for pattern in patterns]
    for topic, patterns in PLAIN_EVENTS.items()
}
DECODERS = {topic: EventDecoder(topic) for topic in EVENT_TYPES}
PIECES = [
    *(b'"', b"\\", b"{", b"[", b"}", b",", b":", b" ", b"\n", b"\t", b"\x00", b"\x01", b"\xff"),
    *(b"0", b"9", b"-", b".", b"e", b"E-3", b"null", b"true", b"NaN", b"90", b"180.5"),
    *(b"\xef\xbf\xbd", b"\xc3\xa9", b"\xe2\x80\xa8", b'"x":1,', b'"card_id":"q",'),
    *(b'"event_time":1760000400001,', b'"amount_cents":5,', b'"amount_cents":null,'),
    b'"event_type":"purchase",',
]


def text_of(key: bytes, value: bytes) -> str:
    """Return what the patterns search: key, separator and value, as far as SQL looks at them."""
    return key.decode(errors="replace") + SEPARATOR + value.decode(errors="replace")


def plain_time(topic: str, key: bytes | None, value: bytes | None) -> int | None:
    """Return what Flink's clock sees."""
    if key is None or value is None:
        return None
    text = text_of(key, value)
    found = (pattern.search(text) for pattern in PATTERNS[topic])
    return next((int(match[GROUP]) for match in found if match), None)


def event_time(topic: str, key: bytes | None, value: bytes | None) -> int | None:
    """Return what the decoder sees."""
    try:
        return DECODERS[topic].decode(key, value).event_time
    except Malformed:
        return None


def _traffic(events: int, disorder: Disorder):
    return islice(traffic(seed=3, start_ms=T, rate=10.0, disorder=disorder), events)


def test_every_event_of_the_simulator_is_plain_and_no_defect_is():
    disorder = Disorder(malformed_share=0.1, wrong_unit_share=0.1, future_share=0.1)
    for arrival in _traffic(5_000, disorder):
        record = arrival.topic, arrival.key, arrival.value
        assert plain_time(*record) == event_time(*record)


def test_what_moves_the_clock_is_an_event_of_that_time_however_a_payload_is_mangled():
    draw = random.Random(1)
    good = [arrival for arrival in _traffic(200, Disorder()) if arrival.value]
    moved = 0
    for _ in range(40_000):
        arrival = draw.choice(good)
        record = arrival.topic, _mangle(draw, arrival.key, 0.02), _mangle(draw, arrival.value, 1)
        plain = plain_time(*record)
        assert plain is None or plain == event_time(*record), record
        moved += plain is not None
    assert moved > 1_000  # or nothing was tested


def _mangle(draw: random.Random, data: bytes, chance: float) -> bytes:
    if draw.random() > chance:
        return data
    mangled = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 3])):
        at = draw.randrange(len(mangled) + 1)
        piece = draw.choice([b"", *PIECES])
        mangled[at : at + draw.randrange(4)] = piece
    return bytes(mangled)


@pytest.mark.parametrize(
    ("key", "head"),
    [
        (b"c\n{", b""),
        (b'c\x01{"x":1,', b""),
        (b"c", b"\x01"),
        (b"", b""),
        (b"d", b""),
        (b"c", b'{"x":{},'),
        (b"c", b'{"x":"\\u0063",'),
    ],
)
def test_neither_a_forged_key_nor_a_nested_or_escaped_field_moves_the_clock(key, head):
    value = (
        b'{"event_id":"e","card_id":"c","merchant_id":"m","amount_cents":1,"country":"LU",'
        b'"lat":0,"lon":-1e-07,"event_time":1760000400000}'
    )
    assert plain_time("transactions", b"c", value) == 1_760_000_400_000
    assert plain_time("transactions", key, head + value[len(head) > 1 :]) is None


PAYMENT = (
    '"event_id":"e","card_id":"c","merchant_id":"m","amount_cents":1,"country":"LU",'
    '"lat":0,"lon":-1e-07,"event_time":1760000400000'
)
MIXED = "a\N{GRINNING FACE}"
"""Java counts these two characters as one unit and as two."""
SHAPES = {
    "many fields": "{" + PAYMENT + "".join(f',"{number}":1' for number in range(500)) + "}",
    "one field, many times": "{" + PAYMENT + ',"":1' * 700 + "}",
    "characters of one and two units": "{" + PAYMENT + ',"x":"' + MIXED * 1_900 + '"}',
    "an id of such characters": "{" + PAYMENT.replace('"m"', f'"{MIXED * 32}"') + "}",
    "blanks": "{" + PAYMENT.replace(",", " " * 500 + ",") + "}",
    "never closed": "{" + PAYMENT + ',"a":"b"' * 500,
    "brackets": '{"x":' * 800,
    "quotes": '"' * 4_000,
    "digits": '{"x":' + "1" * 4_000 + "}",
    "longer than any": "{" + PAYMENT + " " * 100_000 + "}",
}


@pytest.mark.jvm
@pytest.mark.parametrize("shape", SHAPES)
def test_java_searches_any_shape_on_a_small_stack_and_finds_what_python_finds(shape):
    """Java's recursion would end the job: a task has a stack of a megabyte, or less."""
    table_environment(1)  # Java starts
    java = get_gateway().jvm.java.util.regex.Pattern
    text = text_of(b"c", SHAPES[shape].encode())
    for topic, patterns in PLAIN_EVENTS.items():
        for pattern, ours in zip(patterns, PATTERNS[topic], strict=True):
            matcher = java.compile(pattern).matcher(text)
            found = matcher.group(GROUP) if matcher.find() else None
            here = ours.search(text)
            assert found == (here and here[GROUP])


def test_the_shapes_are_not_all_refused():
    values = {shape: value.encode() for shape, value in SHAPES.items()}
    plain = {shape for shape in values if plain_time("transactions", b"c", values[shape])}
    assert plain == {
        "many fields",
        "one field, many times",
        "characters of one and two units",
        "an id of such characters",
        "blanks",
    }
    assert len(SHAPES["longer than any"]) > MAX_TEXT
