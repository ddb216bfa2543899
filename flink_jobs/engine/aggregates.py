"""Aggregates: how values become one result, in parts that can be merged.

An aggregate is a monoid with a beginning and an end: `lift` turns values into an accumulator,
`merge` joins two accumulators, `finish` reads the result. `lift` takes a pane's values at once,
because one Python call for a pane costs a fraction of one call for every value.

`merge(a, b)` is only asked for with all of `a`'s events in earlier panes than `b`'s, so it need not
be commutative. Inside a pane values arrive in any order: an aggregate that cares sorts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

Value_contra = TypeVar("Value_contra", contravariant=True)
Acc = TypeVar("Acc")
Result_co = TypeVar("Result_co", covariant=True)


class Aggregate(Protocol[Value_contra, Acc, Result_co]):
    """What a window operator needs to know of an aggregation."""

    def lift(self, values: Sequence[Value_contra]) -> Acc:
        """Return the accumulator of at least one value, in the order of their arrival."""

    def add(self, acc: Acc, value: Value_contra) -> Acc:
        """Return `acc` with one more value of the pane; `acc` itself may be changed."""

    def merge(self, left: Acc, right: Acc) -> Acc:
        """Return a new accumulator of the values of both; neither argument changes."""

    def finish(self, acc: Acc) -> Result_co:
        """Return the result; `acc` stays as it is."""


class Totals(Struct, frozen=True, gc=False):
    """Count, sum and maximum of whole numbers."""

    count: int
    total: int
    largest: int


class CountSumMax:
    """Count, sum and maximum of whole numbers: the simplest useful aggregate.

    >>> totals = CountSumMax()
    >>> totals.finish(totals.merge(totals.lift([5, 1]), totals.lift([3])))
    Totals(count=3, total=9, largest=5)
    """

    def lift(self, values: Sequence[int]) -> list[int]:
        """Return `[count, sum, maximum]`."""
        return [len(values), sum(values), max(values)]

    def add(self, acc: list[int], value: int) -> list[int]:
        """Count `value` in."""
        acc[0] += 1
        acc[1] += value
        if value > acc[2]:
            acc[2] = value
        return acc

    def merge(self, left: list[int], right: list[int]) -> list[int]:
        """Return the totals of both."""
        return [
            left[0] + right[0],
            left[1] + right[1],
            left[2] if left[2] >= right[2] else right[2],
        ]

    def finish(self, acc: list[int]) -> Totals:
        """Return the totals."""
        return Totals(*acc)


class Collect:
    """Every value of the window, in the order of panes and, inside a pane, of arrival."""

    def lift(self, values: Sequence[object]) -> list[object]:
        """Return a list of the values."""
        return list(values)

    def add(self, acc: list[object], value: object) -> list[object]:
        """Append `value`."""
        acc.append(value)
        return acc

    def merge(self, left: list[object], right: list[object]) -> list[object]:
        """Return the values of both."""
        return [*left, *right]

    def finish(self, acc: list[object]) -> list[object]:
        """Return a copy of the values."""
        return list(acc)
