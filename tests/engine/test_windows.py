"""Windows: which of them hold an event, and when they are complete."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.windows import (
    SessionWindows,
    SlidingWindows,
    Window,
    is_closed,
    is_purged,
)
from tests.support.inputs.streams import Shape, shapes
from tests.support.oracles.event_time import window_starts

MINUTE = 60_000
HOP = SlidingWindows(5 * MINUTE, MINUTE)


@given(shapes(), st.integers(-500, 500))
def test_windows_are_those_that_hold_the_event(shape: Shape, time: int) -> None:
    found = shape.windows.assign(time)
    starts = window_starts(time, size=shape.size, slide=shape.slide, offset=shape.offset)
    assert tuple(window.start_ms for window in found) == starts
    assert all(window.start_ms <= time <= window.last_ms for window in found)
    assert {window.end_ms - window.start_ms for window in found} == {shape.size}


@given(shapes(), st.integers(-(10**14), 10**14))
def test_exactly_K_starts(shape: Shape, time: int) -> None:
    assert len(shape.windows.assign(time)) == shape.windows.overlap == shape.overlap


@given(shapes(), st.integers(-500, 500))
def test_pane_is_the_last_window_start(shape: Shape, time: int) -> None:
    start = shape.windows.pane_start(time)
    assert start == shape.windows.assign(time)[-1].start_ms
    assert start <= time < start + shape.slide


def test_negative_1ms_start_minus_60000() -> None:
    assert HOP.pane_start(-1) == -60_000


@pytest.mark.parametrize("time", [0, MINUTE, -MINUTE, 7 * MINUTE])
def test_zero_and_slide_multiples_aligned(time: int) -> None:
    assert HOP.pane_start(time) == time


def test_ts_equals_end_next_window() -> None:
    tumbling = SlidingWindows.tumbling(10_000)
    assert tumbling.assign(9_999) == [Window(0, 10_000)]
    assert tumbling.assign(10_000) == [Window(10_000, 20_000)]


def test_last_tenth_of_a_second_is_inside() -> None:
    """A window that ended 0.1 s early would lose these."""
    assert SlidingWindows.tumbling(10_000).assign(9_950) == [Window(0, 10_000)]


def test_half_second_slide_is_possible() -> None:
    assert len(SlidingWindows(1_000, 500).assign(1_760_000_000_123)) == 2


def test_times_of_today_are_exact() -> None:
    """In 32-bit floats these two are the same instant."""
    tumbling = SlidingWindows.tumbling(1)
    assert tumbling.assign(1_760_000_000_123) != tumbling.assign(1_760_000_000_124)


def test_fires_at_end_minus_1() -> None:
    assert is_closed(10_000, watermark_ms=9_999)


def test_not_at_end_minus_2() -> None:
    assert not is_closed(10_000, watermark_ms=9_998)


@given(st.integers(-100, 100), st.integers(-100, 300), st.integers(0, 50))
def test_purged_is_closed_by_a_watermark_that_waits(end: int, wm: int, lateness: int) -> None:
    assert is_purged(end, wm, lateness) == is_closed(end, wm - lateness)


def test_windows_are_ordered_by_start_then_end() -> None:
    """Where the comparison says `and` for `or`, the first two of these come out unordered."""
    assert Window(0, 20) < Window(5, 10)
    assert Window(0, 20) <= Window(5, 10)
    assert not Window(5, 10) <= Window(0, 20)
    assert Window(0, 10) < Window(0, 20)


@pytest.mark.parametrize(("size", "slide"), [(0, 1), (10, 0), (-5, 5), (10, -5)])
def test_nothing_or_less_is_no_window(size: int, slide: int) -> None:
    with pytest.raises(ValueError, match=f"size {size} and slide {slide} must be positive"):
        SlidingWindows(size, slide)


def test_slide_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="slide 7 ms does not divide size 10 ms: choose"):
        SlidingWindows(10, 7)


@pytest.mark.parametrize("gap", [0, -1])
def test_no_gap_is_no_session(gap: int) -> None:
    with pytest.raises(ValueError, match=f"gap {gap} ms must be positive"):
        SessionWindows(gap)
