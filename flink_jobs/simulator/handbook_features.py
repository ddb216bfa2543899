"""The fifteen features of the Fraud Detection Handbook, as a stream that waits would serve them.

A payment at t is judged by what had been told by then. With a bound of b seconds nothing younger
than t - b has: every interval `(t - W, t]` becomes `(t - b - W, t - b]`, and the payment itself is
added, since it is at hand. A bound of 0 gives the features that the handbook publishes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from flink_jobs.simulator.handbook import DAY_SECONDS, Floats, Ints, LabelledPayments

DAYS: Final = (1, 7, 30)
"""Lengths of the intervals."""
LABEL_DELAY_DAYS: Final = 7
"""A fraud is known a week later, so that a terminal's share of frauds is a week old."""
FIRST_WEEKDAY: Final = 6
"""2018-04-01 was a Sunday; Monday is 0."""


def features(labelled: LabelledPayments, bound_seconds: int = 0) -> Floats:
    """Return one row of fifteen columns for each payment, in the order of the payments.

    The columns: amount; weekend; night; for 1, 7 and 30 days the customer's count and mean amount;
    for the same days the terminal's count and share of frauds, a week before.

    Args:
        labelled: Payments in order of time.
        bound_seconds: How long a value waits before it is served.
    """
    made, frauds = labelled.payments, (labelled.scenario > 0).astype(np.int64)
    seconds, cents = made.seconds, made.cents
    hour = seconds % DAY_SECONDS // 3_600
    weekday = (seconds // DAY_SECONDS + FIRST_WEEKDAY) % 7
    columns: list[Floats] = [cents / 100, (weekday >= 5) * 1.0, (hour <= 6) * 1.0]
    delay = LABEL_DELAY_DAYS * DAY_SECONDS
    for days in DAYS:
        count, total = interval_sums(
            made.customer, seconds, cents, days * DAY_SECONDS, bound_seconds
        )
        if bound_seconds:  # the payment itself is at hand, and not among those that were told
            count, total = count + 1, total + cents
        columns += [count.astype(float), total / count / 100]
    for days in DAYS:
        count, bad = interval_sums(
            made.terminal, seconds, frauds, days * DAY_SECONDS, delay + bound_seconds
        )
        columns += [count.astype(float), np.where(count, bad / np.maximum(count, 1), 0.0)]
    return np.column_stack(columns)


def interval_sums(
    entity: Ints, seconds: Ints, values: Ints, length: int, delay: int
) -> tuple[Ints, Ints]:
    """Return count and sum over `(t - delay - length, t - delay]` for each row, of its entity.

    Rows are in order of time, and of those of its own second a row sees only the earlier ones and
    itself. All sums are of whole numbers.
    """
    order = np.argsort(entity, kind="stable")
    sorted_entity, sorted_seconds = entity[order], seconds[order]
    totals = np.concatenate(([0], np.cumsum(values[order])))
    span = int(seconds.max(initial=0)) + length + delay + 1
    places = sorted_entity * (2 * span) + sorted_seconds + span  # entity by entity, then by time
    ends = np.searchsorted(places, places - delay, side="right")
    if delay == 0:
        ends = np.arange(1, len(places) + 1)
    starts = np.minimum(np.searchsorted(places, places - delay - length, side="right"), ends)
    first = np.searchsorted(sorted_entity, sorted_entity, side="left")
    starts, ends = np.maximum(starts, first), np.maximum(ends, first)
    counts, sums = np.empty_like(entity), np.empty_like(values)
    counts[order], sums[order] = ends - starts, totals[ends] - totals[starts]
    return counts, sums
