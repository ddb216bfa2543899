"""Sliding windows by key: verdicts, contents, firings and revisions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flink_jobs.engine.aggregates import CountSumMax, Totals
from flink_jobs.engine.panes import Position
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.simulator.golden import TOTAL_CENTS, WINDOWS, golden_log
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from tests.support.effort import held, lines_run
from tests.support.inputs.streams import (
    Driver,
    Row,
    Shape,
    assert_same,
    bounds,
    events,
    latenesses,
    logs,
    shapes,
    sliding,
    stops,
)
from tests.support.oracles.event_time import Item, play_windows
from tests.support.oracles.laws import (
    assert_nothing_to_do_before_next_ms,
    assert_replay_gives_the_rest,
    assert_taking_changes_nothing,
)

SECOND = 1_000
MINUTE = 60 * SECOND
YEAR = 365 * 24 * 60 * MINUTE
HOP = Shape(MINUTE, 5)
TEN_SECONDS = Shape(10 * SECOND, 1)


def send(driver: Driver, *pairs: tuple[str, int]) -> list[tuple[tuple[int, ...], list[Row]]]:
    """Send events; return for each the windows that it missed and what fired after it."""
    return [driver.send(item) for item in events(*pairs)]


def fired(rows: Sequence[Row]) -> list[tuple[int, str, int, int]]:
    """Reduce firings to start, key, revision and number of events."""
    return [(start, key, revision, len(items)) for _, start, key, revision, items in rows]


# The whole behaviour, against the oracle.


@given(logs(), shapes(), bounds, latenesses)
@example([Item(0, "a", 0), Item(1, "a", 9), Item(2, "a", 2)], Shape(3, 3), 0, 0)
def test_engine_equals_oracle(log: list[Item], shape: Shape, bound: int, lateness: int) -> None:
    expected = play_windows(
        log,
        size=shape.size,
        slide=shape.slide,
        offset=shape.offset,
        bound=bound,
        lateness=lateness,
    )
    assert_same(sliding(shape, bound, lateness), log, expected)


@given(logs(keys="abcdefghijklmnopqrst", longest=80), st.integers(1, 20), latenesses)
def test_engine_equals_oracle_with_many_keys(log: list[Item], overlap: int, lateness: int) -> None:
    expected = play_windows(log, size=6 * overlap, slide=6, bound=8, lateness=lateness)
    assert_same(sliding(Shape(6, overlap), 8, lateness), log, expected)


@given(logs(), shapes(), bounds, latenesses, st.data())
def test_take_at_any_moment_gives_the_same(
    log: list[Item], shape: Shape, bound: int, lateness: int, data: st.DataObject
) -> None:
    assert_taking_changes_nothing(lambda: sliding(shape, bound, lateness), log, data)


@given(logs(), shapes(), bounds, latenesses)
def test_before_next_ms_a_watermark_does_nothing(
    log: list[Item], shape: Shape, bound: int, lateness: int
) -> None:
    assert_nothing_to_do_before_next_ms(lambda: sliding(shape, bound, lateness), log)


@given(logs(), shapes(), bounds, latenesses)
def test_windows_and_misses_add_up(
    log: list[Item], shape: Shape, bound: int, lateness: int
) -> None:
    """The events in the last editions of all windows are K per event, less what was missed."""
    driver = sliding(shape, bound, lateness)
    missed = 0
    last: dict[tuple[int, int, str], int] = {}
    for item in log:
        lost, rows = driver.send(item)
        missed += len(lost)
        last |= {row[:3]: len(row[4]) for row in rows}
    last |= {row[:3]: len(row[4]) for row in driver.finish()}
    assert sum(last.values()) == shape.overlap * len(log) - missed


@given(logs(), shapes(), bounds, latenesses, stops)
@example(events(("a", 0), ("b", 12), ("a", 12)), Shape(3, 4), 0, 0, 2)
@example(events(("a", 0), ("b", 9), ("c", 12), ("a", 10)), Shape(3, 4), 0, 0, 3)
def test_replay_from_the_needed_position_gives_the_rest(
    log: list[Item], shape: Shape, bound: int, lateness: int, stop: int
) -> None:
    assert_replay_gives_the_rest(
        lambda seen_ms: sliding(shape, bound, lateness, seen_ms), log, stop
    )


# Windows.


def test_fires_at_end_minus_1() -> None:
    driver = sliding(TEN_SECONDS, bound=0)
    *_, (_, rows) = send(driver, ("a", 5_000), ("a", 10_000))
    assert fired(rows) == [(0, "a", 0, 1)]


def test_not_at_end_minus_2() -> None:
    driver = sliding(TEN_SECONDS, bound=0)
    *_, (_, rows) = send(driver, ("a", 5_000), ("a", 9_999))
    assert rows == []


def test_ts_equals_end_next_window() -> None:
    driver = sliding(TEN_SECONDS, bound=0)
    send(driver, ("a", 10_000))
    assert fired(driver.finish()) == [(10_000, "a", 0, 1)]


def test_negative_1ms_start_minus_60000() -> None:
    driver = sliding(HOP, bound=0)
    send(driver, ("a", -1))
    assert [start for _, start, *_ in driver.finish()] == list(range(-300_000, 0, MINUTE))


def test_exactly_K_starts() -> None:
    driver = sliding(HOP, bound=0)
    send(driver, ("a", 7 * MINUTE))
    starts = [start for _, start, *_ in driver.finish()]
    assert starts == [n * MINUTE for n in (3, 4, 5, 6, 7)]


def test_second_event_in_earlier_pane_at_start() -> None:
    """The first event of a stream is not the beginning of time."""
    driver = sliding(HOP, bound=3 * MINUTE)
    verdicts = send(driver, ("a", 10 * MINUTE), ("a", 8 * MINUTE))
    assert [missed for missed, _ in verdicts] == [(), ()]
    assert len(driver.finish()) == 5 + 2


def test_one_window_many_rows_is_one_firing() -> None:
    """500 rows of one minute that trickle in slowly are one window, not five."""
    driver = sliding(Shape(MINUTE, 1), bound=0)
    verdicts = send(driver, *[("a", 120 * n) for n in range(500)])
    assert not any(rows for _, rows in verdicts)
    assert fired(driver.finish()) == [(0, "a", 0, 500)]


def test_ends_are_in_order_across_keys() -> None:
    driver = sliding(HOP, bound=MINUTE)
    send(driver, ("b", 0), ("a", MINUTE))
    driver.feed(Item(2, "c", 60 * MINUTE))
    ends = [row[0] for row in driver.fired()]
    assert ends == sorted(ends)
    assert len(ends) == 10


def test_empty_windows_emit_nothing() -> None:
    driver = sliding(HOP, bound=0)
    *_, (_, rows) = send(driver, ("a", 0), ("a", 60 * MINUTE))
    assert len(rows) == 5


# Lateness.


def test_behind_wm_open_window_accepted() -> None:
    """60 s after 100 s, 30 s waited for: behind the watermark, but [0, 300) is open."""
    driver = sliding(Shape(5 * MINUTE, 1), bound=30 * SECOND)
    verdicts = send(driver, ("a", 100 * SECOND), ("a", 60 * SECOND))
    assert driver.clock.watermark_ms >= 60 * SECOND
    assert verdicts[1] == ((), [])
    assert fired(driver.finish()) == [(0, "a", 0, 2)]


def test_partial_late_lists_missed_only() -> None:
    driver = sliding(HOP, bound=0)
    *_, (missed, _) = send(driver, ("a", 0), ("a", 7 * MINUTE), ("a", 4 * MINUTE))
    assert missed == (0, MINUTE, 2 * MINUTE)


def test_partial_late_L0_in_later_windows() -> None:
    """The pane of the event has closed, and its windows to come still have to hold it."""
    driver = sliding(HOP, bound=0)
    send(driver, ("a", 0), ("a", 7 * MINUTE), ("a", 4 * MINUTE))
    assert fired(driver.finish()) == [
        (3 * MINUTE, "a", 0, 2),
        (4 * MINUTE, "a", 0, 2),
        (5 * MINUTE, "a", 0, 1),
        (6 * MINUTE, "a", 0, 1),
        (7 * MINUTE, "a", 0, 1),
    ]


def test_partial_late_reaches_panes_already_turned_over() -> None:
    """As above, where the key's stacks have a front, a tail, or only older panes."""
    for times in ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 6], [3, 6], [6], [0, 6]):
        log = events(*[("a", n * MINUTE) for n in times], ("a", 3 * MINUTE), ("a", 5 * MINUTE))
        expected = play_windows(log, size=5 * MINUTE, slide=MINUTE, bound=0)
        assert_same(sliding(HOP, 0), log, expected)


