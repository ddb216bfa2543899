"""Card payments as a stream: the handbook's customers and terminals, at any rate.

The handbook's customers pay four times a day at most. Here each customer keeps home, terminals,
amounts and share of the traffic, and pays as often as the rate demands. A few stolen cards add what
fraud features look for: bursts of large payments on two continents at once.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.random import RandomState

from flink_jobs.events import Transaction
from flink_jobs.simulator.geography import ABROAD, Place, locate
from flink_jobs.simulator.handbook import (
    FIRST_DAY_MS,
    Customers,
    Floats,
    Ints,
    Payments,
    customers,
    reachable,
    terminals,
)

CHUNK: Final = 4_096
"""How many payments are drawn at once; another number gives another stream for the same seed."""
SHORTEST_BURST, LONGEST_BURST = 6, 15
MEAN_BURST: Final = (SHORTEST_BURST + LONGEST_BURST) / 2
MEAN_BURST_GAP_MS: Final = 8_000
STOLEN_FACTOR: Final = 5
"""A thief spends so many times the owner's mean amount, as in the handbook's third scenario."""

_Payment: TypeAlias = tuple[int, str, str, int, Place]
"""Event time, card, merchant, cents and place; it sorts by time first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardHabits:
    """Who pays, and how unevenly.

    Attributes:
        cards: Number of cards: the first so many of the handbook's customers. With few cards an
            honest card pays so often that it looks stolen.
        stolen_cards: Number of cards whose number thieves have.
        stolen_share: Share of all payments that thieves make, from 0 to below 1.
        hot_share: Share of the other payments that `card_00000` makes, 0 for no hot key.
    """

    cards: int = 2_000
    stolen_cards: int = 5
    stolen_share: float = 0.02
    hot_share: float = 0.0


def payments(
    *, seed: int, start_ms: int, rate: float, habits: CardHabits | None = None
) -> Iterator[Transaction]:
    """Yield payments in order of event time, without end.

    Args:
        seed: From 0 to 2**32 - 1; the same seed gives the same payments.
        start_ms: Event time at which the stream starts, epoch milliseconds.
        rate: Mean number of payments in a second of event time.
        habits: Who pays; `CardHabits()` if None.

    >>> first = next(payments(seed=1, start_ms=1_760_000_400_000, rate=5.0))
    >>> first.card_id, first.country, first.event_time
    ('card_00738', 'FR', 1760000400053)
    """
    habits = habits or CardHabits()
    people = customers(habits.cards)
    stolen_rate = rate * habits.stolen_share if habits.stolen_cards else 0.0
    streams = [_honest(people, habits.hot_share, seed, start_ms, rate - stolen_rate)]
    if stolen_rate:
        streams.append(_stolen(people, habits.stolen_cards, seed, start_ms, stolen_rate))
    for number, payment in enumerate(heapq.merge(*streams)):
        yield _transaction(number, payment)


def handbook_transactions(rows: Payments) -> Iterator[Transaction]:
    """Yield the rows of the handbook's data set as events, on their own days of 2018."""
    merchants = _merchants()
    columns = (rows.seconds, rows.customer, rows.terminal, rows.cents)
    for number, row in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        second, card, terminal, cents = row
        merchant, place = merchants[terminal]
        time = FIRST_DAY_MS + second * 1_000
        yield _transaction(number, (time, _card_id(card), merchant, cents, place))


def _transaction(number: int, payment: _Payment) -> Transaction:
    time, card, merchant, cents, (country, lat, lon) = payment
    return Transaction(f"t{number:09d}", card, merchant, cents, country, lat, lon, time)


