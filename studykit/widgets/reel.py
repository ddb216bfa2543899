"""What a stepper plays: a trace, a comparison or a recording, as steps with times and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

from studykit.flink.recording import JobRecording
from studykit.trace.comparison import Comparison
from studykit.trace.operators.holders import DAY_MS, Holdings
from studykit.trace.operators.joins import JoinTrace
from studykit.trace.operators.kills import STEPS, Kills
from studykit.trace.operators.serving import Serving
from studykit.trace.operators.sinks import SinkTrace
from studykit.trace.operators.waits import Waits
from studykit.trace.steps import Step, Trace
from studykit.trace.words import seconds, step_sentence

Playable: TypeAlias = (
    Trace | JobRecording | Comparison | JoinTrace | Holdings | Kills | SinkTrace | Serving | Waits
)
"""What a stepper plays."""


class Reel(NamedTuple):
    """The steps of something that can be played.

    Attributes:
        times: The time of each step in milliseconds; step 0, before all, has -1 or its own.
        words: What happened in each step.
        stills: The steps that remain as pictures where no kernel runs.
        landmarks: The steps that `previous` and `next` may go to, by the name of their kind.
    """

    times: Sequence[int]
    words: Sequence[str]
    stills: Sequence[int]
    landmarks: Mapping[str, Sequence[int]]

    @property
    def last(self) -> int:
        """The last step."""
        return len(self.times) - 1

    def step_at(self, time_ms: int) -> int:
        """Return the last step at or before a time; the first step if all are after it."""
        return max(sum(at_ms <= time_ms for at_ms in self.times) - 1, 0)


def reel_of(subject: Playable) -> Reel:
    """Return the reel of whatever a figure can show."""
    return next(make(subject) for kind, make in _MAKERS.items() if isinstance(subject, kind))


def _of_trace(trace: Trace) -> Reel:
    """Return the reel of a trace; its stills are before, at and after the first result."""
    last = len(trace.steps)
    fires = next(
        (
            number
            for number, step in enumerate(trace.steps, start=1)
            if any(change.kind == "fired" for change in step.changes)
        ),
        last,
    )
    return Reel(
        (-1, *(step.now_ms for step in trace.steps)),
        [step_sentence(trace, number) for number in range(last + 1)],
        sorted({max(fires - 1, 0), fires, last}),
        _landmarks(trace.steps),
    )


def _landmarks(steps: Sequence[Step]) -> dict[str, list[int]]:
    """Return the steps of events, of firings, and of events behind the watermark."""
    numbered = list(enumerate(steps, start=1))
    return {
        "step": list(range(len(steps) + 1)),
        "event": [number for number, step in numbered if step.kind == "arrival"],
        "firing": [
            number
            for number, step in numbered
            if any(change.kind in ("fired", "re-fired") for change in step.changes)
        ],
        "verdict": [
            number
            for number, step in numbered
            if step.behind or step.verdict not in (None, "on time")
        ],
    }


def _of_recording(recording: JobRecording) -> Reel:
    times = [moment.at_ms for moment in recording.moments]
    words = [f"{at_ms / 1_000:.1f} s into the recording of a job." for at_ms in times]
    last = len(times) - 1
    return Reel(times, words, sorted({0, last}), {"step": range(last + 1)})


def _of_comparison(comparison: Comparison) -> Reel:
    moments = comparison.moments
    words = ["Nothing has arrived yet.", *(f"At {seconds(now_ms)}." for now_ms in moments)]
    last = len(moments)
    return Reel((-1, *moments), words, [last], {"step": range(last + 1)})


def _of_join(join: JoinTrace) -> Reel:
    """Rows are counted, not timed; landmarks are the rows that make a pair."""
    steps = list(enumerate(join.steps, start=1))
    last = len(steps)
    words = ["Nothing has arrived yet.", *(f"A {step.row.side} row." for _, step in steps)]
    pairs = [number for number, step in steps if step.pairs]
    return Reel(range(last + 1), words, [last], {"step": range(last + 1), "pair": pairs})


def _of_holdings(holdings: Holdings) -> Reel:
    """What remains as a picture is the end of the stream; landmarks are the ends of weeks."""
    times = [moment.now_ms for moment in holdings.moments]
    words = ["Nothing has arrived yet.", *(f"Day {now_ms / DAY_MS:.1f}." for now_ms in times)]
    last = len(times)
    weeks = [
        number
        for number, (before, now_ms) in enumerate(pairwise((0, *times)), start=1)
        if now_ms // (7 * DAY_MS) > before // (7 * DAY_MS)
    ]
    return Reel((-1, *times), words, [last], {"step": range(last + 1), "week": weeks})


def _of_sink(run: SinkTrace) -> Reel:
    """Steps are counted, not timed; landmarks are the writes, and the turns between them."""
    steps = list(enumerate(run.steps, start=1))
    words = ["Nothing has happened yet.", *(f"A {step.kind}." for _, step in steps)]
    last = len(steps)
    landmarks = {
        "step": range(last + 1),
        "write": [number for number, step in steps if step.kind == "write"],
        "turn": [number for number, step in steps if step.kind != "write"],
    }
    return Reel(range(last + 1), words, [last], landmarks)


def _of_serving(serving: Serving) -> Reel:
    """Landmarks: where a payment arrives, where a row is written, where the two values part."""
    readings = list(enumerate(serving.readings, start=1))
    last = len(readings)
    arrivals = {payment.arrives_ms for payment in serving.payments}
    written = {row.visible_ms for row in serving.writes}
    words = ["Nothing has arrived yet.", *(f"At {seconds(it.at_ms)}." for _, it in readings)]
    landmarks = {
        "step": range(last + 1),
        "event": [number for number, reading in readings if reading.at_ms in arrivals],
        "firing": [number for number, reading in readings if reading.at_ms in written],
        "gap": [number for number, reading in readings if reading.gap],
    }
    return Reel((-1, *(reading.at_ms for _, reading in readings)), words, [last], landmarks)


def _of_waits(waits: Waits) -> Reel:
    """A step is a bound."""
    steps = range(len(waits.waits) + 1)
    return Reel(steps, [f"{step} bounds." for step in steps], [steps[-1]], {"step": steps})


def _of_kills(kills: Kills) -> Reel:
    """A step is a moment at which the job is killed."""
    steps = range(kills.last + 1)
    landmarks = {
        "step": steps,
        "payment": steps[::STEPS],
        "write/commit": steps[STEPS - 1 :: STEPS],
    }
    return Reel(steps, [f"Killed after step {step}." for step in steps], [kills.last], landmarks)


_MAKERS: Final[Mapping[type, Callable[[Any], Reel]]] = {
    Trace: _of_trace,
    JobRecording: _of_recording,
    Comparison: _of_comparison,
    JoinTrace: _of_join,
    Holdings: _of_holdings,
    Kills: _of_kills,
    SinkTrace: _of_sink,
    Serving: _of_serving,
    Waits: _of_waits,
}