def test_all_missed_is_late_once() -> None:
    driver = sliding(HOP, bound=0)
    *_, (missed, rows) = send(driver, ("a", 10 * MINUTE), ("a", 4 * MINUTE))
    assert missed == tuple(n * MINUTE for n in range(5))
    assert rows == []
    assert sum(count for *_, count in fired(driver.finish())) == 5


def test_late_by_ms_0_at_ts_equals_wm() -> None:
    """With windows of 1 ms an event at the watermark is late, by 0 ms; 1 ms on it is not."""
    driver = sliding(Shape(1, 1), bound=0)
    verdicts = send(driver, ("a", 10), ("a", 9), ("a", 10))
    assert [missed for missed, _ in verdicts] == [(), (9,), ()]


def test_lateness_last_ms_refires_revision_1() -> None:
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    *_, last = send(driver, ("a", 1_000), ("a", 12_999), ("a", 2_000))
    assert driver.clock.watermark_ms == 12_998
    assert last[0] == ()
    assert fired(last[1]) == [(0, "a", 1, 2)]


def test_lateness_exact_expiry_to_dlq() -> None:
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    *_, last = send(driver, ("a", 1_000), ("a", 13_000), ("a", 2_000))
    assert driver.clock.watermark_ms == 12_999
    assert last == ((0,), [])


