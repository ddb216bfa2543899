"""Session windows by key: merging, lateness on the merged window, and strict admission."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.panes import Position
from tests.support.effort import held, lines_run
from tests.support.inputs.streams import (
    Driver,
    Row,
    assert_same,
    bounds,
    events,
    latenesses,
    logs,
    rows_of,
    sessions,
    stops,
)
from tests.support.oracles.event_time import Item, play_sessions
from tests.support.oracles.laws import (
    assert_nothing_to_do_before_next_ms,
    assert_replay_gives_the_rest,
    assert_taking_changes_nothing,
)

GAP = 30 * 60_000
gaps = st.integers(1, 25)


def send(driver: Driver, *pairs: tuple[str, int]) -> list[tuple[tuple[int, ...], list[Row]]]:
    """Send events; return for each the windows that it missed and what fired after it."""
    return [driver.send(item) for item in events(*pairs)]


def spans(rows: Sequence[Row]) -> list[tuple[int, int, int, int]]:
    """Reduce firings to start, end, revision and number of events."""
    return [(start, end, revision, len(items)) for end, start, _, revision, items in rows]


# The whole behaviour, against the oracle.


@given(logs(), gaps, bounds, latenesses)
def test_engine_equals_oracle(log: list[Item], gap: int, bound: int, lateness: int) -> None:
    expected = play_sessions(log, gap=gap, bound=bound, lateness=lateness)
    assert_same(sessions(gap, bound, lateness), log, expected)


@given(logs(keys="a"), gaps, bounds, latenesses)
def test_engine_equals_oracle_with_one_key(
    log: list[Item], gap: int, bound: int, lateness: int
) -> None:
    expected = play_sessions(log, gap=gap, bound=bound, lateness=lateness)
    assert_same(sessions(gap, bound, lateness), log, expected)


@given(logs(), gaps, bounds, latenesses, st.data())
def test_take_at_any_moment_gives_the_same(
    log: list[Item], gap: int, bound: int, lateness: int, data: st.DataObject
) -> None:
    assert_taking_changes_nothing(lambda: sessions(gap, bound, lateness), log, data)


@given(logs(), gaps, bounds, latenesses)
def test_before_next_ms_a_watermark_does_nothing(
    log: list[Item], gap: int, bound: int, lateness: int
) -> None:
    assert_nothing_to_do_before_next_ms(lambda: sessions(gap, bound, lateness), log)


@given(logs(), gaps, bounds, latenesses, stops)
def test_replay_from_the_needed_position_gives_the_rest(
    log: list[Item], gap: int, bound: int, lateness: int, stop: int
) -> None:
    assert_replay_gives_the_rest(lambda seen_ms: sessions(gap, bound, lateness, seen_ms), log, stop)


# Strict admission.


@given(logs(), gaps, bounds)
def test_strict_admission_equals_oracle(log: list[Item], gap: int, bound: int) -> None:
    expected = play_sessions(log, gap=gap, bound=bound, strict=True)
    driver = sessions(gap, bound)
    for item, step in zip(log, expected.steps, strict=True):
        if item.time > driver.clock.watermark_ms + 1:
            missed, fired = driver.send(item)
            assert (missed, fired) == ((), rows_of(step.emitted))
        assert bool(step.kept) == (item.time > step.watermark + 1)
    assert driver.finish() == rows_of(expected.tail)


@given(logs(), gaps, bounds)
def test_strictly_admitted_events_touch_no_fired_session(
    log: list[Item], gap: int, bound: int
) -> None:
    """Sessions are then a function of the admitted events alone: no order, no clock."""
    driver = sessions(gap, bound)
    admitted = [item for item in log if _admit(driver, item)]
    rows = driver.fired() + driver.finish()
    together = play_sessions(
        sorted(admitted, key=lambda item: (item.time, item.offset)), gap=gap, bound=10**9
    )
    assert sorted(rows) == sorted(rows_of(together.tail))


def _admit(driver: Driver, item: Item) -> bool:
    admitted = item.time > driver.clock.watermark_ms + 1
    if admitted:
        driver.feed(item)
    return admitted


def test_admission_begins_2ms_ahead_of_the_watermark() -> None:
    log = events(("a", 1_000), ("a", 1_000), ("a", 1_001))  # watermark 999
    verdicts = [bool(step.kept) for step in play_sessions(log, gap=5, bound=0, strict=True).steps]
    assert verdicts == [True, False, True]


def test_event_at_watermark_plus_1_would_touch_a_fired_session() -> None:
    """Why admission is strict: without it the two sessions touch, and only their timing parts them.

    At the watermark `last + gap - 1` the session has fired, and an event at `last + gap` is on
    time.
    """
    driver = sessions(GAP, bound=0)
    first, clock, second = send(driver, ("a", 0), ("b", GAP), ("a", GAP))
    assert driver.clock.watermark_ms == GAP - 1
    assert spans(clock[1]) == [(0, GAP, 0, 1)]
    assert second == ((), [])
    assert [row for row in spans(driver.finish()) if row[0] == GAP] == [(GAP, 2 * GAP, 0, 1)] * 2
    assert first == ((), [])


# Merging.


def test_gap_equal_merges_plus_1ms_splits() -> None:
    driver = sessions(GAP, bound=10 * GAP)
    send(driver, ("a", 0), ("a", GAP), ("a", 2 * GAP + 1))
    assert spans(driver.finish()) == [(0, 2 * GAP, 0, 2), (2 * GAP + 1, 3 * GAP + 1, 0, 1)]


def test_late_bridge_merges_two() -> None:
    driver = sessions(GAP, bound=2 * GAP)
    send(driver, ("a", 0), ("a", 2 * GAP), ("a", GAP))
    assert spans(driver.finish()) == [(0, 3 * GAP, 0, 3)]


def test_bridge_merges_into_the_order_of_time() -> None:
    driver = sessions(10, bound=100)
    send(driver, ("a", 30), ("a", 15), ("a", 0), ("a", 22), ("a", 8))
    (row,) = driver.finish()
    assert [item.time for item in row[4]] == [0, 8, 15, 22, 30]


def test_keys_do_not_merge() -> None:
    driver = sessions(GAP, bound=0)
    send(driver, ("a", 0), ("b", 1))
    assert spans(driver.finish()) == [(0, GAP, 0, 1), (1, GAP + 1, 0, 1)]


def test_waits_the_full_gap() -> None:
    driver = sessions(GAP, bound=0)
    _, early, due = send(driver, ("a", 0), ("b", GAP - 1), ("b", GAP))
    assert early[1] == []
    assert spans(due[1]) == [(0, GAP, 0, 1)]


# Lateness.


def test_lateness_on_merged_window() -> None:
    """Alone the event would be late; the session that it extends backwards is open."""
    log = (("a", 20), ("b", 31), ("a", 15))
    driver = sessions(10, bound=5)  # watermark 25, [15, 25) alone is over
    *_, (missed, rows) = send(driver, *log)
    assert driver.clock.watermark_ms == 25
    assert (missed, rows) == ((), [])
    assert spans(driver.finish())[0] == (15, 30, 0, 2)


def test_late_alone_is_late() -> None:
    driver = sessions(10, bound=5)
    *_, (missed, rows) = send(driver, ("b", 31), ("a", 15))
    assert (missed, rows) == ((15,), [])


def test_event_whose_window_ends_1ms_after_the_watermark_is_on_time() -> None:
    driver = sessions(10, bound=5)
    *_, last, open_ = send(driver, ("b", 31), ("a", 16), ("c", 17))
    assert last[0] == (16,)  # [16, 26): its last millisecond is the watermark
    assert open_[0] == ()


def test_late_event_inside_a_fired_session_refires_it() -> None:
    driver = sessions(10, bound=0, lateness=20)
    *_, (missed, rows) = send(driver, ("a", 0), ("a", 8), ("b", 25), ("a", 3))
    assert missed == ()
    assert spans(rows) == [(0, 18, 1, 3)]


def test_fired_session_that_grows_waits_for_its_new_end() -> None:
    """The revisions go on counting."""
    driver = sessions(10, bound=0, lateness=20)
    _, first, grow, wait, due = send(driver, ("a", 0), ("b", 12), ("a", 9), ("b", 18), ("b", 19))
    assert spans(first[1]) == [(0, 10, 0, 1)]
    assert (grow, wait) == (((), []), ((), []))
    assert spans(due[1]) == [(0, 19, 1, 2)]


def test_bridge_of_two_fired_sessions_continues_the_higher_revision() -> None:
    driver = sessions(10, bound=0, lateness=100)
    *_, bridge = send(driver, ("a", 0), ("a", 20), ("b", 50), ("a", 21), ("a", 22), ("a", 10))
    assert spans(bridge[1]) == [(0, 32, 3, 5)]


def test_lateness_last_ms_refires_revision_1() -> None:
    driver = sessions(10, bound=0, lateness=20)
    *_, (missed, rows) = send(driver, ("a", 0), ("b", 29), ("a", 5))
    assert driver.clock.watermark_ms == 28
    assert (missed, spans(rows)) == ((), [(0, 15, 1, 2)])


def test_lateness_exact_expiry_joins_no_more() -> None:
    """[0, 10) is gone 20 ms after its last one; [5, 15) alone has its own 20 ms."""
    driver = sessions(10, bound=0, lateness=20)
    *_, (missed, rows) = send(driver, ("a", 0), ("b", 30), ("a", 5))
    assert driver.clock.watermark_ms == 29
    assert (missed, spans(rows)) == ((), [(5, 15, 0, 1)])


def test_lateness_exact_expiry_to_dlq() -> None:
    driver = sessions(10, bound=0, lateness=20)
    *_, in_time, late = send(driver, ("b", 30), ("a", 1), ("c", 0))
    assert (in_time[0], late) == ((), ((0,), []))


# Work and memory.


def test_one_year_gap_constant_work() -> None:
    def work(gap: int) -> int:
        driver = sessions(GAP, bound=0)
        first, second = events(("a", 0), ("a", gap))
        driver.feed(first)
        return lines_run(lambda: driver.feed(second))

    assert work(365 * 24 * 60 * 60_000) == work(2 * GAP)


def test_fired_sessions_leave_nothing_behind() -> None:
    driver = sessions(10, bound=0)
    for n in range(1_000):
        driver.feed(Item(n, f"key {n}", n))
    driver.feed(Item(1_000, "last", 10_000))
    assert list(driver.operator.needed()) == [Position(1_000, 999)]
    assert held(driver.operator) == 2  # one session and its timer


def test_long_session_does_not_collect_timers() -> None:
    driver = sessions(10, bound=0, lateness=5)
    for n in range(1_000):
        driver.feed(Item(n, "a", 9 * n))
    assert held(driver.operator) < 5


@given(logs(), gaps, bounds, latenesses)
def test_finished_operator_holds_nothing(
    log: list[Item], gap: int, bound: int, lateness: int
) -> None:
    driver = sessions(gap, bound, lateness)
    for item in log:
        driver.feed(item)
    driver.finish()
    assert (held(driver.operator), list(driver.operator.needed())) == (0, [])
