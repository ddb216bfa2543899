"""The mutation gate: whatever a machine changes in a solution fails the check of its exercise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from studykit.checks.diagnosis.mutation import mutants
from studykit.checks.judging import cases_of, judge
from studykit.checks.running import run_cases
from studykit.course.mutants import MutantProof, prove_exercise, prove_mutants
from studykit.exercises.catalog import find_exercise, find_lab, labs
from studykit.exercises.definition import Exercise

EXERCISES = [
    pytest.param(lab.name, exercise, id=exercise.id) for lab in labs() for exercise in lab.exercises
]


def int_towards_zero(events: list[list[int]]) -> list[list[int]]:
    starts = [int(event_ms / 60_000) * 60_000 for event_ms, _ in events]
    return [[start, starts.count(start)] for start in sorted(set(starts))]


def starts_at_zero(events: list[list[Any]]) -> dict[str, int]:
    latest: dict[str, tuple[int, int]] = {}
    for event_ms, card, balance in events:
        latest[card] = max(latest.get(card, (0, 0)), (event_ms, balance))
    return {card: balance for card, (_, balance) in latest.items()}


def watermarks_from_zero(times_ms: list[int], bound_ms: int) -> list[int]:
    highest, after = 0, []
    for time_ms in times_ms:
        highest = max(highest, time_ms)
        after.append(highest - bound_ms - 1)
    return after


def bound_from_zero(times_ms: list[int]) -> int:
    highest, bound_ms = 0, 0
    for time_ms in times_ms:
        highest = max(highest, time_ms)
        bound_ms = max(bound_ms, highest - time_ms)
    return bound_ms


def float_share(times_ms: list[int], percent: int) -> int:
    import math  # noqa: PLC0415 - an answer stands alone

    distances = sorted(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))
    return distances[math.ceil(percent / 100 * len(times_ms)) - 1]


def if_highest(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    highest, after = None, []
    for event_ms, arrival_ms in events:
        if event_ms <= arrival_ms + max_future_ms:
            highest = max(highest, event_ms) if highest else event_ms
        after.append(highest - bound_ms - 1 if highest else None)
    return after


def drops_zero_sums(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // slide_ms * slide_ms
        sums[start] = sums.get(start, 0) + value
    return [[start, total] for start, total in sorted(sums.items()) if total]


def one_session_of_nothing(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    found = [[min(times_ms, default=0), min(times_ms, default=0) + gap_ms]]
    for time_ms in sorted(times_ms):
        if time_ms <= found[-1][1]:
            found[-1][1] = time_ms + gap_ms
        else:
            found.append([time_ms, time_ms + gap_ms])
    return found


def job(
    *, off: int = 1, start_ms: int | None = None, size: int = 0, newest_first: bool = False
) -> Callable[..., dict[str, Any]]:
    """Return a job that is right but for a watermark, a size or an order."""

    def run_job(events: list[list[int]], size_ms: int, bound_ms: int) -> dict[str, Any]:
        size_ms = size or size_ms
        rows, late, watermark = [], 0, start_ms
        sums: dict[int, int] = {}
        for event_ms, value in events:
            start = event_ms // size_ms * size_ms
            if watermark is not None and start + size_ms - 1 <= watermark:
                late += 1
            else:
                sums[start] = sums.get(start, 0) + value
            mine = event_ms - bound_ms - off
            watermark = mine if watermark is None else max(watermark, mine)
            for start in sorted(sums, reverse=newest_first):
                if start + size_ms - 1 <= watermark:
                    rows.append([start, start + size_ms, sums.pop(start)])
        return {"rows": rows, "open": sorted(sums), "late": late}

    return run_job


WRONG: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "a minute cut towards zero": ("L01.4", int_towards_zero),
    "a balance that is compared with zero": ("L01.5", starts_at_zero),
    "a largest time that begins at zero": ("L02.2", watermarks_from_zero),
    "a bound measured from zero": ("L02.4", bound_from_zero),
    "a share through a float": ("L02.5", float_share),
    "a watermark of zero taken for none": ("L02.6", if_highest),
    "a pane left out because its sum is zero": ("L04.2", drops_zero_sums),
    "a session of no event": ("L04.4", one_session_of_nothing),
    "a watermark without its last millisecond": ("L05.5", job(off=0)),
    "a watermark a millisecond too low": ("L05.5", job(off=2)),
    "a watermark that begins at zero": ("L05.5", job(start_ms=0)),
    "windows of the story's size": ("L05.5", job(size=10_000)),
    "rows with the newest first": ("L05.5", job(newest_first=True)),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_answer_that_used_to_pass_fails_by_public_cases(name: str) -> None:
    exercise_id, function = WRONG[name]
    exercise = find_exercise(exercise_id)[1]
    cases = exercise.public_cases()
    assert judge(exercise, cases, run_cases(function, cases)).status == "failed"


def test_the_right_job_passes() -> None:
    exercise = find_exercise("L05.5")[1]
    cases = cases_of(exercise)
    assert judge(exercise, cases, run_cases(job(), cases)).status == "passed"


@cache
def proven(lab: str) -> dict[str, MutantProof]:
    return prove_mutants(find_lab(lab))


@pytest.mark.parametrize(("lab", "exercise"), EXERCISES)
def test_no_mutant_of_the_solution_passes(lab: str, exercise: Exercise) -> None:
    proof = proven(lab)[exercise.id]
    assert proof.survivors == ()
    assert proof.stale == ()
    assert proof.total >= 3


def test_a_parameter_that_never_varies_is_found() -> None:
    exercise = find_exercise("L04.4")[1]
    same_gap = tuple(args for args in exercise.cases if args[1] == 5_000)
    fixed = dataclasses.replace(exercise, cases=same_gap, random_case=None)
    assert "gap_ms = 5000" in prove_exercise(fixed, {}).survivors


def test_a_mutant_that_is_listed_and_caught_is_stale() -> None:
    exercise = find_exercise("L04.4")[1]
    line = "if found and time_ms < found[-1][1]:"
    listed = dataclasses.replace(exercise, equivalent={line: "It is not."})
    assert prove_exercise(listed, {}).stale == (line,)


def test_every_kind_of_change_is_made() -> None:
    source = (
        "def window_start(event_ms, size_ms):\n"
        "    seen = None\n"
        "    if event_ms < size_ms and seen is None:\n"
        "        seen = -event_ms // 2\n"
        "    return max(seen, size_ms) if seen else 0\n"
    )
    changes = {mutant.change for mutant in mutants(source, find_exercise("L03.1")[1])}
    assert {
        "if event_ms <= size_ms and seen is None:",
        "if event_ms >= size_ms and seen is None:",
        "if event_ms < size_ms or seen is None:",
        "if event_ms < size_ms and bool(seen) == False:",
        "if event_ms < event_ms and seen is None:",
        "if True:  # was: event_ms < size_ms and seen is None",
        "seen = -event_ms // 3",
        "seen = -event_ms * 2",
        "seen = int(-event_ms / 2) // 1",
        "seen = 0",
        "without: seen = -event_ms // 2",
        "return min(seen, size_ms) if seen else 0",
        "return max(seen, size_ms) if True else 0",
        "return max(seen, size_ms) if seen else -1",
        "size_ms = 10000",
    } <= changes
