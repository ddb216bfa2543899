"""The risk score of a card: documented points for documented reasons.

The score is a sum of points, at most 100. Every reason is a comparison of whole numbers or a flag,
so that two executions cannot disagree about it. Change a rule and raise `SCORE_VERSION`.
"""

from __future__ import annotations

from itertools import compress, product
from typing import Final

SCORE_VERSION: Final = 1
MAX_SCORE: Final = 100

POINTS: Final = {
    "velocity": 25,  # at least 5 payments in the window
    "high_amount": 20,  # one payment of at least 500.00
    "high_total": 15,  # at least 2,000.00 in the window
    "many_merchants": 15,  # at least 4 merchants
    "several_countries": 20,  # at least 2 countries
    "impossible_travel": 40,  # faster and farther than an airliner, between two payments
}


def risk(
    *,
    tx_count: int,
    amount_max_cents: int,
    amount_sum_cents: int,
    distinct_merchants: int,
    distinct_countries: int,
    impossible_travel: bool,
) -> tuple[int, tuple[str, ...]]:
    """Return the score, 0 to 100, and its reason codes in the order of `POINTS`.

    The score is the sum of the points of the reasons that hold, at most `MAX_SCORE`. Amounts are
    cents. Every threshold is closed: 5 payments, or 50,000 cents, are enough.

    >>> risk(tx_count=5, amount_max_cents=4_000, amount_sum_cents=9_000, distinct_merchants=2,
    ...      distinct_countries=2, impossible_travel=True)
    (85, ('velocity', 'several_countries', 'impossible_travel'))
    """
    return _OUTCOMES[
        tx_count >= 5,
        amount_max_cents >= 50_000,
        amount_sum_cents >= 200_000,
        distinct_merchants >= 4,
        distinct_countries >= 2,
        impossible_travel,
    ]


def _outcome(found: tuple[bool, ...]) -> tuple[int, tuple[str, ...]]:
    reasons = tuple(compress(POINTS, found))
    return min(MAX_SCORE, sum(POINTS[code] for code in reasons)), reasons


_OUTCOMES: Final = {found: _outcome(found) for found in product((False, True), repeat=len(POINTS))}
"""Score and reasons for each of the 64 combinations of reasons: looked up for every firing."""
