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
    """A policy that no window can have. The text is one sentence: the value, and the remedy."""


class Event(Struct, frozen=True, order=True):
    """One event of a stream.

    Attributes:
        event_ms: Event time: when the thing happened.
        arrival_ms: Processing time: when the event reached the log.
        key: What the event belongs to, such as a card.
        value: What the event adds to a sum.
        source: The input that the event comes through, such as a partition.
    """

    event_ms: int
    arrival_ms: int
    key: str = "a"
    value: int = 1
    source: str = "p0"

    @property
    def skew_ms(self) -> int:
        """How long the event was under way, milliseconds: arrival minus event time."""
        return self.arrival_ms - self.event_ms


class Policy(Struct, frozen=True, kw_only=True):
    """Every knob of an event-time window; all times are milliseconds, and none is negative.

    The watermark is the largest event time - `bound_ms` - 1. A window [start, end) fires when the
    watermark reaches end - 1, and is purged when it reaches end - 1 + `lateness_ms`: the rules are
    Flink's.

    Attributes:
        bound_ms: The longest disorder that the watermark waits for.
        lateness_ms: For how long, in event time, a fired window still takes late events.
        size_ms: Length of a window; sessions do not have one.
        slide_ms: Distance between window starts; None makes windows tumble.
        gap_ms: Silence that ends a session; None makes windows of a fixed size.
        idle_ms: Silence, in processing time, after which an input no longer holds the common
            watermark back; None waits for ever.
        keyed: Whether each key has windows of its own; otherwise all events share them.
        bounded: Whether the stream ends, so that every open window fires at its end.

    Raises:
        PolicyError: A value is too small, or the slide does not divide the size.
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
        """Distance between the starts of two neighbouring windows: the slide, or the size."""
        return self.size_ms if self.slide_ms is None else self.slide_ms


class Change(Struct, frozen=True):
    """What happened to one window `[start_ms, end_ms)` of one key.

    Attributes:
        kind: What happened.
        key: The key of the window.
        start_ms: Start of the window, which belongs to it.
        end_ms: End of the window, which does not.
        revision: 0 for the first result of the window; each correction adds 1.
        count: How many events the result holds.
        total: The sum of their values.
        parts: The spans that a merge of sessions replaced.
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
    """One thing that happened to a stream, and what followed from it at the same moment.

    Attributes:
        kind: An event arrived, a watermark moved, an input became idle, or the stream ended.
        now_ms: Processing time of the step.
        before_ms: The operator's watermark before the step.
        watermark_ms: The operator's watermark after the step.
        changes: What happened to windows, in order.
        number: The event's place in the order of arrival, from 1; 0 where there is no event.
        event: The event that arrived, or that moved the watermark.
        verdict: What became of an event that arrived; None in other steps.
        missed: Starts of the windows that had been purged before the event came.
        source: The input through which the step came.
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
        """Whether an event arrived at or behind the watermark; it may still be on time."""
        arrived = self.event if self.kind == "arrival" else None
        return arrived is not None and arrived.event_ms <= self.before_ms


class Trace(Struct, frozen=True):
    """Everything that happened to a stream, step by step; `simulate` makes one.

    An event is two steps: its arrival, and the watermark that follows it if that moves.
    """

    policy: Policy
    sources: tuple[str, ...]
    events: tuple[Event, ...]
    """The stream, in order of arrival."""
    steps: tuple[Step, ...]

    def counts(self) -> dict[Verdict, int]:
        """Return how many events met each verdict; the sum is the number of events."""
        met = Counter(step.verdict for step in self.steps)
        return {verdict: met[verdict] for verdict in VERDICTS}

    def results(self) -> dict[tuple[str, int, int], int]:
        """Return the latest total of every window that has fired, by key, start and end."""
        return {
            (change.key, change.start_ms, change.end_ms): change.total
            for step in self.steps
            for change in step.changes
            if change.kind in ("fired", "re-fired")
        }

    def step_at(self, now_ms: int) -> int:
        """Return how many steps have happened at or before a processing time."""
        return sum(step.now_ms <= now_ms for step in self.steps)

    def to_json(self) -> bytes:
        """Return the trace as JSON; `from_json` gives an equal trace again."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Trace:
        """Return the trace that `to_json` wrote.

        Raises:
            ValueError: The bytes are not the JSON of a trace.
        """
        return msgspec.json.decode(data, type=cls)

    def to_table(self) -> pd.DataFrame:
        """Return the steps as a data frame, one row a step; this call loads pandas."""
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
