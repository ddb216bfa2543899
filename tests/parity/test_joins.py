"""The engine's joins and Flink SQL's give the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest

from flink_jobs.engine.joins import IntervalJoin, Outer
from flink_jobs.engine.joins_versioned import VersionedLookup
from flink_jobs.utils.watermarks import MAX_WATERMARK, BoundedOutOfOrderness, WatermarkCombiner
from studykit.trace.steps import Event
from tests.support.services.flink import Flink

pytestmark = pytest.mark.jvm

BOUND_MS = 4_000
CARDS = "abcdef"
START_MS = 3_600_000
"""Flink SQL takes the watermark for 0 as long as it is below, and misses pairs at 0 itself."""

JOINS: dict[Outer, str] = {
    "none": "JOIN",
    "left": "LEFT JOIN",
    "right": "RIGHT JOIN",
    "both": "FULL JOIN",
}


@pytest.fixture(scope="module")
def flink() -> Flink:
    return Flink()


def log(seed: str, count: int = 150) -> list[Event]:
    """Return events of no more disorder than the bound, each of a time of its own for its card.

    They lie on a grid of half a second, so that many are exactly at a bound of a band.
    """
    draw = Random(seed)
    moments = [(card, time) for card in CARDS for time in range(START_MS, START_MS + 60_000, 500)]
    chosen = draw.sample(moments, count)
    events = [
        Event(time, time + draw.randrange(0, BOUND_MS, 500), card, number)
        for number, (card, time) in enumerate(chosen)
    ]
    return sorted(events, key=lambda event: event.arrival_ms)


class Inputs:
    """Two logs read in turn, with the watermark of both together."""

    def __init__(self, lefts: Iterable[Event], rights: Iterable[Event]) -> None:
        both = [("left", event) for event in lefts] + [("right", event) for event in rights]
        self.arrivals = sorted(both, key=lambda arrival: arrival[1].arrival_ms)
        self._clocks = {side: BoundedOutOfOrderness(BOUND_MS) for side in ("left", "right")}
        self._common = WatermarkCombiner(self._clocks)

    def watermark_after(self, side: str, event: Event) -> int:
        self._clocks[side].observe(event.event_ms)
        return self._common.advance(side, self._clocks[side].watermark_ms)


def interval(band: tuple[int, int], outer: Outer) -> Counter[tuple[int | None, int | None]]:
    """Return the values of the pairs that the engine finds."""
    join: IntervalJoin[int, int] = IntervalJoin(*band, outer)
    inputs = Inputs(log("left"), log("right"))
    for side, event in inputs.arrivals:
        assert join.on_row(
            "left" if side == "left" else "right", event.key, event.event_ms, event.value
        )
        join.on_watermark(inputs.watermark_after(side, event))
    join.on_watermark(MAX_WATERMARK)
    return Counter((match.left, match.right) for match in join.take())


def offset(milliseconds: int) -> str:
    """Return a span to add, as SQL: `INTERVAL '-3.000' SECOND`."""
    return f"INTERVAL '{milliseconds / 1_000:.3f}' SECOND"


@pytest.mark.parametrize(
    ("band", "outer"),
    [
        ((0, 10_000), "none"),
        ((0, 10_000), "left"),
        ((-3_000, 2_000), "both"),
        ((-8_000, -3_000), "right"),
    ],
)
def test_interval_joins_are_equal(flink: Flink, band: tuple[int, int], outer: Outer) -> None:
    left, right = (flink.named(log(side), BOUND_MS) for side in ("left", "right"))
    lower, upper = map(offset, band)
    rows = flink.rows(
        f"SELECT l.amount, r.amount FROM {left} AS l {JOINS[outer]} {right} AS r "
        f"ON l.card = r.card AND r.rt BETWEEN l.rt + {lower} AND l.rt + {upper}"
    )
    expected = interval(band, outer)
    assert len(expected) > 50, expected
    assert Counter(tuple(row) for row in rows) == expected


def as_of() -> Counter[tuple[int, int | None]]:
    """Return the values of rows, and the version that each met in the engine."""
    lookup: VersionedLookup[int, int] = VersionedLookup()
    inputs = Inputs(log("rows"), log("versions", 60))
    for side, event in inputs.arrivals:
        if side == "left":
            assert lookup.on_row(event.key, event.event_ms, event.value)
        else:
            assert lookup.on_version(event.key, event.event_ms, event.value)
        lookup.on_watermark(inputs.watermark_after(side, event))
    lookup.on_watermark(MAX_WATERMARK)
    return Counter((answer.value, answer.version) for answer in lookup.take())


def test_versioned_lookups_are_equal(flink: Flink) -> None:
    rows = flink.named(log("rows"), BOUND_MS)
    versions = flink.named(log("versions", 60), BOUND_MS)
    history = f"{versions}_history"
    file = flink.folder / f"{versions}.csv"
    flink.tables.execute_sql(
        f"CREATE TEMPORARY TABLE {history} (event_ms BIGINT, card STRING, amount BIGINT, "
        "rt AS TO_TIMESTAMP_LTZ(event_ms, 3), PRIMARY KEY (card) NOT ENFORCED, "
        "WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND) "
        f"WITH ('connector'='filesystem', 'format'='csv', 'path'='{file}')"
    )
    found = flink.rows(
        f"SELECT l.amount, v.amount FROM {rows} AS l "
        f"LEFT JOIN {history} FOR SYSTEM_TIME AS OF l.rt AS v ON l.card = v.card"
    )
    expected = as_of()
    assert {version for _, version in expected} > {None, 1}
    assert Counter(tuple(row) for row in found) == expected
