"""Watermarks: one input, and several combined."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.utils.watermarks import (
    MAX_WATERMARK,
    MIN_WATERMARK,
    BoundedOutOfOrderness,
    WatermarkCombiner,
    bounded_watermark,
)
from tests.support.inputs.streams import bounds
from tests.support.oracles import event_time as oracle


@given(st.lists(st.integers(-(10**12), 10**14)), bounds)
def test_watermark_is_that_of_the_largest_time(times: list[int], bound: int) -> None:
    clock = BoundedOutOfOrderness(bound)
    for time, expected in zip(times, oracle.watermarks(times, bound), strict=False):
        before = clock.watermark_ms
        assert before == max(expected, MIN_WATERMARK)
        advanced = clock.observe(time)
        assert advanced == (clock.watermark_ms > before)
    assert clock.max_seen_ms == max(times, default=None)


@given(st.lists(st.integers(0, 100), min_size=1), st.integers(0, 10), st.data())
def test_resumed_clock_goes_on_as_if_never_stopped(
    times: list[int], bound: int, data: st.DataObject
) -> None:
    stop = data.draw(st.integers(0, len(times)))
    whole, first = BoundedOutOfOrderness(bound), BoundedOutOfOrderness(bound)
    for time in times[:stop]:
        first.observe(time)
    second = BoundedOutOfOrderness(bound, first.max_seen_ms)
    for time in times[stop:]:
        second.observe(time)
    for time in times:
        whole.observe(time)
    assert (second.watermark_ms, second.max_seen_ms) == (whole.watermark_ms, whole.max_seen_ms)


def test_exactly_bound_old_on_time() -> None:
    clock = BoundedOutOfOrderness(30_000)
    clock.observe(1_000_000)
    assert clock.watermark_ms < 1_000_000 - 30_000


def test_bound_plus_1ms_behind_wm() -> None:
    clock = BoundedOutOfOrderness(30_000)
    clock.observe(1_000_000)
    assert clock.watermark_ms == 1_000_000 - 30_001


def test_lag_is_applied_once_and_backwards() -> None:
    assert bounded_watermark(100_000, 30_000) == 69_999


def test_first_record_of_a_split_is_on_time() -> None:
    """A split whose smallest time is known may only promise what is before it."""
    clock = BoundedOutOfOrderness(0, max_seen_ms=5_000)
    assert clock.watermark_ms < 5_000


def test_zero_bound_keeps_equal_times_on_time() -> None:
    clock = BoundedOutOfOrderness(0)
    clock.observe(7)
    assert clock.watermark_ms == 6


def test_nothing_seen_is_minimum() -> None:
    clock = BoundedOutOfOrderness(0)
    assert (clock.watermark_ms, clock.max_seen_ms) == (MIN_WATERMARK, None)


def test_finish_is_maximum_and_stays() -> None:
    clock = BoundedOutOfOrderness(0)
    clock.observe(5)
    clock.finish()
    assert not clock.observe(10**15)
    assert clock.watermark_ms == MAX_WATERMARK


def test_negative_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="bound_ms=-1 is negative"):
        BoundedOutOfOrderness(-1)


def test_unseen_partition_holds_MIN() -> None:
    merged = WatermarkCombiner(["seen", "unseen"])
    assert merged.advance("seen", 10**12) == MIN_WATERMARK


def test_unseen_partition_may_be_idle() -> None:
    merged = WatermarkCombiner(["seen", "unseen"])
    merged.advance("seen", 500)
    assert merged.mark_idle("unseen") == 500


def test_lag_1_blocks_idle() -> None:
    """Silence is no proof: a partition with a record left to read still holds time back."""
    merged = WatermarkCombiner(["quick", "slow"])
    merged.advance("slow", 100)
    merged.advance("quick", 9_000)
    assert merged.mark_idle("slow", lag=1) == 100
    assert merged.mark_idle("slow", lag=0) == 9_000


def test_idle_wake_old_event_late() -> None:
    """A partition that wakes up far behind neither holds time back nor turns it back."""
    merged = WatermarkCombiner(["quick", "sleepy"])
    merged.advance("sleepy", 100)
    merged.advance("quick", 9_000)
    assert merged.mark_idle("sleepy") == 9_000
    assert merged.advance("sleepy", 200) == 9_000  # an event at 201 would be late
    assert merged.advance("quick", 10_000) == 9_000  # and it is in the minimum again
    assert merged.advance("sleepy", 9_500) == 9_500


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_all_idle_max_any_order(order: tuple[str, ...]) -> None:
    merged = WatermarkCombiner("abc")
    for name, watermark in (("a", 300), ("b", 100), ("c", 200)):
        merged.advance(name, watermark)
    for name in order:
        merged.mark_idle(name)
    assert merged.watermark_ms == 300


def test_late_report_does_not_turn_an_input_back() -> None:
    merged = WatermarkCombiner(["a"])
    merged.advance("a", 100)
    assert merged.advance("a", 50) == 100


def test_no_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="no inputs"):
        WatermarkCombiner([])


@pytest.mark.parametrize("act", ["advance", "mark_idle"])
def test_unknown_input_is_refused(act: str) -> None:
    merged = WatermarkCombiner(["a"])
    arguments = ("b", 1) if act == "advance" else ("b",)
    with pytest.raises(KeyError, match="b"):
        getattr(merged, act)(*arguments)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 50)))))
def test_combined_watermark_follows_the_rule(reports: list[tuple[str, int | None]]) -> None:
    """Minimum of those not idle, maximum of all where all are idle, and never back."""
    merged = WatermarkCombiner("abc")
    reached = dict.fromkeys("abc", MIN_WATERMARK)
    idle: set[str] = set()
    highest = MIN_WATERMARK
    for name, watermark in reports:
        if watermark is None:
            idle.add(name)
            result = merged.mark_idle(name)
        else:
            idle.discard(name)
            reached[name] = max(reached[name], watermark)
            result = merged.advance(name, watermark)
        awake = [reached[name] for name in "abc" if name not in idle]
        highest = max(highest, min(awake) if awake else max(reached.values()))
        assert result == merged.watermark_ms == highest
