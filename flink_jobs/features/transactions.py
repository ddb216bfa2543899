"""Fraud features: what a card did in a window.

| feature | definition | unit |
|---|---|---|
| `tx_count` | payments in the window | |
| `amount_sum_cents`, `amount_max_cents` | sum and largest | cents |
| `amount_mean_cents` | sum / count | cents |
| `amount_std_cents` | population standard deviation (STDDEV_POP): 0 for one payment | cents |
| `distinct_merchants`, `distinct_countries` | exact distinct counts | |
| `max_speed_kmh` | fastest pair of consecutive payments; null for one payment | km/h |
| `impossible_travel` | some pair is faster than 900 km/h and at least 100 km apart | |
| `risk_score`, `reason_codes`, `score_version` | see `risk.py` | points |
| `updated_event_time` | event time of the last payment | epoch ms |

Sums are whole numbers. Mean and deviation are computed once, from those sums, so that no order of
events and no grouping into panes changes a bit of either. (Chan's formula, which merges deviations,
differs in the last bits from one grouping to another.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import sqrt
from string import ascii_uppercase
from typing import Final

from msgspec import Struct

from flink_jobs.events import Transaction
from flink_jobs.features.risk import SCORE_VERSION, risk
from flink_jobs.features.travel import Journey, Stop, join, journey_of


class FraudFeatures(Struct, frozen=True, gc=False):
    """The features of one card in one window. The module's table defines each."""

    tx_count: int
    amount_sum_cents: int
    amount_max_cents: int
    amount_mean_cents: float
    amount_std_cents: float
    distinct_merchants: int
    distinct_countries: int
    max_speed_kmh: float | None
    impossible_travel: bool
    risk_score: int
    reason_codes: tuple[str, ...]
    score_version: int
    updated_event_time: int


def fraud_features(
    *,
    tx_count: int,
    amount_sum_cents: int,
    amount_max_cents: int,
    amount_squares: int,
    distinct_merchants: int,
    distinct_countries: int,
    journey: Journey,
) -> FraudFeatures:
    """Finish a window: derive every feature from exact parts.

    Args:
        tx_count: Number of payments, at least one.
        amount_sum_cents: Sum of the amounts, cents.
        amount_max_cents: Largest amount, cents.
        amount_squares: Sum of the squared amounts, square cents.
        distinct_merchants: Number of merchants.
        distinct_countries: Number of countries.
        journey: The card's stops in the window.
    """
    score, reasons = risk(
        tx_count=tx_count,
        amount_max_cents=amount_max_cents,
        amount_sum_cents=amount_sum_cents,
        distinct_merchants=distinct_merchants,
        distinct_countries=distinct_countries,
        impossible_travel=journey.impossible,
    )
    return FraudFeatures(
        tx_count=tx_count,
        amount_sum_cents=amount_sum_cents,
        amount_max_cents=amount_max_cents,
        amount_mean_cents=amount_sum_cents / tx_count,
        # n times the sum of squares less the square of the sum: both whole numbers of any size, so
        # that the difference is exact and never negative.
        amount_std_cents=sqrt(tx_count * amount_squares - amount_sum_cents**2) / tx_count,
        distinct_merchants=distinct_merchants,
        distinct_countries=distinct_countries,
        max_speed_kmh=journey.max_speed_kmh,
        impossible_travel=journey.impossible,
        risk_score=score,
        reason_codes=reasons,
        score_version=SCORE_VERSION,
        updated_event_time=journey.last.event_ms,
    )


_COUNTRY: Final = {
    "".join(code): 1 << bit for bit, code in enumerate(product(ascii_uppercase, repeat=2))
}
"""A bit for each of the 676 codes that the schema of transactions admits."""


class Spending(Struct, gc=False):
    """The accumulator of a card's payments: in one pane, or in several that are merged."""

    count: int
    total: int
    largest: int
    squares: int
    merchants: set[str]
    countries: int
    """A set with one bit for each country, by `_COUNTRY`: an OR merges two sets."""
    journey: Journey
    stops: list[Stop]
    """The stops of one pane, for a payment that may still come late; empty where panes are merged,
    as no payment is ever added to a merge."""


class FraudAggregate:
    """The fraud features as an aggregate; a value is a transaction and its offset."""

    def lift(self, values: Sequence[tuple[Transaction, int]]) -> Spending:
        """Return the spending in a pane's payments."""
        # One loop for all parts, written out: panes of a few payments are most of the work.
        total = largest = squares = countries = 0
        merchants = set()
        stops = []
        for tx, offset in values:
            cents = tx.amount_cents
            total += cents
            squares += cents * cents
            if cents > largest:
                largest = cents
            merchants.add(tx.merchant_id)
            countries |= _COUNTRY[tx.country]
            stops.append(Stop(tx.event_time, offset, tx.lat, tx.lon))
        journey = journey_of(stops)
        return Spending(len(stops), total, largest, squares, merchants, countries, journey, stops)

    def add(self, acc: Spending, value: tuple[Transaction, int]) -> Spending:
        """Add a payment of the same pane to `acc`."""
        tx, offset = value
        cents = tx.amount_cents
        acc.count += 1
        acc.total += cents
        acc.squares += cents * cents
        if cents > acc.largest:
            acc.largest = cents
        acc.merchants.add(tx.merchant_id)
        acc.countries |= _COUNTRY[tx.country]
        acc.stops.append(Stop(tx.event_time, offset, tx.lat, tx.lon))
        acc.journey = journey_of(acc.stops)
        return acc

    def merge(self, left: Spending, right: Spending) -> Spending:
        """Return the spending of both; the payments of `left` are in earlier panes."""
        return Spending(
            left.count + right.count,
            left.total + right.total,
            left.largest if left.largest >= right.largest else right.largest,
            left.squares + right.squares,
            left.merchants | right.merchants,
            left.countries | right.countries,
            join(left.journey, right.journey),
            [],
        )

    def finish(self, acc: Spending) -> FraudFeatures:
        """Return the features of all payments in `acc`."""
        return fraud_features(
            tx_count=acc.count,
            amount_sum_cents=acc.total,
            amount_max_cents=acc.largest,
            amount_squares=acc.squares,
            distinct_merchants=len(acc.merchants),
            distinct_countries=acc.countries.bit_count(),
            journey=acc.journey,
        )
