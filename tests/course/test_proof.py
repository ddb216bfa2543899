"""The committed labs and solutions, and every wrong answer, run in kernels and judged outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nbformat.v4 import new_code_cell

from studykit.checks.kernel import run_lab
from studykit.course.builder.cells import load
from studykit.course.layout import Course
from studykit.course.proof import ExerciseProof, LabProof
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Exercise, Lab

Proofs = Callable[[str], LabProof]

EXERCISES = [
    pytest.param(lab, exercise, id=exercise.id) for lab in labs() for exercise in lab.exercises
]
WRONG = [
    pytest.param(lab, exercise, bad.name, id=f"{exercise.id}-{bad.name}")
    for lab in labs()
    for exercise in lab.exercises
    for bad in exercise.misconceptions
]


def of(proofs: Proofs, lab: Lab, exercise: Exercise) -> ExerciseProof:
    return next(proof for proof in proofs(lab.name).exercises if proof.exercise is exercise)


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


def test_the_solution_prints_what_is_committed(proof_of: Proofs, course: Course, lab: Lab) -> None:
    committed = load(course.solutions / f"{lab.name}.ipynb")["cells"]
    printed = {cell.id: cell.text for cell in proof_of(lab.name).solution_cells}
    for cell in committed:
        if cell["cell_type"] == "code":
            assert (
                "".join(output.get("text", "") for output in cell["outputs"]) == printed[cell["id"]]
            )


def test_every_check_cell_of_the_solution_says_done(proof_of: Proofs, lab: Lab) -> None:
    printed = [cell.text for cell in proof_of(lab.name).solution_cells if "check" in cell.tags]
    assert len(printed) == len(lab.exercises)
    assert [text for text in printed if "done." not in text] == []


def test_the_untouched_lab_runs_to_its_end(proof_of: Proofs, lab: Lab) -> None:
    cells = proof_of(lab.name).lab_cells
    assert len(cells) == len(proof_of(lab.name).solution_cells)
    assert [cell for cell in cells if cell.error] == []


def test_a_hole_that_is_met_prints_one_neutral_line(course: Course) -> None:
    notebook = load(course.labs / "lab02_watermarks.ipynb")
    notebook["cells"].append(new_code_cell("watermark(14_000, 4_000)"))
    with run_lab(notebook, course.labs) as kernel:
        cell = kernel.cells[-1]
    assert cell.error == "NotDone"
    hint = labs()[1].exercises[0].hints[0]
    assert cell.text == f"not attempted yet: L02.1 watermark: {hint}\n"


def test_a_check_cell_of_the_lab_prints_one_neutral_line(proof_of: Proofs, lab: Lab) -> None:
    checks = [cell for cell in proof_of(lab.name).lab_cells if "check" in cell.tags]
    for cell, exercise in zip(checks, lab.exercises, strict=True):
        assert cell.error is None
        assert cell.text == f"{exercise.id} not attempted yet: {exercise.task}\n"