def test_refire_only_that_key() -> None:
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    *_, last = send(driver, ("a", 1_000), ("b", 1_000), ("c", 12_000), ("b", 2_000))
    assert fired(last[1]) == [(0, "b", 1, 2)]


def test_every_late_event_refires_even_before_take() -> None:
    """Revisions count events, so that no batch size changes them."""
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    for item in events(("a", 1), ("a", 12_000), ("a", 2), ("a", 3)):
        driver.feed(item)
    assert fired(driver.fired()) == [(0, "a", 0, 1), (0, "a", 1, 2), (0, "a", 2, 3)]


def test_first_event_of_a_key_after_the_firing_is_revision_0() -> None:
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    *_, first, second = send(driver, ("a", 1), ("a", 12_000), ("b", 2), ("b", 3))
    assert fired(first[1]) == [(0, "b", 0, 1)]
    assert fired(second[1]) == [(0, "b", 1, 2)]


def test_one_event_misses_refires_and_waits() -> None:
    """Of the windows of one event, one is purged, one has fired and one is open."""
    driver = sliding(Shape(10 * SECOND, 3), bound=0, lateness=5 * SECOND)
    *_, (missed, rows) = send(driver, ("a", 12_000), ("a", 32_001), ("a", 15_000))
    assert missed == (-10_000,)
    assert fired(rows) == [(0, "a", 1, 2)]
    assert fired(driver.finish())[0] == (10_000, "a", 0, 3)


def test_two_windows_refire_in_the_order_of_their_ends() -> None:
    driver = sliding(HOP, bound=0, lateness=5 * MINUTE)
    *_, (_, rows) = send(driver, ("a", 4 * MINUTE), ("a", 7 * MINUTE), ("a", 4 * MINUTE))
    assert fired(rows) == [(0, "a", 1, 2), (MINUTE, "a", 1, 2), (2 * MINUTE, "a", 1, 2)]


