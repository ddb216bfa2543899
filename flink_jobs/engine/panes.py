"""Panes: the shared parts of overlapping windows, and how a key's panes become a window.

A sliding window of K slides is the merge of K panes. Merging all K panes at every slide would cost
K merges; the two stacks of `PaneStacks` cost at most three merges a pane, whatever K is (the
two-stacks queue of Tangwongsan, Hirzel and Schneider, "Low-Latency Sliding-Window Aggregation in
Worst-Case Constant Time", DEBS 2017). No merge is ever undone by subtraction, so an aggregate
without an inverse, such as a maximum, costs the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")
Acc = TypeVar("Acc")


class Position(NamedTuple):
    """Where a replay must begin, for a pane or a session that is still open to be whole again."""

    offset: int
    """Offset of the first record that is needed."""
    max_seen_ms: int | None
    """Largest event time seen before that record, epoch milliseconds; None where there was none.

    A replay begins with the watermark that this time gives, so that it judges as the first run."""


class OpenPane(Generic[Value]):
    """The values of one slide, by key, while the watermark has not closed the pane.

    The values are kept as they came: one append for each event, and one `lift` at the close.
    """

    __slots__ = ("position", "values")

    def __init__(self, position: Position) -> None:
        """Open a pane whose first event is at `position`."""
        self.position = position
        self.values: defaultdict[str, list[Value]] = defaultdict(list)


class ClosedPane(Generic[Acc]):
    """The values of one slide, aggregated by key.

    A closed pane is kept as long as one of its windows may still change: an event behind the
    watermark may belong to it and to windows that are open.
    """

    __slots__ = ("accs", "position")

    def __init__(self, position: Position, accs: dict[str, Acc]) -> None:
        """Hold the accumulators of a pane whose first event is at `position`."""
        self.position = position
        self.accs = accs


class PaneStacks(Generic[Acc]):
    """The closed panes of one key: a queue that always knows the merge of all its panes.

    `_front` holds the older panes, the oldest on top, each with the merge of itself and of all
    younger panes in `_front`. `_back` holds the younger panes, and `_tail` is the merge of `_back`.

    >>> stacks = PaneStacks(max, [(0, 7), (10, 3), (20, 5)])
    >>> stacks.merged_from(0), stacks.merged_from(10), stacks.merged_from(30)
    (7, 5, None)
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
        """Append a pane that is younger than all the others."""
        self._back.append((start_ms, acc))
        # Older panes on the left, here and below: `merge` need not be commutative.
        self._tail = acc if self._tail is None else self._merge(self._tail, acc)

    def merged_from(self, start_ms: int) -> Acc | None:
        """Drop the panes before `start_ms`; return the merge of the others, None if none is left.

        Dropped panes do not come back: `start_ms` may only grow from call to call.
        """
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
