"""What a trace is made of: events, the policy they met, and every step that followed.

All times are integer milliseconds. All types are frozen, and go to JSON and back unchanged.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    import pandas as pd

Verdict: TypeAlias = Literal["on time", "corrected", "partly late", "dropped"]
"""What became of an event; the glossary of the study guide has the same four words.

`on time`: every window of the event was open. `corrected`: the event entered a window that had
fired, and the window fired again. `partly late`: the event missed some of its windows and entered
the others. `dropped`: the event missed all of its windows; the production system calls it `late`.
"""

VERDICTS: tuple[Verdict, ...] = ("on time", "corrected", "partly late", "dropped")

ChangeKind: TypeAlias = Literal["opened", "merged", "fired", "re-fired", "purged"]
StepKind: TypeAlias = Literal["arrival", "watermark", "idle", "end"]


def span(start_ms: int, end_ms: int) -> str:
    """Return a window as it is written: half-open, in seconds.

    >>> span(0, 10_000)
    '[0,10)'
    """
    return f"[{start_ms / 1_000:g},{end_ms / 1_000:g})"


class PolicyError(ValueError):
    """A policy that cannot be. Its text is one sentence that names the value and the remedy."""


class Event(Struct, frozen=True, order=True):
    """One event: when it happened, and when it arrived in the log.

    `source` is the input that it comes through, such as a partition.
    """

    event_ms: int
    arrival_ms: int
    key: str = "a"
    value: int = 1
    source: str = "p0"

    @property
    def skew_ms(self) -> int:
        """How long the event was under way."""
        return self.arrival_ms - self.event_ms


class Policy(Struct, frozen=True, kw_only=True):
    """Every knob of an event-time window: milliseconds, none negative.

    Attributes:
        bound_ms: Longest disorder waited for.
        lateness_ms: How long a fired window still takes late events.
        size_ms: Length of a window.
        slide_ms: Distance between window starts; None makes windows tumble.
        gap_ms: Silence that ends a session; given, windows are sessions, and size does not count.
        idle_ms: Silence, in processing time, after which an input is left out; None never does.
        keyed: Whether each key has windows of its own; otherwise all events share them.
        bounded: Whether the stream ends, so that every open window fires at last.
    """

    bound_ms: int = 4_000
    lateness_ms: int = 0
    size_ms: int = 10_000
    slide_ms: int | None = None
    gap_ms: int | None = None
    idle_ms: int | None = None
    keyed: bool = False
    bounded: bool = False

    def __post_init__(self) -> None:
        for name, value, least in (
            ("bound_ms", self.bound_ms, 0),
            ("lateness_ms", self.lateness_ms, 0),
            ("size_ms", self.size_ms, 1),
            ("slide_ms", self.slide_ms, 1),
            ("gap_ms", self.gap_ms, 1),
            ("idle_ms", self.idle_ms, 1),
        ):
            if value is not None and value < least:
                raise PolicyError(f"{name}={value} is too small: choose at least {least} ms")
        if self.size_ms % self.step_ms:
            raise PolicyError(
                f"slide_ms={self.slide_ms} does not divide size_ms={self.size_ms}: choose a slide "
                "that fits a whole number of times"
            )

    @property
    def step_ms(self) -> int:
        """Distance between the starts of two windows that follow each other."""
        return self.size_ms if self.slide_ms is None else self.slide_ms


class Change(Struct, frozen=True):
    """What happened to one window `[start_ms, end_ms)` of one key.

    `count` and `total` are the result of a firing; `parts` are the spans that a merge replaced.
    """

    kind: ChangeKind
    key: str
    start_ms: int
    end_ms: int
    revision: int = 0
    count: int = 0
    total: int = 0
    parts: tuple[tuple[int, int], ...] = ()


class Step(Struct, frozen=True):
    """One thing that happened, and all that followed from it at once.

    Attributes:
        kind: An event arrived, a watermark moved, an input was found idle, or the stream ended.
        now_ms: Processing time.
        before_ms: The watermark that the step met.
        watermark_ms: The watermark that it left.
        changes: What happened to windows, in order.
        number: The event's place in the order of arrival, from 1; 0 where there is no event.
        event: The event that arrived, or that moved the watermark.
        verdict: What became of an event that arrived.
        missed: Starts of the windows that the event came too late for.
        source: The input that is concerned.
        source_ms: The watermark of that input after the step.
    """

    kind: StepKind
    now_ms: int
    before_ms: int
    watermark_ms: int
    changes: tuple[Change, ...] = ()
    number: int = 0
    event: Event | None = None
    verdict: Verdict | None = None
    missed: tuple[int, ...] = ()
    source: str = ""
    source_ms: int = 0

    @property
    def behind(self) -> bool:
        """Whether an event arrived that the watermark had already passed."""
        arrived = self.event if self.kind == "arrival" else None
        return arrived is not None and arrived.event_ms <= self.before_ms


class Trace(Struct, frozen=True):
    """Everything that happened to a stream, step by step. Made by `studykit.trace.simulate`."""

    policy: Policy
    sources: tuple[str, ...]
    events: tuple[Event, ...]
    """In order of arrival."""
    steps: tuple[Step, ...]

    def counts(self) -> dict[Verdict, int]:
        """Return how many events met each verdict; the sum is the number of events."""
        met = Counter(step.verdict for step in self.steps)
        return {verdict: met[verdict] for verdict in VERDICTS}

    def results(self) -> dict[tuple[str, int, int], int]:
        """Return the last total of every window that fired, by key, start and end."""
        return {
            (change.key, change.start_ms, change.end_ms): change.total
            for step in self.steps
            for change in step.changes
            if change.kind in ("fired", "re-fired")
        }

    def step_at(self, now_ms: int) -> int:
        """Return how many steps had happened at a processing time, that moment included."""
        return sum(step.now_ms <= now_ms for step in self.steps)

    def to_json(self) -> bytes:
        """Return the trace as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Trace:
        """Return the trace that `to_json` wrote.

        Raises:
            ValueError: The text is no trace.
        """
        return msgspec.json.decode(data, type=cls)

    def to_table(self) -> pd.DataFrame:
        """Return one row a step, as a data frame. Needs pandas."""
        import pandas as pd  # noqa: PLC0415 - the teaching core starts without it

        table: pd.DataFrame = pd.DataFrame(
            [_row(number, step) for number, step in enumerate(self.steps, start=1)]
        )
        return table


def _row(number: int, step: Step) -> dict[str, object]:
    event = step.event if step.kind == "arrival" else None
    return {
        "step": number,
        "now_ms": step.now_ms,
        "kind": step.kind,
        "event": step.number or None,
        "event_ms": event.event_ms if event else None,
        "key": event.key if event else None,
        "value": event.value if event else None,
        "verdict": step.verdict,
        "watermark_ms": step.watermark_ms,
        "changes": "; ".join(_words(change) for change in step.changes),
    }


def _words(change: Change) -> str:
    words = f"{change.key} {span(change.start_ms, change.end_ms)} {change.kind}"
    return f"{words} {change.total}" if change.kind in ("fired", "re-fired") else words
