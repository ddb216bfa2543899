"""Card payments of the simulator as a stream for the engine: as many as wanted, from a seed."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import Final

from flink_jobs.events import TRANSACTIONS, EventDecoder, Transaction
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.golden import START_MS
from flink_jobs.simulator.traffic import traffic
from studykit.trace.steps import Event

QUIET: Final = Disorder(offline_share=0.0, malformed_share=0.0, wrong_unit_share=0.0,
                        future_share=0.0)  # fmt: skip
"""Network delays alone: no phone that was offline, no broken record, no wrong time."""

SLOW: Final = dataclasses.replace(QUIET, median_delay_ms=1_000)
"""`QUIET` with a slower network: half of the events take more than 1 s to arrive."""

_decode = EventDecoder(TRANSACTIONS).decode


def seeded(
    count: int,
    *,
    seed: int = 7,
    rate: float = 2.0,
    cards: int = 3,
    disorder: Disorder = QUIET,
) -> tuple[Event, ...]:
    """Return card payments from the simulator, as events whose times begin at 0 s.

    Args:
        count: How many payments.
        seed: The same seed gives the same events.
        rate: Mean number of payments in a second of event time.
        cards: How many different cards, which are the keys.
        disorder: What happens between a payment and the log. It must not break a message: only a
            payment that can be decoded is an event.
    """
    arrivals = traffic(
        seed=seed,
        start_ms=START_MS,
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
        event_ms=payment.event_time - START_MS,
        arrival_ms=arrival_ms - START_MS,
        key=payment.card_id,
        value=payment.amount_cents,
    )
