"""The committed labs and solutions, and every wrong answer, run in kernels and judged outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studykit.checks import labs
from studykit.course.proof import ExerciseProof, LabProof
from studykit.exercise import Exercise, Lab

Proofs = Callable[[str], LabProof]

EXERCISES = [pytest.param(lab, one, id=one.id) for lab in labs() for one in lab.exercises]
WRONG = [
    pytest.param(lab, one, bad.name, id=f"{one.id}-{bad.name}")
    for lab in labs()
    for one in lab.exercises
    for bad in one.misconceptions
]


def of(proofs: Proofs, lab: Lab, exercise: Exercise) -> ExerciseProof:
    return next(one for one in proofs(lab.name).exercises if one.exercise is exercise)


@pytest.mark.parametrize(("lab", "exercise"), EXERCISES)
def test_the_solution_passes(proof_of: Proofs, lab: Lab, exercise: Exercise) -> None:
    verdict = of(proof_of, lab, exercise).solution
    assert verdict is not None
    assert verdict.status == "passed", verdict.text


@pytest.mark.parametrize(("lab", "exercise"), EXERCISES)
def test_the_untouched_lab_is_not_attempted(proof_of: Proofs, lab: Lab, exercise: Exercise) -> None:
    verdict = of(proof_of, lab, exercise).lab
    assert verdict is not None
    assert verdict.status == "not attempted"
    assert verdict.text == f"{exercise.id} not attempted yet: {exercise.task}"


@pytest.mark.parametrize(("lab", "exercise", "name"), WRONG)
def test_a_misconception_fails_with_its_own_message(
    proof_of: Proofs, lab: Lab, exercise: Exercise, name: str
) -> None:
    verdict = of(proof_of, lab, exercise).wrong[name]
    assert verdict is not None
    assert verdict.status == "failed"
    assert verdict.misconception == name, verdict.text
    others = [bad.rule for bad in exercise.misconceptions if bad.name != name]
    assert not [rule for rule in others if rule in " ".join(verdict.text.split())]


def test_the_solution_runs_without_an_error(proof_of: Proofs, lab: Lab) -> None:
    assert [cell for cell in proof_of(lab.name).solution_cells if cell.error] == []


def test_every_check_cell_of_the_solution_says_done(proof_of: Proofs, lab: Lab) -> None:
    printed = [one.text for one in proof_of(lab.name).solution_cells if "check" in one.tags]
    assert len(printed) == len(lab.exercises)
    assert [text for text in printed if "done." not in text] == []


def test_the_lab_meets_nothing_but_not_done(proof_of: Proofs, lab: Lab) -> None:
    cells = proof_of(lab.name).lab_cells
    assert {cell.error for cell in cells} <= {None, "NotDone"}
    names = [exercise.name for exercise in lab.exercises]
    for cell in cells:
        if cell.error:
            assert any(name in cell.source for name in names), "depends on no exercise"


def test_a_check_cell_of_the_lab_prints_one_neutral_line(proof_of: Proofs, lab: Lab) -> None:
    checks = [cell for cell in proof_of(lab.name).lab_cells if "check" in cell.tags]
    for cell, exercise in zip(checks, lab.exercises, strict=True):
        assert cell.error is None
        assert cell.text == f"{exercise.id} not attempted yet: {exercise.task}\n"
