"""Three holders of state, against a search through all that has come before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from studykit.trace.operators.holders import (
    BOUND_MS,
    DAY_MS,
    MONTH_DAYS,
    Forever,
    PaymentRecord,
    Timers,
    TimeToLive,
    month,
    watched,
)

KEEP_MS = 5

payments = st.lists(
    st.builds(PaymentRecord, st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 20)),
    max_size=12,
).map(lambda drawn: sorted(drawn, key=lambda payment: payment.now_ms))


@given(payments)
def test_a_time_to_live_knows_what_was_written_less_than_its_time_ago(
    log: list[PaymentRecord],
) -> None:
    holder = TimeToLive(KEEP_MS)
    for place, (key, event_ms, now_ms) in enumerate(log):
        writes = [other.now_ms for other in log[:place] if other.key == key]
        known = bool(writes) and now_ms < writes[-1] + KEEP_MS
        assert holder.on_event(key, event_ms, now_ms) is not known


@given(payments)
def test_a_timer_holds_what_was_new_and_is_not_due(log: list[PaymentRecord]) -> None:
    holder = Timers(KEEP_MS)
    watermark_ms = -1
    expected: dict[str, int] = {}
    for key, event_ms, now_ms in log:
        is_new = key not in expected and event_ms + KEEP_MS > watermark_ms
        assert holder.on_event(key, event_ms, now_ms) is is_new
        if is_new:
            expected[key] = event_ms + KEEP_MS
        watermark_ms = max(watermark_ms, event_ms)
        holder.on_time(watermark_ms, now_ms)
        expected = {name: due for name, due in expected.items() if due > watermark_ms}
        assert holder.held == expected


@given(payments)
def test_only_the_timer_gives_everything_back_at_the_end(log: list[PaymentRecord]) -> None:
    run = watched(log, {"nothing": Forever(), "timer": Timers(KEEP_MS)})
    keys = len({payment.key for payment in log})
    assert run.moments[-1].held == {"nothing": keys, "timer": 0}
    assert run.accepted["nothing"] == keys


def test_a_key_is_free_at_its_very_millisecond() -> None:
    holders = TimeToLive(KEEP_MS), Timers(KEEP_MS)
    for at_ms, held in ((KEEP_MS - 1, 1), (KEEP_MS, 0)):
        for holder in holders:
            holder.on_event("a", 0, 0)
            holder.on_time(at_ms, at_ms)
            assert len(holder.held) == held


def test_the_month_is_in_order_and_its_second_copies_are_within_four_days() -> None:
    log = month(a_day=20)
    assert [payment.now_ms for payment in log] == sorted(payment.now_ms for payment in log)
    assert len({payment.key for payment in log}) == 20 * MONTH_DAYS < len(log)
    assert max(now_ms - event_ms for _, event_ms, now_ms in log) < 4 * DAY_MS + BOUND_MS
    assert log[-1].now_ms < MONTH_DAYS * DAY_MS


def test_the_clock_on_the_wall_decides_what_a_time_to_live_counts() -> None:
    def counted(log: list[PaymentRecord]) -> dict[str, int]:
        holders = {"time to live": TimeToLive(5 * DAY_MS), "timer": Timers(5 * DAY_MS)}
        return watched(log, holders).accepted

    log = month(a_day=100)
    live, down = (
        counted(log),
        counted(
            [
                payment._replace(now_ms=max(payment.now_ms, 17 * DAY_MS))
                if payment.now_ms >= 10 * DAY_MS
                else payment
                for payment in log
            ]
        ),
    )
    keys = 100 * MONTH_DAYS
    assert live == {"time to live": keys, "timer": keys}
    assert down["timer"] == keys < down["time to live"]
