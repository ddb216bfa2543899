"""The whole traffic: payments and visits in one stream, with disorder."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import attrgetter

from flink_jobs.simulator.arrivals import Arrival, deliver
from flink_jobs.simulator.cards import CardHabits, payments
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.visits import VisitHabits, visits


def traffic(
    *,
    seed: int,
    start_ms: int,
    rate: float,
    card_habits: CardHabits | None = None,
    visit_habits: VisitHabits | None = None,
    disorder: Disorder | None = None,
) -> Iterator[Arrival]:
    """Return what arrives at the broker, in order of arrival, without end.

    Args:
        seed: From 0 to 2**32 - 1; the same seed gives the same bytes.
        start_ms: Event time at which the stream starts, epoch milliseconds.
        rate: Mean number of events in a second of event time; each topic has half of them.
        card_habits: Who pays; `CardHabits()` if None.
        visit_habits: Who visits; `VisitHabits()` if None.
        disorder: What happens on the way; `Disorder()` if None.

    >>> first = next(traffic(seed=1, start_ms=1_760_000_400_000, rate=10.0))
    >>> first.at, first.topic, first.key
    (1760000400196, 'transactions', b'card_00738')
    """
    cards = payments(seed=seed, start_ms=start_ms, rate=rate / 2, habits=card_habits)
    clicks = visits(seed=seed, start_ms=start_ms, rate=rate / 2, habits=visit_habits)
    sent = heapq.merge(deliver(cards), deliver(clicks), key=attrgetter("at"))
    return (disorder or Disorder()).apply(sent, seed)
