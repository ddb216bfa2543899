"""What a trace looks like after some of its steps: the one place where steps are added up.

Figures, sentences and tables read a `View`. They never work out a verdict or a firing themselves.
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
class Result:
    """One firing of a window, at a processing time."""

    now_ms: int
    total: int
    count: int
    revision: int


class EventView(NamedTuple):
    """An event that has arrived, and what became of it."""

    number: int
    event: Event
    verdict: Verdict
    behind: bool
    missed: tuple[int, ...]


@dataclass(slots=True)
class WindowView:
    """One window of one key, and everything that has happened to it so far."""

    key: str
    start_ms: int
    end_ms: int
    opened_ms: int
    state: WindowState = "open"
    gone_ms: int | None = None
    """Processing time at which it was purged, or became part of another."""
    results: list[Result] = field(default_factory=list)
    parts: tuple[tuple[int, int], ...] = ()
    history: list[tuple[int, WindowState]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The window as it is written: half-open, in seconds."""
        return span(self.start_ms, self.end_ms)

    @property
    def live(self) -> bool:
        """Whether it holds state."""
        return self.gone_ms is None


class Mark(NamedTuple):
    """A watermark from a processing time on."""

    now_ms: int
    watermark_ms: int
    source: str
    source_ms: int


@dataclass(slots=True)
class View:
    """A trace after `step` steps.

    Attributes:
        step: Number of steps that have happened.
        now_ms: Processing time.
        watermark_ms: The watermark.
        seen: The events so far, in order of arrival.
        windows: Every window so far, gone ones included, in the order in which they opened.
        path: The course of the watermark.
        inputs: The watermark of each input.
        idle: The inputs that are left out.
        peak: The largest number of windows that held state at once, and since when.
        last: The step that has just happened.
    """

    step: int
    now_ms: int = 0
    watermark_ms: int = MIN_WATERMARK
    seen: list[EventView] = field(default_factory=list)
    windows: list[WindowView] = field(default_factory=list)
    path: list[Mark] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    idle: set[str] = field(default_factory=set)
    peak: tuple[int, int] = (0, 0)
    last: Step | None = None

    @property
    def live(self) -> list[WindowView]:
        """The windows that hold state."""
        return [window for window in self.windows if window.live]

    def drawn_state(self, window: WindowView) -> WindowState:
        """Return the state in which a picture of this step shows a window.

        A window that fires and is purged in one step is shown as fired: without allowed lateness
        nobody would see it fire otherwise.
        """
        told = {
            (change.key, change.start_ms, change.end_ms): change.kind
            for change in (self.last.changes if self.last else ())
            if change.kind in ("fired", "re-fired")
        }
        kind = told.get((window.key, window.start_ms, window.end_ms))
        return _STATES[kind] if kind and window.state == "purged" else window.state

    def counts(self) -> dict[Verdict, int]:
        """How many events met each verdict."""
        return {
            verdict: sum(arrival.verdict == verdict for arrival in self.seen)
            for verdict in VERDICTS
        }


def view(trace: Trace, step: int) -> View:
    """Return what `trace` looks like after its first `step` steps.

    Raises:
        ValueError: There are not that many steps.
    """
    if not 0 <= step <= len(trace.steps):
        raise ValueError(f"step {step} does not exist: choose one from 0 to {len(trace.steps)}")
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
    shown.path.append(Mark(step.now_ms, step.watermark_ms, step.source, step.source_ms))


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
        window.results.append(Result(shown.now_ms, change.total, change.count, change.revision))
