"""Checking a learner's notebook from outside: each exercise is judged, whatever breaks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studykit.checks.judging import Judgement, cases_of, judge
from studykit.checks.kernel import (
    CELL_TIMEOUT_S,
    CellRun,
    KernelFailure,
    LabKernel,
    Request,
    run_lab,
)
from studykit.checks.lab import missing_text, used_exercises
from studykit.course.builder.cells import load
from studykit.exercises.definition import Exercise


@dataclass(frozen=True, slots=True)
class ExerciseCheck:
    """The check of an exercise: its judgement, or the `trouble` that prevented a judgement."""

    exercise: Exercise
    judgement: Judgement | None
    trouble: str = ""

    @property
    def mark(self) -> str:
        """`ok`, `no`, or `..` where nothing was attempted."""
        marks = {"passed": "ok", "failed": "no", "not attempted": "..", "begun": ".."}
        return marks[self.judgement.status] if self.judgement else "no"

    @property
    def text(self) -> str:
        """What a terminal shows of the check: the whole judgement, or the trouble."""
        return self.judgement.text if self.judgement else self.trouble


def check_notebook(
    path: Path, exercises: Sequence[Exercise], cell_timeout_s: int = CELL_TIMEOUT_S
) -> tuple[list[ExerciseCheck], list[str]]:
    """Return the check of each exercise, and a sentence for each cell that broke the kernel.

    A cell that kills the kernel or hangs is left out, and the notebook is run again without it.

    Raises:
        StudyError: The file is no notebook.
    """
    notebook = load(path)
    checks: list[ExerciseCheck] = []
    notes: list[str] = []
    skip = {"check"}  # cells that check: the answers are judged here, and once is enough
    while len(checks) < len(exercises):
        try:
            with run_lab(notebook, path.parent, skip=skip, timeout_s=cell_timeout_s) as kernel:
                for exercise in exercises[len(checks) :]:
                    checks.append(_checked(kernel, exercise))
        except KernelFailure as failure:
            if failure.cell_id is None:
                exercise = exercises[len(checks)]  # its own call broke the kernel
                checks.append(ExerciseCheck(exercise, None, f"{exercise.title}: {failure}"))
            else:
                notes.append(str(failure))
                skip.add(failure.cell_id)
    return checks, notes


def _checked(kernel: LabKernel, exercise: Exercise) -> ExerciseCheck:
    cases = cases_of(exercise)
    (outcomes,) = kernel.ask([Request(exercise.name, cases)])
    if outcomes is None:
        return ExerciseCheck(exercise, None, _why_missing(kernel.cells, exercise))
    first = judge(exercise, cases, outcomes)
    if first.status == "passed":
        return ExerciseCheck(exercise, first)
    facts = kernel.facts(exercise.name, cases[first.shown])
    used = (_fails(kernel, earlier) for earlier in used_exercises(exercise, facts))
    blamed = next(filter(None, used), "")
    return ExerciseCheck(exercise, judge(exercise, cases, outcomes, facts, blamed))


def _fails(kernel: LabKernel, exercise: Exercise) -> str:
    """Return the title of an exercise if its own check fails; empty if it does not."""
    cases = cases_of(exercise)
    (outcomes,) = kernel.ask([Request(exercise.name, cases)])
    failed = outcomes is not None and judge(exercise, cases, outcomes).status == "failed"
    return exercise.title if failed else ""


def _why_missing(cells: Sequence[CellRun], exercise: Exercise) -> str:
    for cell in cells:
        if cell.error and re.search(rf"\bdef {exercise.name}\b", cell.source):
            return f"{exercise.title}: its cell stops with {cell.error}: {cell.error_text}"
    return missing_text(exercise)
