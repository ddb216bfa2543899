"""Operators that tell a recorder what happens to their windows, for traces, tables and figures.

Each is a subclass that reports changes; the base class computes the results, so that a recorded run
has the same results. A program that wants no record uses the base class and pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from flink_jobs.engine.aggregates import Aggregate
from flink_jobs.engine.firing import Firing
from flink_jobs.engine.sessions import Session, SessionOperator
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SessionWindows, SlidingWindows, Window
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

Value = TypeVar("Value")
Acc = TypeVar("Acc")
Result = TypeVar("Result")


class Recorder(Protocol):
    """Hears of every change to the windows of an operator, in the order of the changes."""

    def opened(self, key: str, window: Window) -> None:
        """Hear that the first event of a key has come into a window."""

    def merged(self, key: str, parts: Sequence[Window], window: Window) -> None:
        """Hear that a session has grown, or several are one now: `window` replaces `parts`."""

    def fired(self, firing: Firing[Any]) -> None:
        """Hear that a window has given a result; the revision is 0 the first time."""

    def purged(self, key: str, window: Window) -> None:
        """Hear that a window takes no more events and that nothing of it is kept."""


class RecordedSlidingOperator(SlidingOperator[Value, Acc, Result]):
    """A `SlidingOperator` whose windows a recorder can follow.

    The base class keeps panes, not windows; here each key's windows are kept beside them.
    """

    def __init__(
        self,
        windows: SlidingWindows,
        aggregate: Aggregate[Value, Acc, Result],
        clock: BoundedOutOfOrderness,
        lateness_ms: int = 0,
        *,
        recorder: Recorder,
    ) -> None:
        """Build an operator without state that tells `recorder` of its windows."""
        # Before the base class, whose constructor calls `on_watermark`, which reads these.
        self._recorder = recorder
        self._keys: dict[int, dict[str, Window]] = {}  # by the end of the window
        self._reported = 0
        super().__init__(windows, aggregate, clock, lateness_ms)

    def on_event(self, key: str, event_ms: int, value: Value, offset: int) -> Sequence[int]:
        """Count an event as the base class does; report windows that open or fire again."""
        missed = super().on_event(key, event_ms, value, offset)
        for window in self.windows.assign(event_ms)[len(missed) :]:
            keys = self._keys.setdefault(window.end_ms, {})
            if key not in keys:
                keys[key] = window
                self._recorder.opened(key, window)
        for firing in self._unreported():
            self._recorder.fired(firing)
        return missed

    def on_watermark(self) -> None:
        """Fire as the base class does; report each firing, and each window that is purged."""
        super().on_watermark()
        # Windows that end here or before are purged: `is_purged`, solved for the end.
        over_ms = self._clock.watermark_ms - self._lateness_ms + 1
        purged = [
            (key, window)
            for end_ms in sorted(end_ms for end_ms in self._keys if end_ms <= over_ms)
            for key, window in self._keys.pop(end_ms).items()
        ]
        _tell(self._recorder, self._unreported(), purged, self._lateness_ms)

    def take(self) -> list[Firing[Result]]:
        """Return the firings since the last call; each has been reported already."""
        self._reported = 0
        return super().take()

    def _unreported(self) -> list[Firing[Result]]:
        unreported = self._firings[self._reported :]
        self._reported = len(self._firings)
        return unreported


class RecordedSessionOperator(SessionOperator[Value, Acc, Result]):
    """A `SessionOperator` whose sessions a recorder can follow."""

    def __init__(
        self,
        windows: SessionWindows,
        aggregate: Aggregate[Value, Acc, Result],
        clock: BoundedOutOfOrderness,
        lateness_ms: int = 0,
        *,
        recorder: Recorder,
    ) -> None:
        """Build an operator without state that tells `recorder` of its sessions."""
        self._recorder = recorder
        self._removals: list[tuple[str, Window]] = []
        self._reported = 0
        super().__init__(windows, aggregate, clock, lateness_ms)

    def on_event(self, key: str, event_ms: int, value: Value, offset: int) -> Sequence[int]:
        """Count an event as the base class does; report sessions that open, grow or merge."""
        before = self._windows_of(key)
        missed = super().on_event(key, event_ms, value, offset)
        self._removals.clear()  # what an event removes has not been purged: it is part of another
        after = self._windows_of(key)
        parts = [window for window in before if window not in after]
        for window in after:
            if window not in before:
                self._tell_of(key, parts, window)
        for firing in self._unreported():
            self._recorder.fired(firing)
        return missed

    def on_watermark(self) -> None:
        """Fire as the base class does; report each firing, and each session that is purged."""
        super().on_watermark()
        purged, self._removals = self._removals, []
        _tell(self._recorder, self._unreported(), purged, self._lateness_ms)

    def take(self) -> list[Firing[Result]]:
        """Return the firings since the last call; each has been reported already."""
        self._reported = 0
        return super().take()

    def _tell_of(self, key: str, parts: Sequence[Window], window: Window) -> None:
        if parts:
            self._recorder.merged(key, parts, window)
        else:
            self._recorder.opened(key, window)

    def _windows_of(self, key: str) -> list[Window]:
        return [Window(session.start_ms, session.end_ms) for session in self._sessions.get(key, ())]

    def _remove(self, session: Session[Acc]) -> None:
        super()._remove(session)
        self._removals.append((session.key, Window(session.start_ms, session.end_ms)))

    def _unreported(self) -> list[Firing[Result]]:
        unreported = self._firings[self._reported :]
        self._reported = len(self._firings)
        return unreported


def _tell(
    recorder: Recorder,
    firings: Iterable[Firing[Any]],
    purged: Iterable[tuple[str, Window]],
    lateness_ms: int,
) -> None:
    """Tell what one watermark did, in the order of the times at which each change was due.

    A watermark may jump over many windows at once. A window that fires and one that is purged at
    the same time are told in this order.
    """
    calls = [(firing.end_ms, 0, partial(recorder.fired, firing)) for firing in firings]
    calls += [
        (window.end_ms + lateness_ms, 1, partial(recorder.purged, key, window))
        for key, window in purged
    ]
    for *_, call in sorted(calls, key=lambda call: call[:2]):
        call()
