"""Panes: the shared parts of overlapping windows, and how a key's panes become a window.

A sliding window of K slides is the merge of K panes. Merging all K at every slide would cost K; the
two stacks of `PaneStacks` keep it at three merges a pane, whatever K is (the two-stacks queue of
Tangwongsan, Hirzel and Schneider, "Low-Latency Sliding-Window Aggregation in Worst-Case Constant
Time", DEBS 2017).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")
Acc = TypeVar("Acc")


class Position(NamedTuple):
    """Where a replay must begin for something that is still open to be whole again."""

    offset: int
    """Offset of the first record that is needed."""
    max_seen_ms: int | None
    """Largest event time seen before that record; None where there was none."""


class OpenPane(Generic[Value]):
    """The values of one slide, by key, as long as it may still get more."""

    __slots__ = ("position", "values")

    def __init__(self, position: Position) -> None:
        """Open a pane whose first event is at `position`."""
        self.position = position
        self.values: defaultdict[str, list[Value]] = defaultdict(list)


class ClosedPane(Generic[Acc]):
    """The values of one slide, aggregated by key."""

    __slots__ = ("accs", "position")

    def __init__(self, position: Position, accs: dict[str, Acc]) -> None:
        """Hold the accumulators of a pane whose first event is at `position`."""
        self.position = position
        self.accs = accs


class PaneStacks(Generic[Acc]):
    """The closed panes of one key, oldest out first, with the merge of all of them at hand.

    `_front` holds older panes, the oldest on top, each with the merge of itself and all younger
    ones in front; `_back` holds the younger panes, with `_tail` the merge of them all.
    """

    __slots__ = ("_back", "_front", "_merge", "_tail")

    def __init__(
        self, merge: Callable[[Acc, Acc], Acc], panes: Iterable[tuple[int, Acc]] = ()
    ) -> None:
        """Start with `panes`: pairs of start and accumulator, oldest first."""
        self._merge = merge
        self._front: list[tuple[int, Acc]] = []
        self._back: list[tuple[int, Acc]] = []
        self._tail: Acc | None = None
        for start_ms, acc in panes:
            self.push(start_ms, acc)

    def push(self, start_ms: int, acc: Acc) -> None:
        """Append a pane, younger than all the others."""
        self._back.append((start_ms, acc))
        self._tail = acc if self._tail is None else self._merge(self._tail, acc)

    def merged_from(self, start_ms: int) -> Acc | None:
        """Drop the panes before `start_ms`; return the merge of the others, None without any."""
        front = self._front
        while front and front[-1][0] < start_ms:
            front.pop()
        if not front and self._back and self._back[0][0] < start_ms:
            self._turn_over(start_ms)
        if not front:
            return self._tail
        if self._tail is None:
            return front[-1][1]
        return self._merge(front[-1][1], self._tail)

    def _turn_over(self, start_ms: int) -> None:
        """Move the panes from `start_ms` on to the front: the only place that merges backwards."""
        merged: Acc | None = None
        for pane_ms, acc in reversed(self._back):
            if pane_ms < start_ms:
                break
            merged = acc if merged is None else self._merge(acc, merged)
            self._front.append((pane_ms, merged))
        self._back = []
        self._tail = None
