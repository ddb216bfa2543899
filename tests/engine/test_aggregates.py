"""Aggregates: `lift`, `add`, `merge` and `finish` keep their promises to the operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.aggregates import Collect, CountSumMax, Totals
from flink_jobs.features.clickstream import PersonalizationAggregate, SessionAggregate
from flink_jobs.features.transactions import FraudAggregate
from tests.support.inputs.samples import clicks, in_panes, payments

values = st.lists(st.integers(-(10**12), 10**12), min_size=1)


@given(values)
def test_totals(numbers: list[int]) -> None:
    totals = CountSumMax()
    acc = fold(totals, [numbers])
    assert totals.finish(acc) == Totals(len(numbers), sum(numbers), max(numbers))


@given(values)
def test_collect_keeps_the_order(numbers: list[int]) -> None:
    assert Collect().finish(fold(Collect(), [numbers])) == numbers


def test_collect_finishes_with_a_copy() -> None:
    collect = Collect()
    acc = collect.lift([1])
    result = collect.finish(acc)
    collect.add(acc, 2)
    assert result == [1]


def fold(aggregate: Any, panes: Sequence[Sequence[Any]]) -> Any:
    """Return the accumulator of `panes`: half of each lifted, the others added; then merged."""
    halves = [(pane[: len(pane) // 2 + 1], pane[len(pane) // 2 + 1 :]) for pane in panes]
    accs = [reduce(aggregate.add, more, aggregate.lift(first)) for first, more in halves]
    return reduce(aggregate.merge, accs)


numbers = st.lists(st.integers(-100, 100), min_size=1)
EACH = pytest.mark.parametrize(
    ("make", "stream"),
    [
        (CountSumMax, numbers),
        (Collect, numbers),
        (FraudAggregate, payments()),
        (PersonalizationAggregate, clicks()),
        (SessionAggregate, clicks()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)


@EACH
@given(data=st.data())
def test_grouping_into_panes_is_irrelevant(
    make: Callable[[], Any], stream: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    """Equal to the last bit, floats included."""
    aggregate, events = make(), data.draw(stream)
    left, right = data.draw(in_panes(events)), data.draw(in_panes(events))
    assert aggregate.finish(fold(aggregate, left)) == aggregate.finish(fold(aggregate, right))


@EACH
@given(data=st.data())
def test_values_lifted_at_once_equal_values_added_in_any_order(
    make: Callable[[], Any], stream: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    aggregate, events = make(), data.draw(stream)
    first, *others = events if make is Collect else data.draw(st.permutations(events))
    added = reduce(aggregate.add, others, aggregate.lift([first]))
    assert aggregate.finish(added) == aggregate.finish(aggregate.lift(events))


@EACH
@given(data=st.data())
def test_merge_is_associative(
    make: Callable[[], Any], stream: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    aggregate, events = make(), data.draw(stream)
    accs = [fold(aggregate, [pane]) for pane in data.draw(in_panes(events))]
    merge = aggregate.merge
    leftwards = reduce(merge, accs)
    rightwards = reduce(lambda acc, earlier: merge(earlier, acc), reversed(accs))
    assert aggregate.finish(leftwards) == aggregate.finish(rightwards)


@EACH
@given(data=st.data())
def test_merge_and_finish_change_nothing(
    make: Callable[[], Any], stream: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    """Stacks and panes share accumulators, so a merge that wrote into one would spoil the other."""
    aggregate, (left, *more) = make(), data.draw(in_panes(data.draw(stream)))
    held = fold(aggregate, [left])
    others = [fold(aggregate, [pane]) for pane in more]
    result = aggregate.finish(deepcopy(held))
    for other in others:
        alone = aggregate.finish(deepcopy(other))
        merged = aggregate.merge(held, other)
        aggregate.finish(aggregate.merge(merged, other))
        assert (aggregate.finish(held), aggregate.finish(other)) == (result, alone)


@EACH
@given(data=st.data())
def test_adding_after_a_merge_leaves_the_merge_alone(
    make: Callable[[], Any], stream: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    """A pane takes late events after its accumulator has been merged into a window."""
    aggregate, events = make(), data.draw(stream)
    left, right, more = (deepcopy(events) for _ in range(3))
    earlier, later = fold(aggregate, [left]), fold(aggregate, [right])
    merged = aggregate.merge(earlier, later)
    result = aggregate.finish(deepcopy(merged))
    aggregate.add(earlier, more[0])
    aggregate.add(later, more[-1])
    assert aggregate.finish(merged) == result
