"""The golden log: 200,000 events whose right answers are known, for tests and benchmarks.

With windows of 5 minutes every minute and a bound of 30 s no event is late, and 63,921 windows of a
card hold an event. The draws are fixed: other stream processors have been measured on the same log,
and their counts are compared.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from flink_jobs.events import Transaction

EVENTS: Final = 200_000
START_MS: Final = 1_760_000_400_000
"""2025-10-09 09:00 UTC: where simulated time begins, here and in every other made-up stream.

The instant starts a minute, a window of five minutes and an hour.
"""
SPAN_MS: Final = 3_600_000
LONGEST_DELAY_MS: Final = 29_999
TOTAL_CENTS: Final = 808_869_966
WINDOWS: Final = 63_921
COUNTRIES: Final = ("BE", "CH", "DE", "FR", "LU", "NL", "US", "BR")


class GoldenEvent(NamedTuple):
    """One event of the golden log, which arrives `delay` milliseconds after `event_time`."""

    event_time: int
    delay: int
    card: int
    user: int
    amount_cents: int
    merchant: int
    country: str
    lat: float
    lon: float
    device: int


def golden_log() -> Iterator[GoldenEvent]:
    """Yield the golden log in order of arrival.

    >>> first = next(golden_log())
    >>> first.event_time - START_MS, first.delay, first.card, first.amount_cents
    (9, 0, 137, 1385)
    """
    draw = random.Random(7)
    times = sorted([draw.randrange(SPAN_MS) for _ in range(EVENTS)])
    delays = [_delay(draw) for _ in times]
    # A stable sort: events that arrive in one millisecond stay in the order of event time.
    for number in sorted(range(EVENTS), key=lambda number: times[number] + delays[number]):
        yield GoldenEvent(
            event_time=START_MS + times[number],
            delay=delays[number],
            card=draw.randrange(1_000),
            user=draw.randrange(1_000),
            amount_cents=round(round(draw.lognormvariate(3.2, 1.0), 2) * 100),
            merchant=draw.randrange(5_000),
            country=draw.choice(COUNTRIES),
            lat=draw.uniform(-60, 60),
            lon=draw.uniform(-180, 180),
            device=draw.randrange(3_000),
        )


def golden_transactions() -> Iterator[Transaction]:
    """Yield the golden log as payments, in order of arrival."""
    for number, event in enumerate(golden_log()):
        yield Transaction(
            event_id=f"g{number:06d}",
            card_id=f"card_{event.card:05d}",
            merchant_id=f"merchant_{event.merchant:05d}",
            amount_cents=event.amount_cents,
            country=event.country,
            lat=event.lat,
            lon=event.lon,
            event_time=event.event_time,
        )


def _delay(draw: random.Random) -> int:
    """Return a delay in milliseconds: 0 for nine events in ten, otherwise up to 29,999."""
    return draw.randrange(1, LONGEST_DELAY_MS + 1) if draw.random() < 0.10 else 0