def _honest(
    people: Customers, hot_share: float, seed: int, start_ms: int, rate: float
) -> Iterator[_Payment]:
    """Yield the owners' payments: a Poisson process, each payment at a terminal near the card."""
    # The order of the draws is the stream: one draw more or less, anywhere, changes all after it.
    draw = RandomState([seed, 1])
    shares = _cumulative_shares(people.rate, hot_share)
    near = _Neighbourhood(people)
    cards = [_card_id(card) for card in range(len(people.x))]
    merchants = _merchants()
    clock = float(start_ms)
    while True:
        times = clock + np.cumsum(draw.standard_exponential(CHUNK)) * (1_000 / rate)
        clock = times[-1].item()
        payers = np.searchsorted(shares, draw.random_sample(CHUNK), side="right")
        shops = near.choose(payers, draw.random_sample(CHUNK))
        cents = _amounts(draw, people.mean[payers])
        columns = (times.astype(np.int64), payers, shops, cents)
        for time, card, shop, amount in zip(*(column.tolist() for column in columns), strict=True):
            merchant, place = merchants[shop]
            yield time, cards[card], merchant, amount, place


def _cumulative_shares(rates: Floats, hot_share: float) -> Floats:
    """Return for each card the share of payments made by it and the cards before it."""
    shares = rates / rates.sum()
    shares *= 1 - hot_share
    shares[0] += hot_share
    cumulative: Floats = np.cumsum(shares)
    cumulative[-1] = 1.0  # rounding must not leave a draw without a card
    return cumulative


def _amounts(draw: RandomState, means: Floats) -> Ints:
    """Draw amounts by the handbook's rule, in cents."""
    amounts = means * (1 + draw.standard_normal(CHUNK) / 2)
    again = 2 * means * draw.random_sample(CHUNK)
    cents: Ints = np.rint(np.where(amounts < 0, again, amounts) * 100).astype(np.int64)
    return cents


class _Neighbourhood:
    """The terminals near each card, in one flat array."""

    def __init__(self, people: Customers) -> None:
        reach = reachable(people, terminals())
        self._terminals = np.concatenate(reach)
        self._counts = np.array([len(places) for places in reach])
        self._starts = np.cumsum(self._counts) - self._counts

    def choose(self, cards: Ints, draws: Floats) -> Ints:
        """Return a terminal near each of `cards`; `draws` are uniform on [0, 1)."""
        steps = (draws * self._counts[cards]).astype(np.int64)
        chosen: Ints = self._terminals[self._starts[cards] + steps]
        return chosen


def _stolen(
    people: Customers, cards: int, seed: int, start_ms: int, rate: float
) -> Iterator[_Payment]:
    """Yield the thieves' payments: bursts that begin at random, and may overlap."""
    draw = random.Random(f"stolen/{seed}")
    victims = draw.sample(range(len(people.x)), min(cards, len(people.x)))
    means = people.mean.tolist()
    pending: list[_Payment] = []
    begin = start_ms
    while True:
        begin += int(draw.expovariate(rate / MEAN_BURST / 1_000))
        while pending and pending[0][0] <= begin:
            yield heapq.heappop(pending)
        victim = draw.choice(victims)
        for payment in _burst(draw, begin, _card_id(victim), means[victim]):
            heapq.heappush(pending, payment)


def _burst(draw: random.Random, begin: int, card: str, mean: float) -> Iterator[_Payment]:
    """Yield the payments of one burst: two gangs share a number, each in its own town."""
    towns = draw.sample(ABROAD, 2)
    time = begin
    for number in range(draw.randint(SHORTEST_BURST, LONGEST_BURST)):
        town = towns[number % 2]
        merchant = f"merchant_{town.country}{draw.randrange(20):03d}"
        cents = int(mean * STOLEN_FACTOR * 100 * draw.uniform(0.5, 1.5))
        yield time, card, merchant, cents, town
        time += 500 + int(draw.expovariate(1 / MEAN_BURST_GAP_MS))


def _card_id(card: int) -> str:
    return f"card_{card:05d}"


@cache
def _merchants() -> tuple[tuple[str, Place], ...]:
    """Return the merchant and the place of each of the handbook's terminals."""
    places = terminals()
    return tuple(
        (f"merchant_{number:05d}", locate(x, y))
        for number, (x, y) in enumerate(zip(places.x.tolist(), places.y.tolist(), strict=True))
    )
