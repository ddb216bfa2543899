"""What a learner waits for: the repaint of a step, for each figure, and the run of a stream."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from benchmarks.measure import Figure, take_turns
from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.drawing import style
from studykit.figures.clocks import (
    bound_tradeoff,
    marbles,
    min_watermark,
    two_clocks,
    watermark_stepper,
)
from studykit.figures.operators import job_view, keyed_state
from studykit.figures.windows import assigners, panes, window_life
from studykit.flink import recording
from studykit.trace.payments import seeded
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace
from studykit.trace.stories import SILENT_PARTITION, STORY, STORY_POLICY, TWO_VISITS
from studykit.widgets import Stepper
from studykit.widgets.reel import reel_of

RECORDING = Path(recording.__file__).with_name("recordings") / "slow_python_function.json"
REPAINTS = 4
EVENTS = 10_000
POLICY = Policy(bound_ms=2_000, size_ms=60_000, keyed=True)
EMPTY: Any = SimpleNamespace(
    TITLE="Nothing",
    draw=lambda subject, step: style.new_figure(8, 5),
    describe=lambda subject, step: "Nothing.",
)


def measure() -> list[Figure]:
    """Measure all figures against an empty one, and the trace against the engine unwatched."""
    return [*_repaints(), _simulation()]


def exhibits() -> dict[str, tuple[Any, Any]]:
    """Return every figure with something that it shows well."""
    story = simulate(STORY, STORY_POLICY)
    keyed = simulate(STORY, replace(STORY_POLICY, keyed=True))
    visits = simulate(TWO_VISITS, Policy(size_ms=6_000, slide_ms=3_000, gap_ms=4_000))
    return {
        "two_clocks": (story, two_clocks),
        "watermark_stepper": (story, watermark_stepper),
        "window_life": (keyed, window_life),
        "marbles": (story, marbles),
        "assigners": (visits, assigners),
        "bound_tradeoff": (story, bound_tradeoff),
        "min_watermark": (simulate(SILENT_PARTITION, STORY_POLICY), min_watermark),
        "keyed_state": (keyed, keyed_state),
        "panes": (story, panes),
        "job_view": (recording.load(RECORDING), job_view),
    }


def _repaints() -> list[Figure]:
    shown = exhibits()
    steppers = {name: _at_end(*arguments) for name, arguments in shown.items()}
    steppers["empty"] = _at_end(shown["panes"][0], EMPTY)
    times = take_turns({name: partial(_walk, stepper) for name, stepper in steppers.items()})
    empty = times.pop("empty").cpu_s
    return [
        Figure("figures", f"repaint of {name}", 1_000 * time.cpu_s / REPAINTS, "CPU-ms",
               time.cpu_s / empty, "an empty figure", "<= 80 ms")
        for name, time in times.items()
    ]  # fmt: skip


def _at_end(subject: Any, exhibit: Any) -> Stepper:  # noqa: ANN401 - a trace or a recording
    return Stepper(subject, exhibit, step=reel_of(subject).last)


def _walk(stepper: Stepper) -> None:
    """Paint the last steps anew, as a learner walks back to them and to the end."""
    stepper.show(stepper.trace)
    last = stepper.step
    for step in range(last - REPAINTS + 1, last + 1):  # the end is kept from before
        stepper.step = step


def _simulation() -> Figure:
    events = sorted(seeded(EVENTS), key=lambda event: event.arrival_ms)
    times = take_turns({"trace": partial(_trace, events), "engine": partial(_engine, events)})
    trace = times["trace"].cpu_s
    return Figure("figures", f"trace of {EVENTS:,} events", 1_000 * trace, "CPU-ms",
                  trace / times["engine"].cpu_s, "the engine unwatched", "<= 500 ms")  # fmt: skip


def _trace(events: list[Event]) -> int:
    trace: Trace = simulate(events, POLICY)
    return sum(change.kind == "fired" for step in trace.steps for change in step.changes)


def _engine(events: list[Event]) -> int:
    clock = BoundedOutOfOrderness(POLICY.bound_ms)
    operator = SlidingOperator(SlidingWindows(POLICY.size_ms, POLICY.size_ms), CountSumMax(), clock)
    for number, event in enumerate(events):
        operator.on_event(event.key, event.event_ms, event.value, number)
        if clock.observe(event.event_ms) and clock.watermark_ms >= operator.next_ms:
            operator.on_watermark()
    return len(operator.take())
