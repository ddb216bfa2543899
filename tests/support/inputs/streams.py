"""Random streams, and the engine driven over them one event at a time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple, TypeAlias

from hypothesis import strategies as st

from flink_jobs.engine.firing import Firing
from flink_jobs.engine.sessions import SessionOperator
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SessionWindows, SlidingWindows
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from tests.support.oracles.event_time import Emission, Item, Playback

Row: TypeAlias = tuple[int, int, str, int, Any]
"""End, start, key, revision, content of a firing."""


class Shape(NamedTuple):
    """Windows of `overlap` slides."""

    slide: int
    overlap: int
    offset: int = 0

    @property
    def size(self) -> int:
        return self.slide * self.overlap

    @property
    def windows(self) -> SlidingWindows:
        return SlidingWindows(self.size, self.slide, self.offset)


class InOrder:
    """The pickiest aggregate: its result has every event, in order, so that no error cancels out.

    `merge` puts the right-hand events after the left-hand ones without looking, so panes that are
    merged in the wrong order, twice or not at all show.
    """

    def lift(self, values: Sequence[Item]) -> list[Item]:
        return sorted(values, key=lambda item: (item.time, item.offset))

    def add(self, acc: list[Item], value: Item) -> list[Item]:
        insort(acc, value, key=lambda item: (item.time, item.offset))
        return acc

    def merge(self, left: list[Item], right: list[Item]) -> list[Item]:
        return [*left, *right]

    def finish(self, acc: list[Item]) -> tuple[Item, ...]:
        return tuple(acc)


class Driver:
    """One partition: a clock and an operator, given one event after the other."""

    def __init__(self, operator: Any, clock: BoundedOutOfOrderness) -> None:
        self.operator = operator
        self.clock = clock

    def send(self, item: Item) -> tuple[tuple[int, ...], list[Row]]:
        """Judge an event, let it advance the clock; return the windows missed and the firings."""
        missed = self.feed(item)
        return missed, self.fired()

    def send_when_due(self, item: Item) -> tuple[tuple[int, ...], list[Row]]:
        """Do as `send` does, but bother the operator with no watermark before `next_ms`."""
        missed = tuple(self.operator.on_event(item.key, item.time, item, item.offset))
        if self.clock.observe(item.time) and self.clock.watermark_ms >= self.operator.next_ms:
            self.operator.on_watermark()
        return missed, self.fired()

    def feed(self, item: Item) -> tuple[int, ...]:
        missed = tuple(self.operator.on_event(item.key, item.time, item, item.offset))
        if self.clock.observe(item.time):
            self.operator.on_watermark()
        return missed

    def finish(self) -> list[Row]:
        self.clock.finish()
        self.operator.on_watermark()
        return self.fired()

    def fired(self) -> list[Row]:
        return by_end(row(firing) for firing in self.operator.take())


def sliding(shape: Shape, bound: int, lateness: int = 0, max_seen_ms: int | None = None) -> Driver:
    clock = BoundedOutOfOrderness(bound, max_seen_ms)
    return Driver(SlidingOperator(shape.windows, InOrder(), clock, lateness), clock)


def sessions(gap: int, bound: int, lateness: int = 0, max_seen_ms: int | None = None) -> Driver:
    clock = BoundedOutOfOrderness(bound, max_seen_ms)
    return Driver(SessionOperator(SessionWindows(gap), InOrder(), clock, lateness), clock)


def row(firing: Firing[Any]) -> Row:
    return firing.end_ms, firing.start_ms, firing.key, firing.revision, firing.result


def rows_of(emissions: Iterable[Emission]) -> list[Row]:
    return by_end((e.end, e.start, e.key, e.revision, e.items) for e in emissions)


def by_end(rows: Iterable[Row]) -> list[Row]:
    """Put windows that end together into one order; leave the order of ends alone."""
    return [row for _, together in groupby(rows, lambda r: r[0]) for row in sorted(together)]


def assert_same(driver: Driver, items: Sequence[Item], expected: Playback) -> None:
    """Drive the engine and compare with the oracle after every event, and at the end."""
    for item, step in zip(items, expected.steps, strict=True):
        assert driver.clock.watermark_ms == max(step.watermark, -(2**63))
        missed, fired = driver.send(item)
        assert missed == step.missed, item
        assert fired == rows_of(step.emitted), item
    assert driver.finish() == rows_of(expected.tail)


def events(*pairs: tuple[str, int], value: int = 0) -> list[Item]:
    """Return a log of (key, time) pairs."""
    return [Item(offset, key, time, value) for offset, (key, time) in enumerate(pairs)]


@st.composite
def logs(draw: st.DrawFn, *, keys: str = "abc", longest: int = 40) -> list[Item]:
    """Draw a log: dense, sparse, drifting forward with disorder, or with no order at all."""
    start = draw(st.sampled_from([0, -50, 1_000]))
    moves = draw(
        st.sampled_from(
            [
                st.integers(-12, 18),  # forward on the whole
                st.integers(-3, 3),  # dense
                st.one_of(st.integers(-40, 60), st.integers(0, 2_000)),  # with long silences
            ]
        )
    )
    count = draw(st.integers(1, longest))
    times = draw(
        st.one_of(
            st.lists(moves, min_size=count, max_size=count).map(lambda m: list(accumulate(m))),
            st.lists(st.integers(-60, 120), min_size=count, max_size=count),
        )
    )
    names = draw(st.lists(st.sampled_from(keys), min_size=count, max_size=count))
    return [
        Item(offset, key, start + time, offset)
        for offset, (key, time) in enumerate(zip(names, times, strict=True))
    ]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Draw windows: every overlap from 1 to 20, aligned anywhere."""
    slide = draw(st.integers(1, 10))
    return Shape(slide, draw(st.integers(1, 20)), draw(st.integers(-15, 15)))


bounds = st.integers(0, 20)
latenesses = st.one_of(st.just(0), st.integers(1, 40))
stops = st.integers(0, 40)
