"""What a trace looks like after some of its steps: the one place that adds steps up.

Figures, sentences and tables read a `View`; none of them works out a verdict or a firing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from flink_jobs.utils.watermarks import MIN_WATERMARK
from studykit.trace.steps import VERDICTS, Change, Event, Step, Trace, Verdict, span

WindowState: TypeAlias = Literal["open", "fired", "re-fired", "purged", "merged"]

_STATES: Final[dict[str, WindowState]] = {
    "opened": "open",
    "fired": "fired",
    "re-fired": "re-fired",
    "purged": "purged",
}


@dataclass(frozen=True, slots=True)
class ResultView:
    """One result of a window: when it was given, its total and count; revision 0 is the first."""

    now_ms: int
    total: int
    count: int
    revision: int


class EventView(NamedTuple):
    """An event that has arrived, and what became of it; `missed` has starts of purged windows."""

    number: int
    event: Event
    verdict: Verdict
    behind: bool
    missed: tuple[int, ...]


@dataclass(slots=True)
class WindowView:
    """One window `[start_ms, end_ms)` of one key, and everything that has happened to it so far."""

    key: str
    start_ms: int
    end_ms: int
    opened_ms: int
    state: WindowState = "open"
    gone_ms: int | None = None
    """Processing time at which the window was purged, or became part of another session."""
    results: list[ResultView] = field(default_factory=list)
    parts: tuple[tuple[int, int], ...] = ()
    history: list[tuple[int, WindowState]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The window as texts write it: half-open and in seconds, as `[0,10)`."""
        return span(self.start_ms, self.end_ms)

    @property
    def live(self) -> bool:
        """Whether the window still holds state."""
        return self.gone_ms is None


class WatermarkView(NamedTuple):
    """The watermark from `now_ms` on, and the input whose own watermark (`source_ms`) moved."""

    now_ms: int
    watermark_ms: int
    source: str
    source_ms: int


@dataclass(slots=True)
class View:
    """A trace after `step` steps.

    Attributes:
        step: Number of steps that have happened.
        now_ms: Processing time of the last of them.
        watermark_ms: The operator's watermark: the smallest of the inputs that are not idle.
        seen: The events so far, in order of arrival.
        windows: Every window so far, purged ones included, in the order in which they opened.
        path: The course of the watermark.
        inputs: The watermark of each input.
        idle: The inputs that do not hold the common watermark back.
        peak: The largest number of windows that held state at once, and the time of its beginning.
        last: The step that has just happened; None before the first.
    """

    step: int
    now_ms: int = 0
    watermark_ms: int = MIN_WATERMARK
    seen: list[EventView] = field(default_factory=list)
    windows: list[WindowView] = field(default_factory=list)
    path: list[WatermarkView] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    idle: set[str] = field(default_factory=set)
    peak: tuple[int, int] = (0, 0)
    last: Step | None = None

    @property
    def live(self) -> list[WindowView]:
        """The windows that hold state, in the order in which they opened."""
        return [window for window in self.windows if window.live]

    def drawn_state(self, window: WindowView) -> WindowState:
        """Return the state in which a picture of this step shows a window.

        A window that fires and is purged in one step is shown as fired: without allowed lateness
        every window does, and a reader would never see one fire.
        """
        told = {
            (change.key, change.start_ms, change.end_ms): change.kind
            for change in (self.last.changes if self.last else ())
            if change.kind in ("fired", "re-fired")
        }
        kind = told.get((window.key, window.start_ms, window.end_ms))
        return _STATES[kind] if kind and window.state == "purged" else window.state

    def counts(self) -> dict[Verdict, int]:
        """Return how many of the events so far met each verdict."""
        return {
            verdict: sum(arrival.verdict == verdict for arrival in self.seen)
            for verdict in VERDICTS
        }


def view(trace: Trace, step: int) -> View:
    """Return what `trace` looks like after its first `step` steps; step 0 is before all.

    Raises:
        ValueError: The trace has fewer steps, or `step` is negative.
    """
    if not 0 <= step <= len(trace.steps):
        raise ValueError(f"step {step} does not exist: choose one from 0 to {len(trace.steps)}")
    # All inputs from the beginning: one that has not spoken yet holds the common watermark back.
    shown = View(step, inputs=dict.fromkeys(trace.sources, MIN_WATERMARK))
    live: dict[tuple[str, int, int], WindowView] = {}
    for done in trace.steps[:step]:
        _take_in(shown, done)
        for change in done.changes:
            _apply(shown, live, change)
        if len(live) > shown.peak[0]:
            shown.peak = (len(live), done.now_ms)
    return shown


def _take_in(shown: View, step: Step) -> None:
    shown.last = step
    shown.now_ms = step.now_ms
    shown.watermark_ms = step.watermark_ms
    shown.inputs[step.source] = step.source_ms
    if step.kind == "arrival":
        assert step.event is not None
        assert step.verdict is not None
        shown.seen.append(
            EventView(step.number, step.event, step.verdict, step.behind, step.missed)
        )
        return
    if step.kind == "idle":
        shown.idle.add(step.source)
    else:
        shown.idle.discard(step.source)
    shown.path.append(WatermarkView(step.now_ms, step.watermark_ms, step.source, step.source_ms))


def _apply(shown: View, live: dict[tuple[str, int, int], WindowView], change: Change) -> None:
    span = (change.key, change.start_ms, change.end_ms)
    if change.kind in ("opened", "merged"):
        window = WindowView(*span, opened_ms=shown.now_ms, parts=change.parts)
        window.history.append((shown.now_ms, "open"))
        for start_ms, end_ms in change.parts:
            part = live.pop((change.key, start_ms, end_ms))
            part.state, part.gone_ms = "merged", shown.now_ms
        shown.windows.append(window)
        live[span] = window
        return
    window = live[span]
    window.state = _STATES[change.kind]
    window.history.append((shown.now_ms, window.state))
    if change.kind == "purged":
        window.gone_ms = shown.now_ms
        del live[span]
    else:
        window.results.append(ResultView(shown.now_ms, change.total, change.count, change.revision))
