"""Aggregates: how values become one result, in parts that can be merged.

An aggregate is a monoid with a beginning and an end: `lift` turns values into an accumulator,
`merge` joins two accumulators, `finish` reads the result. `lift` takes all values of a pane at
once, because one Python call for a pane costs a fraction of one call for every value.

`merge` must be associative, because panes are merged in changing groups. It need not be
commutative: `merge(a, b)` is only asked for where all events of `a` are in earlier panes than those
of `b`. Inside a pane values arrive in any order: an aggregate to which order matters sorts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

Value_contra = TypeVar("Value_contra", contravariant=True)
Acc = TypeVar("Acc")
Result_co = TypeVar("Result_co", covariant=True)


class Aggregate(Protocol[Value_contra, Acc, Result_co]):
    """What a window operator needs to know of an aggregation.

    An operator keeps accumulators between calls and merges one accumulator into several windows.
    So `merge` and `finish` must leave their arguments as they are; only `add` may change one.
    """

    def lift(self, values: Sequence[Value_contra]) -> Acc:
        """Return the accumulator of at least one value, given in the order of arrival."""

    def add(self, acc: Acc, value: Value_contra) -> Acc:
        """Return `acc` with one more value of the same pane; `acc` itself may change."""

    def merge(self, left: Acc, right: Acc) -> Acc:
        """Return a new accumulator with the values of both; neither argument changes."""

    def finish(self, acc: Acc) -> Result_co:
        """Return the result of all values in `acc`, which does not change."""


class Totals(Struct, frozen=True, gc=False):
    """Count, sum and maximum of whole numbers: the result of `CountSumMax`."""

    count: int
    total: int
    largest: int


class CountSumMax:
    """Count, sum and maximum of whole numbers: the simplest useful aggregate.

    The sum is a Python integer: exact and without a largest value, so that no order of values and
    no grouping into panes changes it.

    >>> totals = CountSumMax()
    >>> totals.finish(totals.merge(totals.lift([5, 1]), totals.lift([3])))
    Totals(count=3, total=9, largest=5)
    """

    def lift(self, values: Sequence[int]) -> list[int]:
        """Return `[count, sum, maximum]`: a list, because `add` changes it in place."""
        return [len(values), sum(values), max(values)]

    def add(self, acc: list[int], value: int) -> list[int]:
        """Add `value` to the totals in `acc`."""
        acc[0] += 1
        acc[1] += value
        if value > acc[2]:
            acc[2] = value
        return acc

    def merge(self, left: list[int], right: list[int]) -> list[int]:
        """Return the totals of the values of both."""
        return [
            left[0] + right[0],
            left[1] + right[1],
            left[2] if left[2] >= right[2] else right[2],
        ]

    def finish(self, acc: list[int]) -> Totals:
        """Return the totals as a value that nobody can change."""
        return Totals(*acc)


class Collect:
    """Every value of the window, in the order of panes and, inside a pane, of arrival.

    >>> values = Collect()
    >>> values.finish(values.merge(values.lift([9, 1]), values.lift([5])))
    [9, 1, 5]
    """

    def lift(self, values: Sequence[object]) -> list[object]:
        """Return a list of the values in the order of arrival."""
        return list(values)

    def add(self, acc: list[object], value: object) -> list[object]:
        """Append `value` to the values of its pane."""
        acc.append(value)
        return acc

    def merge(self, left: list[object], right: list[object]) -> list[object]:
        """Return the values of `left`, then those of `right`, in a new list."""
        return [*left, *right]

    def finish(self, acc: list[object]) -> list[object]:
        """Return a copy of the values: `acc` may still grow."""
        return list(acc)
