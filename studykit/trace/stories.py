"""Small streams to think with: one story of ten events, variations on it, and seeded streams."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import Final

from flink_jobs.events import TRANSACTIONS, EventDecoder, Transaction
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.traffic import traffic
from studykit.trace import story
from studykit.trace.steps import Event, Policy

STORY: Final = tuple(
    Event(event.event_ms, event.arrival_ms, event.key, event.value) for event in story.STORY
)
"""Ten events. With `STORY_POLICY` 8 are on time, 1 is a correction, and 1 is dropped."""

STORY_POLICY: Final = Policy(
    bound_ms=story.BOUND_MS, lateness_ms=story.LATENESS_MS, size_ms=story.SIZE_MS
)

SILENT_PARTITION: Final = tuple(
    Event(event_ms=event_s * 1_000, arrival_ms=arrival_s * 1_000, key=key, source=source)
    for event_s, arrival_s, key, source in (
        (3, 4, "a", "p0"),
        (4, 5, "b", "p1"),
        (5, 6, "c", "p2"),
        (7, 8, "a", "p0"),
        (8, 9, "b", "p1"),
        (9, 10, "c", "p2"),
        (10, 11, "a", "p0"),
        (11, 12, "b", "p1"),
        (12, 13, "c", "p2"),  # the last word of p2 for a long time
        (14, 15, "a", "p0"),
        (15, 16, "b", "p1"),
        (18, 19, "a", "p0"),
        (19, 20, "b", "p1"),
        (22, 23, "a", "p0"),
        (23, 24, "b", "p1"),
        (8, 25, "c", "p2"),  # it speaks again, of long ago
    )
)
"""Three partitions. One falls silent after 13 s and speaks again at 25 s, of long ago."""

TWO_VISITS: Final = tuple(
    Event(event_ms=event_s * 1_000, arrival_ms=arrival_s * 1_000, key="a")
    for event_s, arrival_s in ((1, 2), (3, 4), (4, 5), (11, 12), (13, 14), (7, 15))
)
"""Two visits of one user, until the last event turns out to lie between them."""

QUIET: Final = Disorder(offline_share=0.0, malformed_share=0.0, wrong_unit_share=0.0,
                        future_share=0.0)  # fmt: skip
"""Delays of the network, and nothing worse."""

SLOW: Final = dataclasses.replace(QUIET, median_delay_ms=1_000)
"""The same with a network that takes its time: half of the events need more than 1 s."""

_START_MS: Final = 1_760_000_400_000
_decode = EventDecoder(TRANSACTIONS).decode


def seeded(
    count: int,
    *,
    seed: int = 7,
    rate: float = 2.0,
    cards: int = 3,
    disorder: Disorder = QUIET,
) -> tuple[Event, ...]:
    """Return card payments from the simulator, as events that begin at 0 s.

    Args:
        count: How many.
        seed: The same seed gives the same events.
        rate: Mean number of payments in a second of event time.
        cards: Number of cards: the keys.
        disorder: What happens on the way. It must not break any message.
    """
    arrivals = traffic(
        seed=seed,
        start_ms=_START_MS,
        rate=2 * rate,  # half of the traffic is visits
        card_habits=CardHabits(cards=cards),
        disorder=disorder,
    )
    payments = (arrival for arrival in arrivals if arrival.topic == TRANSACTIONS)
    return tuple(
        _as_event(_decode(payment.key, payment.value), payment.at)
        for payment in islice(payments, count)
    )


def _as_event(payment: object, arrival_ms: int) -> Event:
    assert isinstance(payment, Transaction)
    return Event(
        event_ms=payment.event_time - _START_MS,
        arrival_ms=arrival_ms - _START_MS,
        key=payment.card_id,
        value=payment.amount_cents,
    )
