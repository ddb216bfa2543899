"""Panes: the two stacks against a plain fold, and how many merges they need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.panes import PaneStacks

steps = st.lists(
    st.tuples(
        st.sampled_from(["push", "read"]),
        st.integers(1, 5),  # how much younger the next pane is, or how many starts leave
    )
)


class CountingMerge:
    """String concatenation, which is not commutative; counts how often it is asked for."""

    def __init__(self) -> None:
        self.merges = 0

    def __call__(self, left: str, right: str) -> str:
        self.merges += 1
        return left + right


@given(steps, st.integers(0, 6))
def test_stacks_equal_a_plain_fold(actions: list[tuple[str, int]], initial: int) -> None:
    panes = [(start, f"<{start}>") for start in range(initial)]
    stacks = PaneStacks(CountingMerge(), panes)
    youngest, oldest = initial, 0
    for action, by in actions:
        if action == "push":
            youngest += by
            panes.append((youngest, f"<{youngest}>"))
            stacks.push(*panes[-1])
        else:
            oldest += by
            panes = [pane for pane in panes if pane[0] >= oldest]
            expected = "".join(acc for _, acc in panes) or None
            assert stacks.merged_from(oldest) == expected


@given(steps)
def test_stacks_begun_with_panes_equal_stacks_that_grew(actions: list[tuple[str, int]]) -> None:
    pushed = [n for n, (action, _) in enumerate(actions) if action == "push"]
    panes = [(start, chr(97 + start % 26)) for start in pushed]
    at_once, one_by_one = PaneStacks(CountingMerge(), panes), PaneStacks(CountingMerge())
    for pane in panes:
        one_by_one.push(*pane)
    for oldest in range(len(actions) + 2):
        assert at_once.merged_from(oldest) == one_by_one.merged_from(oldest)


@pytest.mark.parametrize("overlap", [1, 2, 3, 5, 10, 60, 300])
def test_at_most_three_merges_a_pane(overlap: int) -> None:
    """One as a pane comes, one as the stacks turn over, one as the window is read."""
    merge, panes = CountingMerge(), 2_000
    stacks = PaneStacks(merge)
    for start in range(panes):
        stacks.push(start, ".")
        assert stacks.merged_from(start - overlap + 1) == "." * min(overlap, start + 1)
    assert merge.merges <= 3 * panes


def test_nothing_is_none() -> None:
    stacks = PaneStacks(CountingMerge())
    assert stacks.merged_from(0) is None
    stacks.push(1, "a")
    assert stacks.merged_from(2) is None


def test_pane_at_the_start_stays() -> None:
    stacks = PaneStacks(CountingMerge(), [(1, "a"), (2, "b")])
    assert stacks.merged_from(1) == "ab"
    assert stacks.merged_from(2) == "b"


def test_single_pane_is_given_without_a_merge() -> None:
    merge = CountingMerge()
    assert PaneStacks(merge, [(1, "a")]).merged_from(1) == "a"
    assert merge.merges == 0
