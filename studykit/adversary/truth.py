"""What the engine makes of a log, and how a job's rows differ from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from studykit.adversary.logs import Log
from studykit.trace.simulate import simulate
from studykit.trace.steps import Policy
from studykit.trace.words import span

Window: TypeAlias = tuple[str, int, int]
"""Key, start and end, milliseconds; the start is inside, the end is not."""


class Tally(Struct, frozen=True):
    """What an engine or a job makes of a log.

    Attributes:
        sums: The last sum of each window.
        missed: Numbers, from 1, of the events that are in no window; None where a job does not
            report such events.
    """

    sums: Mapping[Window, int]
    missed: tuple[int, ...] | None = None


def expected(log: Log, policy: Policy) -> Tally:
    """Return the engine's result: a bounded stream by key, whose end fires every open window.

    A restart must not change a result, so the log's restart is left out.
    """
    trace = simulate(log.events, replace(policy, keyed=True, bounded=True), sources=["p0"])
    dropped = (step.number for step in trace.steps if step.verdict == "dropped")
    return Tally(trace.results(), tuple(dropped))


def difference(log: Log, said: Tally, right: Tally) -> str | None:
    """Return a sentence on the first difference of two results; None if they are equal.

    Sums come first, by window end; then events that are neither counted nor reported.

    Args:
        log: The log of both results.
        said: The result of the job.
        right: The result of the engine.
    """
    for window in sorted({*said.sums, *right.sums}, key=lambda window: (window[2], window[0])):
        yours, ours = said.sums.get(window), right.sums.get(window)
        if yours != ours:
            key, start_ms, end_ms = window
            return (
                f"window {span(start_ms, end_ms)} of {key}: {_row(yours)} from your job, "
                f"{_row(ours)} from the engine"
            )
    if said.missed is not None and right.missed is not None and said.missed != right.missed:
        silent = sorted({*right.missed} - {*said.missed})
        if silent:
            return f"event {_numbers(silent)} is in no window, and your job reports it nowhere"
        return f"event {_numbers(sorted({*said.missed} - {*right.missed}))} is reported as late, \
and is in its window"
    return None


def _row(total: int | None) -> str:
    return "no row" if total is None else f"sum {total}"


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers)