def test_late_record_is_reported_and_the_books_balance() -> None:
    """Grace 5 s, closing by partition: A 1 s, B 16 s, A 2 s. The second A must not vanish."""
    driver = sliding(TEN_SECONDS, bound=0, lateness=5 * SECOND)
    verdicts = send(driver, ("A", 1_000), ("B", 16_000), ("A", 2_000))
    assert [missed for missed, _ in verdicts] == [(), (), (0,)]
    rows = [row for _, rows in verdicts for row in rows] + driver.finish()
    assert fired(rows) == [(0, "A", 0, 1), (10_000, "B", 0, 1)]
    assert held(driver.operator) == 0


def test_late_event_outside_the_window_is_not_added() -> None:
    """A sum of 20 stays 20 when 32 comes too late for it, and does not enter the next one."""
    clock = BoundedOutOfOrderness(0)
    operator = SlidingOperator(SlidingWindows.tumbling(10), CountSumMax(), clock)
    for offset, (time, amount) in enumerate([(1, 8), (5, 12), (20, 1), (3, 32)]):
        operator.on_event("a", time, amount, offset)
        clock.observe(time)
        operator.on_watermark()
    clock.finish()
    operator.on_watermark()
    assert [firing.result.total for firing in operator.take()] == [20, 1]


# Work and memory.


def work_over(gap: int) -> int:
    driver = sliding(HOP, bound=0)
    first, second = events(("a", 0), ("a", gap))
    driver.feed(first)
    return lines_run(lambda: driver.feed(second))


def test_one_year_gap_constant_work() -> None:
    assert work_over(YEAR) == work_over(60 * MINUTE)


def test_gap_before_the_first_event_costs_nothing() -> None:
    """From the beginning of all time to 1970 there are many slides."""
    clock = BoundedOutOfOrderness(0)
    assert lines_run(lambda: Driver(SlidingOperator(HOP.windows, CountSumMax(), clock), clock)) < 99


def test_end_of_stream_after_a_quiet_year_is_constant_work() -> None:
    driver = sliding(HOP, bound=0)
    driver.feed(Item(0, "a", 0))
    assert lines_run(driver.finish) < 400


def test_idle_key_leaves_nothing_behind() -> None:
    """Ten thousand keys speak once; when their windows are over only the last one is held."""
    driver = sliding(HOP, bound=0, lateness=MINUTE)
    for n in range(10_000):
        driver.feed(Item(n, f"key {n}", n))
    driver.feed(Item(10_000, "last", 60 * MINUTE))
    # one pane with one accumulator
    assert held(driver.operator) == 2
    assert list(driver.operator.needed()) == [Position(10_000, 9_999)]


def test_refired_window_leaves_no_revision_behind() -> None:
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    send(driver, ("a", 0), ("b", 12_000), ("a", 1))
    driver.feed(Item(3, "b", 60_000))
    assert held(driver.operator) == 2  # one pane with one key


@given(logs(), shapes(), bounds, latenesses)
def test_finished_operator_holds_nothing(
    log: list[Item], shape: Shape, bound: int, lateness: int
) -> None:
    driver = sliding(shape, bound, lateness)
    for item in log:
        driver.feed(item)
    driver.finish()
    assert (held(driver.operator), list(driver.operator.needed())) == (0, [])


