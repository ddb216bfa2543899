"""The engine with a recorder: a stream goes through it event by event, and every step is kept.

>>> from studykit.trace.stories import STORY, STORY_POLICY
>>> simulate(STORY, STORY_POLICY).counts()
{'on time': 8, 'corrected': 1, 'partly late': 0, 'dropped': 1}
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from flink_jobs.engine.aggregates import CountSumMax, Totals
from flink_jobs.engine.firing import Firing
from flink_jobs.engine.recording import RecordedSessionOperator, RecordedSlidingOperator
from flink_jobs.engine.windows import SessionWindows, SlidingWindows, Window
from flink_jobs.utils.watermarks import MAX_WATERMARK, BoundedOutOfOrderness, WatermarkCombiner
from studykit.trace.steps import Change, Event, Policy, PolicyError, Step, StepKind, Trace, Verdict

__all__ = ["ALL", "Event", "Policy", "PolicyError", "Step", "Trace", "simulate"]

ALL: Final = "all"
"""The key that events share where the policy is not keyed."""

_Operator: TypeAlias = (
    RecordedSlidingOperator[int, list[int], Totals]
    | RecordedSessionOperator[int, list[int], Totals]
)


def simulate(
    events: Iterable[Event],
    policy: Policy | None = None,
    *,
    sources: Iterable[str] = (),
    until_ms: int | None = None,
) -> Trace:
    """Send events through the engine and return every step.

    A watermark follows every event. With several inputs, the watermark of the operator is the
    smallest of the inputs that are not idle (`utils/watermarks.py` has the rule).

    Args:
        events: The stream. It is put into order of arrival; events that arrive together keep the
            order in which they are given.
        policy: Windows, bound, lateness and idleness; `Policy()` if None.
        sources: Inputs that exist even if no event comes through them. An input without an event
            holds the common watermark at its start until the input is idle.
        until_ms: Processing time up to which inputs may still become idle after the last event;
            None ends the run with the last event.

    Raises:
        PolicyError: There is neither an event nor an input.
    """
    policy = policy or Policy()
    ordered = sorted(events, key=lambda event: event.arrival_ms)
    inputs = tuple(dict.fromkeys([*sources, *sorted({event.source for event in ordered})]))
    if not inputs:
        raise PolicyError("no events: give at least one event, or name an input")
    run = _Run(policy, inputs, ordered[0].arrival_ms if ordered else 0)
    for number, event in enumerate(ordered, start=1):
        # Before the event: an input that wakes at this moment was idle until now.
        run.find_idle(event.arrival_ms)
        run.arrive(number, event)
    run.find_idle(until_ms)
    if policy.bounded:
        run.finish()
    return Trace(policy, inputs, tuple(ordered), tuple(run.steps))


class _Run:
    """A simulation under way; also the recorder of its operator."""

    def __init__(self, policy: Policy, sources: Sequence[str], now_ms: int) -> None:
        self.steps: list[Step] = []
        self._policy = policy
        self._now_ms = now_ms
        self._clocks = {name: BoundedOutOfOrderness(policy.bound_ms) for name in sources}
        self._merged = WatermarkCombiner(sources)
        self._spoke_ms = dict.fromkeys(sources, now_ms)
        self._changes: list[Change] = []
        # The operator reads its clock and never advances it: the run writes the common watermark
        # of all inputs into it.
        self._clock = BoundedOutOfOrderness(policy.bound_ms)
        self._operator = self._build()

    def _build(self) -> _Operator:
        policy = self._policy
        if policy.gap_ms is not None:
            return RecordedSessionOperator(
                SessionWindows(policy.gap_ms),
                CountSumMax(),
                self._clock,
                policy.lateness_ms,
                recorder=self,
            )
        return RecordedSlidingOperator(
            SlidingWindows(policy.size_ms, policy.step_ms),
            CountSumMax(),
            self._clock,
            policy.lateness_ms,
            recorder=self,
        )

    def arrive(self, number: int, event: Event) -> None:
        """Judge an event with the watermark as it stands, then let the event advance it."""
        self._now_ms = event.arrival_ms
        before_ms = self._clock.watermark_ms
        # First the verdict, then the watermark: an event never makes itself late.
        key = event.key if self._policy.keyed else ALL
        missed = tuple(self._operator.on_event(key, event.event_ms, event.value, number))
        verdict = self._verdict(missed)
        self._keep("arrival", before_ms, event.source, number, event, verdict, missed)
        self._advance(number, event)

    def find_idle(self, until_ms: int | None) -> None:
        """Find the inputs that fall silent for too long by the processing time `until_ms`."""
        idle_ms = self._policy.idle_ms
        if idle_ms is None or until_ms is None:
            return
        due = sorted((spoke + idle_ms, name) for name, spoke in self._spoke_ms.items())
        for due_ms, name in due:
            if due_ms <= until_ms:
                del self._spoke_ms[name]
                self._now_ms = due_ms
                self._move("idle", name, self._merged.mark_idle(name))

    def finish(self) -> None:
        """End the stream: nothing more will come, so every open window fires."""
        for clock in self._clocks.values():
            clock.finish()
        self._move("end", next(iter(self._clocks)), MAX_WATERMARK)

    def _advance(self, number: int, event: Event) -> None:
        clock = self._clocks[event.source]
        woke = event.source not in self._spoke_ms
        self._spoke_ms[event.source] = event.arrival_ms
        moved = clock.observe(event.event_ms)
        merged_ms = self._merged.advance(event.source, clock.watermark_ms)
        # An input that wakes may lower nothing, yet it counts again: that is a step of its own.
        if moved or woke:
            self._move("watermark", event.source, merged_ms, number, event)

    def _move(
        self,
        kind: StepKind,
        source: str,
        watermark_ms: int,
        number: int = 0,
        event: Event | None = None,
    ) -> None:
        before_ms = self._clock.watermark_ms
        self._clock.watermark_ms = watermark_ms
        self._operator.on_watermark()
        self._keep(kind, before_ms, source, number, event)

    def _keep(
        self,
        kind: StepKind,
        before_ms: int,
        source: str,
        number: int,
        event: Event | None,
        verdict: Verdict | None = None,
        missed: tuple[int, ...] = (),
    ) -> None:
        changes, self._changes = tuple(self._changes), []
        self._operator.take()  # the changes tell of every firing already
        self.steps.append(
            Step(
                kind,
                self._now_ms,
                before_ms,
                self._clock.watermark_ms,
                changes,
                number,
                event,
                verdict,
                missed,
                source,
                self._clocks[source].watermark_ms,
            )
        )

    def _verdict(self, missed: Sequence[int]) -> Verdict:
        """Return the word for what the operator did with an event, from what it reported."""
        if missed:
            all_missed = len(missed) == self._operator.windows_per_event
            return "dropped" if all_missed else "partly late"
        fired = any(change.kind in ("fired", "re-fired") for change in self._changes)
        return "corrected" if fired else "on time"

    def opened(self, key: str, window: Window) -> None:
        """Keep that a window has its first event."""
        self._changes.append(Change("opened", key, window.start_ms, window.end_ms))

    def merged(self, key: str, parts: Sequence[Window], window: Window) -> None:
        """Keep that sessions have become one; `parts` of one session means that it has grown."""
        spans = tuple((part.start_ms, part.end_ms) for part in parts)
        self._changes.append(Change("merged", key, window.start_ms, window.end_ms, parts=spans))

    def fired(self, firing: Firing[Any]) -> None:
        """Keep the result of a window; a revision above 0 corrects an earlier result."""
        self._changes.append(
            Change(
                "re-fired" if firing.revision else "fired",
                firing.key,
                firing.start_ms,
                firing.end_ms,
                firing.revision,
                firing.result.count,
                firing.result.total,
            )
        )

    def purged(self, key: str, window: Window) -> None:
        """Keep that the state of a window has been freed."""
        self._changes.append(Change("purged", key, window.start_ms, window.end_ms))
