"""Session windows by key over one input: Flink's merging windows.

An event opens `[event, event + gap)`, and that window merges with every session of its key that it
overlaps or touches (`TimeWindow.intersects`). Lateness is judged on the *merged* window, so an
event far behind the watermark may still join a session that is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

from flink_jobs.engine.aggregates import Aggregate
from flink_jobs.engine.firing import Firing
from flink_jobs.engine.panes import Position
from flink_jobs.engine.windows import SessionWindows, is_closed, is_purged
from flink_jobs.utils.watermarks import MAX_WATERMARK, BoundedOutOfOrderness

Value = TypeVar("Value")
Acc = TypeVar("Acc")
Result = TypeVar("Result")


class Session(Generic[Acc]):
    """One session of one key: `[start_ms, end_ms)`, whose end is the last event plus the gap."""

    __slots__ = ("acc", "alive", "end_ms", "fired", "firings", "key", "position", "start_ms")

    def __init__(self, key: str, start_ms: int, end_ms: int, acc: Acc, position: Position) -> None:
        """Open a session whose first record is at `position`."""
        self.key = key
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.acc = acc
        self.position = position
        self.firings = 0
        self.fired = False  # with its present events: a fired session that grows fires again
        self.alive = True  # until the session is purged, or part of another; timers check this


class SessionOperator(Generic[Value, Acc, Result]):
    """Session windows by key over one input, whose watermark `clock` tells.

    An operator is used like `SlidingOperator`: `on_event`, then `on_watermark`, then `take`. A
    session into which fired sessions merge goes on with the largest of their revisions, so that no
    revision of a key's session comes twice.
    """

    def __init__(
        self,
        windows: SessionWindows,
        aggregate: Aggregate[Value, Acc, Result],
        clock: BoundedOutOfOrderness,
        lateness_ms: int = 0,
    ) -> None:
        """Build an operator without state; the arguments are those of `SlidingOperator`."""
        self.windows = windows
        self._aggregate = aggregate
        self._clock = clock
        self._lateness_ms = lateness_ms
        self._sessions: dict[str, list[Session[Acc]]] = {}
        self._timers: list[tuple[int, int, Session[Acc]]] = []
        self._timer_count = 0
        self._firings: list[Firing[Result]] = []
        self.next_ms = MAX_WATERMARK
        """The smallest watermark at which `on_watermark` has something to do."""

    windows_per_event: Final = 1

    def on_event(self, key: str, event_ms: int, value: Value, offset: int) -> Sequence[int]:
        """Count an event into its session, and merge the sessions that the event joins.

        Args:
            key: The event's key.
            event_ms: Event time, epoch milliseconds.
            value: What the aggregate is given.
            offset: The event's place in the log, from which a replay could begin.

        Returns:
            Nothing for an event that was counted; for a late one, which was not, the start of the
            one window that the event missed.
        """
        end_ms = event_ms + self.windows.gap_ms
        joined = [
            session
            for session in self._sessions.get(key, ())
            if session.start_ms <= end_ms and event_ms <= session.end_ms
        ]
        if joined:  # before the look at lateness: an event that joins an open session is not late
            self._join(joined, event_ms, value)
        elif is_purged(end_ms, self._clock.watermark_ms, self._lateness_ms):
            return (event_ms,)
        else:
            position = Position(offset, self._clock.max_seen_ms)
            acc = self._aggregate.lift([value])
            self._begin(Session(key, event_ms, end_ms, acc, position))
        return ()

    def on_watermark(self) -> None:
        """Fire every session that the watermark has completed, in the order of the sessions' ends.

        A session of `[start, end)` is complete at a watermark of `end - 1`, which is the time of
        its last event plus the gap, less a millisecond.
        """
        watermark_ms = self._clock.watermark_ms
        while self._timers and self._timers[0][0] <= watermark_ms:
            due_ms, _, session = heappop(self._timers)
            if (
                not session.alive
            ):  # merging leaves its timer: a heap cannot drop one from the middle
                continue
            if not session.fired:
                if due_ms < session.end_ms - 1:  # grown since the timer was set
                    self._set_timer(session.end_ms - 1, session)
                else:
                    self._fire(session)
            elif is_purged(session.end_ms, watermark_ms, self._lateness_ms):
                self._remove(session)
        self.next_ms = self._timers[0][0] if self._timers else MAX_WATERMARK

    def take(self) -> list[Firing[Result]]:
        """Return the firings since the last call, in the order in which they happened."""
        fired, self._firings = self._firings, []
        return fired

    def needed(self) -> Iterator[Position]:
        """Yield the position of the first event of each session that is not yet purged.

        A replay that begins at the smallest of them rebuilds every session.
        """
        for sessions in self._sessions.values():
            for session in sessions:
                yield session.position

    def _begin(self, session: Session[Acc]) -> None:
        sessions = self._sessions.setdefault(session.key, [])
        sessions.append(session)
        sessions.sort(key=lambda session: session.start_ms)
        self._schedule(session)

    def _join(self, joined: list[Session[Acc]], event_ms: int, value: Value) -> None:
        """Count a value into the earliest session that it touches; the others become part of that.

        The merged session ends no earlier than its parts, and no part is purged: so the event is
        not late, however old it is.
        """
        session, *absorbed = joined
        # Sessions of a key do not overlap: the one that starts last also ends last.
        end_ms = max(event_ms + self.windows.gap_ms, joined[-1].end_ms)
        grown = end_ms > session.end_ms or event_ms < session.start_ms
        session.acc = self._aggregate.add(session.acc, value)
        session.start_ms = min(event_ms, session.start_ms)
        session.end_ms = end_ms
        for other in absorbed:
            session.acc = self._aggregate.merge(session.acc, other.acc)
            session.position = min(
                session.position, other.position, key=lambda position: position.offset
            )
            session.firings = max(session.firings, other.firings)
            self._remove(other)
        if session.fired:  # otherwise its timer is already set, at the latest for its old end
            session.fired = not grown
            self._schedule(session)

    def _schedule(self, session: Session[Acc]) -> None:
        """Fire a session now where the watermark is at its end, else set a timer for that."""
        if is_closed(session.end_ms, self._clock.watermark_ms):
            self._fire(session)
        else:
            self._set_timer(session.end_ms - 1, session)

    def _fire(self, session: Session[Acc]) -> None:
        result = self._aggregate.finish(session.acc)
        self._firings.append(
            Firing(session.key, session.start_ms, session.end_ms, session.firings, result)
        )
        session.firings += 1
        session.fired = True
        if self._lateness_ms:
            self._set_timer(session.end_ms - 1 + self._lateness_ms, session)
        else:
            self._remove(session)

    def _remove(self, session: Session[Acc]) -> None:
        session.alive = False
        sessions = self._sessions[session.key]
        sessions.remove(session)
        if not sessions:
            del self._sessions[session.key]

    def _set_timer(self, due_ms: int, session: Session[Acc]) -> None:
        self._timer_count += 1  # timers of one time fire in order; sessions cannot be compared
        heappush(self._timers, (due_ms, self._timer_count, session))
        self.next_ms = self._timers[0][0]
