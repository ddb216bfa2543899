"""Logs to compare executions on: boundaries by name, random streams, the story, a simulated day."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from typing import Any, Final, NamedTuple

import msgspec
from hypothesis import Phase, given, settings
from hypothesis.strategies import randoms

from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.traffic import traffic
from studykit.services.seed import append
from studykit.trace.stories import STORY

T: Final = 1_760_000_400_000
"""The origin of all logs: the start of a minute, and of five."""

SECOND: Final = 1_000
MINUTE: Final = 60_000
FIRST_RANDOM: Final = 1_000
FIRST_SIMULATED: Final = 2_000
FIRST_DRAWN: Final = 3_000


def payment(event_ms: int, key: str = "a", **changed: object) -> dict[str, Any]:
    """Return the fields of a payment at `T + event_ms`."""
    return {
        "event_id": "e",
        "card_id": key,
        "merchant_id": "m",
        "amount_cents": 100,
        "country": "LU",
        "lat": 49.6,
        "lon": 6.1,
        "event_time": T + event_ms,
        **changed,
    }


def click(event_ms: int, key: str = "a", **changed: object) -> dict[str, Any]:
    """Return the fields of a click at `T + event_ms`."""
    return {
        "event_id": "e",
        "user_id": key,
        "event_type": "page_view",
        "item_id": "i",
        "event_time": T + event_ms,
        **changed,
    }


class Miss(NamedTuple):
    """A dead letter that a case expects. Windows are given by their starts, relative to `T`."""

    offset: int
    feature_set: str | None
    reason: str
    late_by_ms: int | None = None
    windows: list[int] | None = None


class Case(NamedTuple):
    """A log of one partition, and what becomes of it."""

    name: str
    topic: str
    values: list[bytes | None]
    missed: Sequence[Miss] = ()
    rows: int | None = None
    """How many rows its strictest feature set has, where that is the point."""
    appended_ms: Sequence[int] = ()
    """When the records were appended, relative to `T`; long after their events if empty."""
    key: bytes | None = None
    """The records' key where it is not the case's name."""

    def records(self, partition: int) -> Iterator[LogRecord]:
        times = self.appended_ms or [86_400_000] * len(self.values)
        key = self.name.encode() if self.key is None else self.key
        for offset, (value, appended_ms) in enumerate(zip(self.values, times, strict=True)):
            yield LogRecord(self.topic, partition, offset, T + appended_ms, key, value)


def _payments(name: str, *times: int, **expected: Any) -> Case:
    values: list[bytes | None] = [msgspec.json.encode(payment(at, name)) for at in times]
    return Case(name, TRANSACTIONS, values, **expected)


def _clicks(name: str, *times: int, **expected: Any) -> Case:
    values: list[bytes | None] = [msgspec.json.encode(click(at, name)) for at in times]
    return Case(name, CLICKSTREAM, values, **expected)


def _fraud(reason: str, late_by_ms: int, *ends_min: int, offset: int = 1) -> list[Miss]:
    starts = [(end - 5) * MINUTE for end in ends_min]
    return [Miss(offset, "fraud", reason, late_by_ms, starts)]


def _malformed(name: str, value: bytes | None, key: bytes | None = None) -> Case:
    good = msgspec.json.encode(payment(0, name))
    missed = [Miss(0, None, "malformed")]
    if key is None:
        return Case(name, TRANSACTIONS, [value, good], missed, rows=5)
    return Case(name, TRANSACTIONS, [value], missed, rows=0, key=key)


def _text(name: str, old: str, new: str) -> bytes:
    return msgspec.json.encode(payment(0, name)).replace(old.encode(), new.encode())


ANY_TEXTS: Final = (
    "a",
    "a b",
    "a\nb",
    "a\\nb",
    "a\\\nb",
    'a"b',
    'a\\"b',
    "a/b",
    "a;b",
    "a,b",
    " ",
    "\x00",
    "\x7f",
    "\t",
    "é",
    "e\u0301",
    "\u2028",
    "€",
    "😀",
)
"""Names of merchants and items that are all distinct, however they travel."""


BOUNDARIES: Final = [
    _payments("exactly_bound_old_on_time", 89_999, 59_999),
    _payments("bound_plus_1ms_misses_one", 90_000, 59_999, missed=_fraud("partial_late", 0, 1)),
    _payments("behind_wm_open_window_accepted", 100_000, 65_000),
    _payments("ts_equals_end_next_window", 59_999, 60_000, rows=6),
    _payments("exactly_K_windows", 0, rows=5),
    _payments("missed_only", 150_000, 59_000, missed=_fraud("partial_late", 60_999, 1, 2)),
    _payments(
        "last_window_open", 329_999, 59_999, missed=_fraud("partial_late", 239_999, 1, 2, 3, 4)
    ),
    _payments("all_missed_is_late", 330_000, 59_999, missed=_fraud("late", 240_000, 1, 2, 3, 4, 5)),
    _payments(
        "late_does_not_move_wm",
        330_000,
        0,
        300_000,
        missed=_fraud("late", 299_999, 1, 2, 3, 4, 5),
    ),
    _payments("future_at_limit_ok", 0, 300_000, appended_ms=[0, 0]),
    _payments(
        "future_plus_1ms_dlq",
        0,
        300_001,
        appended_ms=[0, 0],
        missed=[Miss(1, None, "future_timestamp")],
    ),
    _payments(
        "future_never_moves_wm",
        0,
        900_000,
        0,
        appended_ms=[0, 0, 0],
        missed=[Miss(1, None, "future_timestamp")],
    ),
    _payments("one_year_gap", 0, 365 * 86_400_000, appended_ms=[0, 365 * 86_400_000], rows=10),
    _payments("one_millisecond_many_payments", *[5] * 12, rows=5),
    Case(
        "squares_beyond_64_bits",
        TRANSACTIONS,
        [
            msgspec.json.encode(payment(at, "squares_beyond_64_bits", amount_cents=10**9 - at))
            for at in range(20)
        ],
        rows=5,
    ),
    Case(
        "longest_event_time",
        TRANSACTIONS,
        [msgspec.json.encode(payment(253_402_300_799_999 - T, "longest_event_time"))],
        appended_ms=[253_402_300_799_999 - T],
        rows=5,
    ),
    Case(
        "earliest_event_time",
        TRANSACTIONS,
        [msgspec.json.encode(payment(10**11 - T, "earliest_event_time"))],
        rows=5,
    ),
    Case(
        "unknown_fields_and_any_text",
        TRANSACTIONS,
        [
            msgspec.json.encode(
                payment(0, "unknown_fields_and_any_text", merchant_id='é"\\\n;| €😀', new=[1, {}])
            )
        ],
        rows=5,
    ),
    Case(
        "merchants_of_any_text",
        TRANSACTIONS,
        [
            msgspec.json.encode(payment(0, "merchants_of_any_text", merchant_id=text))
            for text in (*ANY_TEXTS, *ANY_TEXTS)
        ],
        rows=5,
    ),
    Case(
        "items_of_any_text",
        CLICKSTREAM,
        [
            msgspec.json.encode(click(0, "items_of_any_text", item_id=text))
            for text in (*ANY_TEXTS, *ANY_TEXTS)
        ],
        rows=1,
    ),
    _malformed("tombstone", None),
    _malformed("empty", b""),
    _malformed("not_utf8", b"\xff\xfe{"),
    _malformed(
        "not_utf8_in_unknown_field",
        _text("not_utf8_in_unknown_field", '"e"', '"e","z":"?"').replace(b"?", b"\xff"),
    ),
    _malformed("truncated", _text("truncated", '"lat":49.6', '"lat"')),
    _malformed("trailing_text", _text("trailing_text", "}", "} {}")),
    _malformed("quoted_number", _text("quoted_number", "100,", '"100",')),
    _malformed("required_field_absent", _text("required_field_absent", '"merchant_id":"m",', "")),
    _malformed("required_field_null", _text("required_field_null", ':"m"', ":null")),
    _clicks("optional_field_absent", 0, rows=1),
    Case(
        "optional_field_null",
        CLICKSTREAM,
        [msgspec.json.encode(click(0, "optional_field_null", amount_cents=None))],
        rows=1,
    ),
    _malformed("decimal_cents", _text("decimal_cents", "100,", "100.5,")),
    _malformed("nan", _text("nan", "49.6", "NaN")),
    _malformed("epoch_seconds", _text("epoch_seconds", str(T), str(T // 1_000))),
    _malformed("nested_deep", b"[" * 3_000),
    _malformed("far_too_long", _text("far_too_long", '"e"', '"e","z":"' + "z" * 70_000 + '"')),
    _malformed("foreign_key", _text("foreign_key", "", ""), key=b"somebody_else"),
    _clicks("session_wm_plus_2ms_admitted", 100_000, 70_001, rows=1),
    _clicks(
        "session_wm_plus_1ms_refused",
        100_000,
        70_000,
        rows=1,
        missed=[Miss(1, "session", "late", 0)],
    ),
    _clicks(
        "late_for_both",
        330_000,
        59_999,
        rows=1,
        missed=[
            Miss(1, "personalization", "late", 240_000, [m * MINUTE for m in range(-4, 1)]),
            Miss(1, "session", "late", 240_001),
        ],
    ),
    _clicks("gap_equal_merges", 0, 30 * MINUTE, rows=1),
    _clicks("gap_plus_1ms_splits", 0, 30 * MINUTE + 1, rows=2),
    _clicks("late_bridge_merges_two", 0, 30 * MINUTE + 10_000, 30 * MINUTE - 15_000, rows=1),
]


def boundaries() -> Iterator[LogRecord]:
    """Yield the records of all boundary cases, each in a partition of its own."""
    for partition, case in enumerate(BOUNDARIES):
        yield from case.records(partition)


def random_streams(seed: int, streams: int, length: int) -> Iterator[LogRecord]:
    """Yield small random streams, dense with trouble, two topics for every partition."""
    draw = random.Random(seed)
    for partition in range(FIRST_RANDOM, FIRST_RANDOM + streams):
        for topic in (TRANSACTIONS, CLICKSTREAM):
            yield from random_stream(draw, topic, partition, length)


def drawn_streams(streams: int, length: int) -> Iterator[LogRecord]:
    """Yield random streams whose every choice is Hypothesis's, two topics for every partition.

    They are drawn first and compared in one run of Flink, which takes seconds to start.
    """
    found: list[LogRecord] = []
    partitions = count(FIRST_DRAWN)

    @settings(
        max_examples=streams,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
    )
    @given(randoms(use_true_random=False))
    def collect(draw: random.Random) -> None:
        partition = next(partitions)
        for topic in (TRANSACTIONS, CLICKSTREAM):
            found.extend(random_stream(draw, topic, partition, length))

    collect()
    return iter(found)


_MOVES: Final = (0, 1, -1, SECOND, MINUTE, -MINUTE, 30 * MINUTE - 1, 30 * MINUTE, 30 * MINUTE + 1)


def random_stream(
    draw: random.Random, topic: str, partition: int, length: int
) -> Iterator[LogRecord]:
    """Yield the records of one partition, as `draw` will have them."""
    at = latest = offset = 0
    for _ in range(length):
        at += draw.choice([draw.choice(_MOVES), draw.randrange(-2 * MINUTE, 3 * MINUTE)])
        at = max(at, latest - draw.choice([40 * MINUTE, 90 * SECOND, 30 * SECOND + 1]))
        key = f"{partition}-{draw.randrange(3)}"
        value: bytes | None = msgspec.json.encode(_random_fields(draw, topic, at, key))
        kind = draw.randrange(40)
        if kind == 0:
            value = draw.choice([None, b"", b"\xff", value[:-1] if value else None])
        appended = at - 10 * MINUTE if kind == 1 else max(latest, at) + draw.randrange(SECOND)
        if kind > 1:
            latest = max(latest, at)
        yield LogRecord(topic, partition, offset, T + appended, key.encode(), value)
        offset += draw.choice([1, 1, 1, 2, 5])  # transactions leave holes


def _random_fields(draw: random.Random, topic: str, at: int, key: str) -> dict[str, Any]:
    if topic == TRANSACTIONS:
        return payment(
            at,
            key,
            merchant_id=draw.choice("mno"),
            amount_cents=draw.choice([0, 10**9, draw.randrange(90_000)]),
            country=draw.choice(["LU", "FR"]),
            lat=draw.choice([0.0, -90, 1e-7, draw.uniform(-90, 90)]),
            lon=draw.uniform(-180, 180),
        )
    kind = draw.choice(["impression", "page_view", "click", "add_to_cart", "purchase"])
    spent = {"amount_cents": draw.randrange(9_000)} if kind == "purchase" else {}
    return click(at, key, event_type=kind, item_id=draw.choice("xyz"), **spent)


def story() -> Iterator[LogRecord]:
    """Yield the story in partition 0, six times as slow: its window of 10 s becomes a minute."""
    for offset, event in enumerate(STORY):
        value = msgspec.json.encode(
            payment(6 * event.event_ms, event.key, amount_cents=event.value)
        )
        appended = T + 6 * event.arrival_ms
        yield LogRecord(TRANSACTIONS, 0, offset, appended, event.key.encode(), value)


def simulated_day(partitions: int) -> Iterator[LogRecord]:
    """Yield a day of slow traffic with plenty of disorder, in partitions of its own."""
    disorder = Disorder(
        offline_share=0.02, malformed_share=0.01, wrong_unit_share=0.002, future_share=0.005
    )
    arrivals = traffic(seed=7, start_ms=T, rate=0.06, disorder=disorder)
    day = takewhile(lambda arrival: arrival.at < T + 86_400_000, arrivals)
    for record in append(day, partitions):
        yield LogRecord(
            record.topic,
            FIRST_SIMULATED + record.partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value,
        )