@given(logs(keys="a"), st.integers(1, 20), st.integers(0, 10), latenesses)
def test_panes_of_a_key_are_bounded(
    log: list[Item], overlap: int, bound: int, lateness: int
) -> None:
    """Where disorder is at most `bound`, a key has K + ceil((bound + lateness) / slide) + 1."""
    slide = 5
    driver = sliding(Shape(slide, overlap), bound, lateness)
    most = overlap + -(-(bound + lateness) // slide) + 1
    for item in log:
        if driver.clock.max_seen_ms is None or item.time >= driver.clock.max_seen_ms - bound:
            driver.feed(item)
            assert len(list(driver.operator.needed())) <= most


def test_lateness_keeps_what_it_needs_and_no_longer() -> None:
    driver = sliding(TEN_SECONDS, bound=0, lateness=3 * SECOND)
    send(driver, ("a", 0), ("a", 12_999))
    assert Position(0, None) in driver.operator.needed()
    driver.feed(Item(2, "a", 13_000))
    assert Position(0, None) not in driver.operator.needed()


# Known streams.


def test_story_of_ten_events() -> None:
    """8 on time, 1 late and kept, 1 too late; the fourth is behind the watermark and on time."""
    times = [2, 5, 8, 3, 11, 14, 9, 17, 12, 6]
    values = [5, 9, 3, 4, 7, 8, 1, 3, 8, 2]
    clock = BoundedOutOfOrderness(4 * SECOND)
    operator = SlidingOperator(TEN_SECONDS.windows, CountSumMax(), clock, 3 * SECOND)
    behind, late, dead, sums = [], [], [], []
    for offset, (time, value) in enumerate(zip(times, values, strict=True)):
        behind += [offset] if time * SECOND <= clock.watermark_ms else []
        missed = operator.on_event("all", time * SECOND, value, offset)
        dead += [offset] if missed else []
        rows = operator.take()
        late += [offset] if rows else []
        clock.observe(time * SECOND)
        operator.on_watermark()
        rows += operator.take()
        sums += [(row.start_ms, row.revision, row.result.total) for row in rows]
    assert (behind, late, dead) == ([3, 6, 8, 9], [6], [9])
    assert sums == [(0, 0, 21), (0, 1, 22)]
    clock.finish()
    operator.on_watermark()
    assert [row.result for row in operator.take()] == [Totals(4, 26, 8)]


@pytest.fixture(scope="module")
def golden() -> list[Item]:
    """The golden log: 200,000 payments in one hour, a tenth of them up to 30 s late."""
    drawn = enumerate(golden_log())
    return [
        Item(n, str(payment.card), payment.event_time, payment.amount_cents) for n, payment in drawn
    ]


def run_golden(log: list[Item], bound: int) -> tuple[int, list[int], int]:
    """Return the windows emitted, how many windows each event that missed some missed, the sum."""
    clock = BoundedOutOfOrderness(bound)
    operator = SlidingOperator(HOP.windows, CountSumMax(), clock)
    misses = []
    for item in log:
        missed = operator.on_event(item.key, item.time, item.value, item.offset)
        if missed:
            misses.append(len(missed))
        if clock.observe(item.time):
            operator.on_watermark()
    clock.finish()
    operator.on_watermark()
    results = [firing.result for firing in operator.take()]
    return len(results), misses, sum(result.total for result in results)


def test_golden_63921_windows(golden: list[Item]) -> None:
    windows, misses, total = run_golden(golden, bound=30 * SECOND)
    assert windows == WINDOWS == 63_921
    assert misses == []
    assert total == 5 * TOTAL_CENTS


def test_golden_log_at_10_s_2108_events_miss_one_window_each(golden: list[Item]) -> None:
    _, misses, _ = run_golden(golden, bound=10 * SECOND)
    assert misses == [1] * 2_108


@pytest.mark.parametrize("lateness", [0, 1, 30 * SECOND])
def test_order_of_arrival_within_the_bound_is_irrelevant(golden: list[Item], lateness: int) -> None:
    """A slow or shuffled delivery gives the same rows as the sorted one, if disorder is bounded."""
    arrived = golden[:3_000]
    final = []
    for order in (arrived, sorted(arrived, key=lambda item: item.time)):
        driver = sliding(HOP, 30 * SECOND, lateness)
        rows = [row for item in order for row in driver.send(item)[1]] + driver.finish()
        final.append(sorted(rows))
    assert final[0] == final[1]
