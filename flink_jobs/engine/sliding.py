"""Sliding (and tumbling) windows by key over one input: the engine's central operator.

Every event goes to one pane, however many windows overlap there. When the watermark closes a pane,
the pane is aggregated by key, the accumulators go to the stacks of their keys, and the window that
ends with the pane fires for every key that has an event in that window. A key costs nothing once
its panes have left.

Lateness is judged for each window, as by Flink's `WindowOperator`: an event behind the watermark
enters every window that is still open and misses the others. Unlike Flink, the operator tells which
windows an event has missed; Flink reports only an event that has missed all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from flink_jobs.engine.aggregates import Aggregate
from flink_jobs.engine.firing import Firing
from flink_jobs.engine.panes import ClosedPane, OpenPane, PaneStacks, Position
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.utils.watermarks import MAX_WATERMARK, MIN_WATERMARK, BoundedOutOfOrderness

Value = TypeVar("Value")
Acc = TypeVar("Acc")
Result = TypeVar("Result")


class SlidingOperator(Generic[Value, Acc, Result]):
    """Windows by key over one input, whose watermark `clock` tells.

    The caller gives each event to `on_event`, lets the event advance the clock, and then calls
    `on_watermark`; `take` returns the firings. The order is the rule "judge, then advance".

    >>> from flink_jobs.engine.aggregates import CountSumMax
    >>> clock = BoundedOutOfOrderness(bound_ms=0)
    >>> sums = SlidingOperator(SlidingWindows.tumbling(10_000), CountSumMax(), clock)
    >>> for offset, event_ms in enumerate([2_000, 9_999, 10_000, 3_000]):
    ...     missed = sums.on_event("card", event_ms, 1, offset)
    ...     if clock.observe(event_ms):
    ...         sums.on_watermark()
    >>> missed  # the last event is late: its window fired at 9_999, when 10_000 came
    [0]
    >>> [(firing.start_ms, firing.result.count) for firing in sums.take()]
    [(0, 2)]
    """

    def __init__(
        self,
        windows: SlidingWindows,
        aggregate: Aggregate[Value, Acc, Result],
        clock: BoundedOutOfOrderness,
        lateness_ms: int = 0,
    ) -> None:
        """Build an operator without state.

        Args:
            windows: Size and slide of the windows.
            aggregate: What is computed of the values of a window.
            clock: The input's watermark, which the caller advances.
            lateness_ms: Allowed lateness, milliseconds of event time: a window of `[start, end)`
                that has fired still takes events until the watermark is `end - 1 + lateness_ms`.
        """
        self.windows = windows
        self._aggregate = aggregate
        self._clock = clock
        self._lateness_ms = lateness_ms
        self._open: dict[int, OpenPane[Value]] = {}
        self._closed: dict[int, ClosedPane[Acc]] = {}
        self._stacks: dict[str, PaneStacks[Acc]] = {}
        # By key and end, and only for windows that fired again: revision 0 needs no entry.
        self._revisions: dict[tuple[str, int], int] = {}
        self._closed_before_ms = MIN_WATERMARK
        self.next_ms = MIN_WATERMARK
        """The smallest watermark at which `on_watermark` has something to do."""
        self._firings: list[Firing[Result]] = []
        # A resumed clock is ahead already. The panes before its watermark are closed, though empty:
        # an event that belongs there is behind the watermark.
        self.on_watermark()

    @property
    def windows_per_event(self) -> int:
        """How many windows each event is in: size / slide."""
        return self.windows.overlap

    def on_event(self, key: str, event_ms: int, value: Value, offset: int) -> Sequence[int]:
        """Count an event into every window that is still open.

        Args:
            key: The event's key.
            event_ms: Event time, epoch milliseconds.
            value: What the aggregate is given.
            offset: The event's place in the log, from which a replay could begin.

        Returns:
            The starts of the windows that the event missed, earliest first: none for almost every
            event, all of the event's windows where it is late.
        """
        if event_ms < self._closed_before_ms:
            return self._on_straggler(key, event_ms, value, offset)
        # `pane_start`, written out: this is the path of almost every event.
        start_ms = event_ms - (event_ms - self.windows.offset_ms) % self.windows.slide_ms
        pane = self._open.get(start_ms)
        if pane is None:
            pane = self._open[start_ms] = OpenPane(Position(offset, self._clock.max_seen_ms))
        pane.values[key].append(value)
        return ()

    def on_watermark(self) -> None:
        """Fire every window that the watermark has completed, in the order of the windows' ends.

        A window of `[start, end)` is complete at a watermark of `end - 1`. A window without an
        event of a key gives no firing for that key.
        """
        watermark_ms = self._clock.watermark_ms
        slide_ms = self.windows.slide_ms
        reached_ms = self.windows.pane_start(watermark_ms + 1)
        end_ms = self._closed_before_ms + slide_ms
        while (end_ms := self._skip_silence(end_ms)) <= reached_ms:
            self._close_pane(end_ms - slide_ms)
            self._fire(end_ms)
            end_ms += slide_ms
        self._closed_before_ms = max(self._closed_before_ms, reached_ms)
        self._purge(watermark_ms)

    def take(self) -> list[Firing[Result]]:
        """Return the firings since the last call, in the order in which they happened."""
        fired, self._firings = self._firings, []
        return fired

    def needed(self) -> Iterator[Position]:
        """Yield the position of the first event of each pane that a window may still need.

        A replay that begins at the smallest of them rebuilds every window that is not yet purged.
        """
        for panes in (self._open, self._closed):
            for pane in panes.values():
                yield pane.position

    def missed(self, event_ms: int) -> list[int]:
        """Return the starts of the windows of `event_ms` that are purged, earliest first.

        Computed from the ends alone: listing the windows would cost as many steps as they are.
        """
        first_end_ms = self.windows.pane_start(event_ms) + self.windows.slide_ms
        last_end_ms = first_end_ms + self.windows.size_ms - self.windows.slide_ms
        purged_ms = min(self._clock.watermark_ms - self._lateness_ms + 1, last_end_ms)
        ends = range(first_end_ms, purged_ms + 1, self.windows.slide_ms)
        return [end_ms - self.windows.size_ms for end_ms in ends]

    def _skip_silence(self, end_ms: int) -> int:
        """Return the next window end at or after `end_ms` at which something can fire.

        After a silence of a year no step is taken for each minute of it.
        """
        if self._stacks:
            return end_ms
        return max(end_ms, min(self._open, default=MAX_WATERMARK) + self.windows.slide_ms)

    def _close_pane(self, start_ms: int) -> None:
        pane = self._open.pop(start_ms, None)
        if pane is None:
            return
        lift, merge = self._aggregate.lift, self._aggregate.merge
        accs = {key: lift(values) for key, values in pane.values.items()}
        self._closed[start_ms] = ClosedPane(pane.position, accs)
        stacks = self._stacks
        for key, acc in accs.items():
            stack = stacks.pop(key, None)
            if stack is None:
                stack = PaneStacks(merge)
            stack.push(start_ms, acc)
            # To the end of the dictionary, whose order is that of the firings: a successor that
            # has not seen the older panes inserts the key now.
            stacks[key] = stack

    def _fire(self, end_ms: int) -> None:
        start_ms = end_ms - self.windows.size_ms
        finish = self._aggregate.finish
        silent = []
        for key, stack in self._stacks.items():
            acc = stack.merged_from(start_ms)
            if acc is None:
                silent.append(key)
            else:
                self._firings.append(Firing(key, start_ms, end_ms, 0, finish(acc)))
        for key in silent:
            del self._stacks[key]

    def _purge(self, watermark_ms: int) -> None:
        """Forget the panes that no window needs any more, and set `next_ms`."""
        keep_ms = self.windows.size_ms - 1 + self._lateness_ms
        for start_ms in [start for start in self._closed if start + keep_ms <= watermark_ms]:
            del self._closed[start_ms]
        over_ms = watermark_ms - self._lateness_ms + 1
        for window in [window for window in self._revisions if window[1] <= over_ms]:
            del self._revisions[window]
        self.next_ms = self._closed_before_ms + self.windows.slide_ms - 1
        if self._lateness_ms and self._closed:
            self.next_ms = min(self.next_ms, min(self._closed) + keep_ms)

    def _on_straggler(self, key: str, event_ms: int, value: Value, offset: int) -> Sequence[int]:
        """Count an event whose pane has closed; a window that has fired fires again at once.

        A closed pane does not make an event late: windows over the pane may be open. A window fires
        again for each event and not for each batch, or batches would decide the revisions.
        """
        missed = self.missed(event_ms)
        if len(missed) == self.windows.overlap:
            return missed
        start_ms = self.windows.pane_start(event_ms)
        fired = self._fired_windows(start_ms, len(missed))
        # Before the patch: a window in which the key had no event has not fired for the key, so its
        # first firing has revision 0.
        held = [self._accs(key, end_ms) != [] for end_ms in fired]
        self._patch(key, start_ms, value, offset)
        for end_ms, had_fired in zip(fired, held, strict=True):
            self._refire(key, end_ms, had_fired)
        return missed

    def _fired_windows(self, start_ms: int, missed: int) -> range:
        """Return the ends of the windows over a pane that have fired and still take events."""
        first_ms = start_ms + (missed + 1) * self.windows.slide_ms
        last_ms = min(self._closed_before_ms, start_ms + self.windows.size_ms)
        return range(first_ms, last_ms + 1, self.windows.slide_ms)

    def _accs(self, key: str, end_ms: int) -> list[tuple[int, Acc]]:
        """Return the key's closed panes inside the window that ends at `end_ms`, oldest first."""
        starts = range(end_ms - self.windows.size_ms, end_ms, self.windows.slide_ms)
        panes = ((start, self._closed.get(start)) for start in starts)
        return [(start, pane.accs[key]) for start, pane in panes if pane and key in pane.accs]

    def _patch(self, key: str, start_ms: int, value: Value, offset: int) -> None:
        """Add a value to a closed pane, and build the key's stacks anew from the closed panes.

        The stacks hold merges of the pane as it was: windows still to come would lack the event.
        """
        pane = self._closed.get(start_ms)
        if pane is None:
            pane = ClosedPane(Position(offset, self._clock.max_seen_ms), {})
            self._closed[start_ms] = pane
        acc = pane.accs.get(key)
        pane.accs[key] = (
            self._aggregate.lift([value]) if acc is None else self._aggregate.add(acc, value)
        )
        panes = self._accs(key, self._closed_before_ms + self.windows.slide_ms)
        if panes:
            self._stacks.pop(key, None)  # to the end of the order, as when a pane closes
            self._stacks[key] = PaneStacks(self._aggregate.merge, panes)

    def _refire(self, key: str, end_ms: int, had_fired: bool) -> None:
        window = (key, end_ms)
        if had_fired:
            self._revisions[window] = self._revisions.get(window, 0) + 1
        (_, acc), *younger = self._accs(key, end_ms)
        for _, other in younger:
            acc = self._aggregate.merge(acc, other)
        self._firings.append(
            Firing(
                key,
                end_ms - self.windows.size_ms,
                end_ms,
                self._revisions.get(window, 0),
                self._aggregate.finish(acc),
            )
        )
