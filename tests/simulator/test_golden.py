"""The golden log is the published one."""

from __future__ import annotations

from itertools import islice

import pytest

from flink_jobs.simulator.golden import (
    EVENTS,
    LONGEST_DELAY_MS,
    START_MS,
    TOTAL_CENTS,
    WINDOWS,
    GoldenEvent,
    golden_log,
    golden_transactions,
)

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def log() -> list[GoldenEvent]:
    return list(golden_log())


def test_golden_events_and_total_amount(log):
    assert len(log) == EVENTS == 200_000
    assert sum(event.amount_cents for event in log) == TOTAL_CENTS == 808_869_966


def test_golden_63921_windows(log):
    """Windows of a card that hold an event, 5 minutes long, one each minute."""
    minutes = {(event.card, event.event_time // MINUTE_MS) for event in log}
    windows = {(card, minute - back) for card, minute in minutes for back in range(5)}
    assert len(windows) == WINDOWS == 63_921


def test_golden_log_is_in_order_of_arrival_and_no_event_is_30_s_behind(log):
    largest, arrived = START_MS, START_MS
    for event in log:
        assert event.event_time + event.delay >= arrived
        arrived = event.event_time + event.delay
        largest = max(largest, event.event_time)
        assert largest - event.event_time <= event.delay <= LONGEST_DELAY_MS


def test_golden_transactions_are_the_same_events(log):
    for event, transaction in islice(zip(log, golden_transactions(), strict=True), 10_000):
        assert transaction.event_time == event.event_time
        assert transaction.amount_cents == event.amount_cents
        assert transaction.card_id == f"card_{event.card:05d}"
