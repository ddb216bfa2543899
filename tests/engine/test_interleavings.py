"""Partitions that are judged each by its own watermark, and the rule of the minimum over them.

An operator with several inputs has the minimum of their watermarks. Here each partition is judged
by its own watermark instead, so that a result depends on its log alone. That is not another
semantics: it is one of the results that the rule of the minimum allows.

Claim. Read always next from a partition whose own watermark is lowest, and call a partition idle
once its log has ended. Then the minimum that an event meets *is* its partition's own watermark: no
other partition is behind it, or that one would be read first. So under the minimum every event gets
the verdict that it gets alone, and every window of every key (all events of a key are in one
partition) has the same editions with the same contents.

Reading one partition after the other would not do: where the rest is idle the first one drives the
minimum to its end, and all the others are late. And where no partition is idle, whatever the order
of reading, the minimum is never ahead of a partition's own watermark: it may miss fewer windows,
never more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.utils.watermarks import BoundedOutOfOrderness, WatermarkCombiner
from tests.support.inputs.streams import (
    Driver,
    InOrder,
    Row,
    Shape,
    bounds,
    latenesses,
    logs,
    shapes,
    sliding,
)
from tests.support.oracles.event_time import Item

Log = list[Item]
Misses = dict[tuple[str, int], tuple[int, ...]]
"""The windows that an event missed, by partition and offset."""
Editions = dict[str, list[Row]]
"""The firings of each key, in their order."""


@st.composite
def partitions(draw: st.DrawFn) -> dict[str, Log]:
    """Draw the logs of up to four partitions; no key is in two of them."""
    names = "pqrs"[: draw(st.integers(1, 4))]
    return {name: draw(logs(keys=name + name.upper(), longest=15)) for name in names}


def alone(
    topic: dict[str, Log], shape: Shape, bound: int, lateness: int
) -> tuple[Misses, Editions]:
    """Judge every partition by its own watermark."""
    missed: Misses = {}
    rows: list[Row] = []
    for name, log in topic.items():
        driver = sliding(shape, bound, lateness)
        for item in log:
            missed[name, item.offset], fired = driver.send(item)
            rows += fired
        rows += driver.finish()
    return missed, by_key(rows)


class CombinedInputs:
    """One operator behind all partitions, with the minimum of their watermarks."""

    def __init__(self, names: Iterable[str], shape: Shape, bound: int, lateness: int) -> None:
        self.own = {name: BoundedOutOfOrderness(bound) for name in names}
        self.minimum = WatermarkCombiner(self.own)
        clock = BoundedOutOfOrderness(bound)
        self.driver = Driver(SlidingOperator(shape.windows, InOrder(), clock, lateness), clock)

    def read(self, name: str, item: Item) -> tuple[int, ...]:
        missed = self.driver.operator.on_event(item.key, item.time, item, item.offset)
        self.own[name].observe(item.time)
        self._follow(self.minimum.advance(name, self.own[name].watermark_ms))
        return tuple(missed)

    def end(self, name: str) -> None:
        self._follow(self.minimum.mark_idle(name))

    def finish(self) -> Editions:
        return by_key(self.driver.fired() + self.driver.finish())

    def _follow(self, watermark: int) -> None:
        self.driver.clock.watermark_ms = watermark
        self.driver.operator.on_watermark()


def by_key(rows: Iterable[Row]) -> Editions:
    editions: Editions = defaultdict(list)
    for row in rows:
        editions[row[2]].append(row)
    return editions


@given(partitions(), shapes(), bounds, latenesses, st.randoms())
def test_own_watermarks_are_a_result_of_the_minimum(
    topic: dict[str, Log], shape: Shape, bound: int, lateness: int, random: Random
) -> None:
    combined = CombinedInputs(topic, shape, bound, lateness)
    left = {name: list(log) for name, log in topic.items()}
    missed: Misses = {}
    while left:
        lowest = min(combined.own[name].watermark_ms for name in left)
        ties = [name for name in left if combined.own[name].watermark_ms == lowest]
        name = random.choice(ties)
        item = left[name].pop(0)
        assert combined.driver.clock.watermark_ms == combined.own[name].watermark_ms
        missed[name, item.offset] = combined.read(name, item)
        if not left[name]:
            del left[name]
            if left:  # where all were idle, the highest would count
                combined.end(name)
    assert (missed, combined.finish()) == alone(topic, shape, bound, lateness)


@given(partitions(), shapes(), bounds, latenesses, st.data())
def test_minimum_misses_no_more_in_any_interleaving(
    topic: dict[str, Log], shape: Shape, bound: int, lateness: int, data: st.DataObject
) -> None:
    own, _ = alone(topic, shape, bound, lateness)
    combined = CombinedInputs(topic, shape, bound, lateness)
    for name, item in data.draw(interleavings(topic)):
        missed = combined.read(name, item)
        assert set(missed) <= set(own[name, item.offset])


@given(partitions(), shapes(), st.integers(0, 20), st.data())
def test_any_interleaving_within_bound_same_map(
    topic: dict[str, Log], shape: Shape, bound: int, data: st.DataObject
) -> None:
    """Where no partition's disorder exceeds the bound, no order of reading changes a window."""
    tame = {name: within(bound, log) for name, log in topic.items()}
    own, editions = alone(tame, shape, bound, 0)
    combined = CombinedInputs(tame, shape, bound, 0)
    missed = {
        (name, item.offset): combined.read(name, item)
        for name, item in data.draw(interleavings(tame))
    }
    assert missed == own == dict.fromkeys(own, ())
    assert combined.finish() == editions


def test_one_partition_after_the_other_is_not_the_order_to_read() -> None:
    topic = {"p": [Item(0, "p", 0), Item(1, "p", 1_000)], "q": [Item(0, "q", 0)]}
    combined = CombinedInputs(topic, Shape(10, 1), 0, 0)
    combined.end("q")
    for item in topic["p"]:
        combined.read("p", item)
    assert combined.read("q", topic["q"][0]) == (0,)
    assert alone(topic, Shape(10, 1), 0, 0)[0]["q", 0] == ()


def within(bound: int, log: Sequence[Item]) -> Log:
    """Return the events of `log` that are at most `bound` older than the largest time before."""
    kept: Log = []
    largest = None
    for item in log:
        if largest is None or item.time >= largest - bound:
            kept.append(item)
            largest = item.time if largest is None else max(largest, item.time)
    return kept


@st.composite
def interleavings(draw: st.DrawFn, topic: dict[str, Log]) -> list[tuple[str, Item]]:
    """Draw an order in which the partitions are read, each from its beginning."""
    turns = draw(st.permutations([name for name, log in topic.items() for _ in log]))
    logs_left = {name: iter(log) for name, log in topic.items()}
    return [(name, next(logs_left[name])) for name in turns]
