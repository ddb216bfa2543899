"""The proof of a lab: its notebooks, wrong answers and mutants are judged as they must be.

The solution passes, the untouched lab is not attempted, each misconception fails with its own
message, and no mutant of the solution passes. Every answer but the mutants runs in a kernel, as a
learner's does, and is judged outside of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studykit.checks.judging import Judgement, cases_of, judge, wrong_source
from studykit.checks.kernel import CellRun, KernelFailure, Request, run_lab
from studykit.course.builder.cells import Notebook, load
from studykit.course.layout import Course
from studykit.course.mutants import MutantProof, prove_mutants
from studykit.exercises.definition import Exercise, Json, Lab

_NO_MUTANTS: Final = MutantProof(0, (), ())


@dataclass(frozen=True, slots=True)
class ExerciseProof:
    """The proof of one exercise.

    Attributes:
        exercise: The exercise.
        solution: The judgement of the author's answer; None where the notebook has none.
        lab: The judgement of the untouched hole; None where the notebook has no hole.
        wrong: The judgement of each misconception, by its name.
        mutants: What became of the mutants of the author's answer.
    """

    exercise: Exercise
    solution: Judgement | None
    lab: Judgement | None
    wrong: dict[str, Judgement | None]
    mutants: MutantProof

    @property
    def named(self) -> int:
        """How many misconceptions failed with the message that has their own name."""
        return sum(_names(judgement, name) for name, judgement in self.wrong.items())

    @property
    def holds(self) -> bool:
        """Return whether the exercise is proven."""
        return (
            _status(self.solution) == "passed"
            and _status(self.lab) == "not attempted"
            and self.named == len(self.wrong)
            and self.mutants.holds
        )


@dataclass(frozen=True, slots=True)
class LabProof:
    """The proof of a lab: its exercises, and what the cells of its two notebooks did."""

    lab: Lab
    exercises: tuple[ExerciseProof, ...]
    solution_cells: tuple[CellRun, ...]
    lab_cells: tuple[CellRun, ...]


def prove(lab: Lab, course: Course, *, with_mutants: bool = True) -> LabProof:
    """Run solution, lab and misconceptions in two kernels, and the mutants in this process.

    Args:
        lab: What is proven.
        course: Where its two notebooks are.
        with_mutants: Whether the mutants are run, too.
    """
    path = course.solutions / f"{lab.name}.ipynb"
    wrong = [(exercise, bad) for exercise in lab.exercises for bad in exercise.misconceptions]
    requests = [_request(exercise) for exercise in lab.exercises]
    requests += [_request(exercise, wrong_source(exercise, bad)) for exercise, bad in wrong]
    outcomes, solution_cells = _ask(load(path), path.parent, requests)
    solved = _judgements(lab.exercises, outcomes)
    misled = _judgements([exercise for exercise, _ in wrong], outcomes[len(lab.exercises) :])
    path = course.labs / f"{lab.name}.ipynb"
    outcomes, lab_cells = _ask(load(path), path.parent, requests[: len(lab.exercises)])
    untouched = _judgements(lab.exercises, outcomes)
    mutants = prove_mutants(lab) if with_mutants else {}
    named = list(zip(wrong, misled, strict=True))
    proofs = [
        ExerciseProof(
            exercise,
            solved[n],
            untouched[n],
            {bad.name: v for (owner, bad), v in named if owner is exercise},
            mutants.get(exercise.id, _NO_MUTANTS),
        )
        for n, exercise in enumerate(lab.exercises)
    ]
    return LabProof(lab, tuple(proofs), solution_cells, lab_cells)


def prove_each(labs: Iterable[Lab], course: Course) -> tuple[list[LabProof], list[str]]:
    """Prove labs one after the other; a lab whose kernel dies costs no other lab its proof.

    Returns:
        The proofs, and a sentence for each lab that has none: why, and how to run it again.
    """
    proofs, unproven = [], []
    for lab in labs:
        try:
            proofs.append(prove(lab, course))
        except KernelFailure as failure:
            unproven.append(
                f"lab {lab.number} is not proven: {failure} Run it again: "
                f"`study course report {lab.number}`"
            )
    return proofs, unproven


def proof_text(proofs: Iterable[LabProof], unproven: Iterable[str] = ()) -> str:
    """Return the table of what was proven for each exercise, and below it what must be mended."""
    lines = [f"{'exercise':<32}{'solution':<10}{'lab':<16}{'misconceptions':<16}{'mutants'}"]
    faults = []
    for proof in proofs:
        for proven in proof.exercises:
            solution = proven.solution.status if proven.solution else "missing"
            lab = proven.lab.status if proven.lab else "missing"
            named = f"{proven.named} of {len(proven.wrong)}"
            mutants = proven.mutants
            caught = f"{mutants.total - len(mutants.survivors)} of {mutants.total}"
            title = proven.exercise.title
            lines.append(f"{title:<32}{solution:<10}{lab:<16}{named:<16}{caught}")
            faults += [
                f"{title}: no case catches the mutant `{mutant}`" for mutant in mutants.survivors
            ]
            faults += [
                f"{title}: `{mutant}` is listed as equivalent and is not"
                for mutant in mutants.stale
            ]
    return "\n".join([*lines, *faults, *unproven])


def _ask(
    notebook: Notebook, folder: Path, requests: Sequence[Request]
) -> tuple[list[Json], tuple[CellRun, ...]]:
    with run_lab(notebook, folder) as kernel:
        return kernel.ask(requests), tuple(kernel.cells)


def _request(exercise: Exercise, source: str | None = None) -> Request:
    return Request(exercise.name, cases_of(exercise), source)


def _judgements(exercises: Sequence[Exercise], outcomes: Sequence[Json]) -> list[Judgement | None]:
    """Judge the outcomes; None where the notebook has no such function."""
    return [
        None if found is None else judge(exercise, cases_of(exercise), found)
        # The outcomes of wrong answers stand behind those of the exercises.
        for exercise, found in zip(exercises, outcomes, strict=False)
    ]


def _status(judgement: Judgement | None) -> str:
    return judgement.status if judgement else "missing"


def _names(judgement: Judgement | None, name: str) -> bool:
    return (
        judgement is not None and judgement.status == "failed" and judgement.misconception == name
    )
