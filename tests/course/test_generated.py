"""The committed labs and solutions are what their sources build, and give nothing away."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from studykit.course.builder.assemble import lab_and_solution
from studykit.course.builder.build import products
from studykit.course.builder.cells import BUILDER, TAGS, dump, load, without_outputs
from studykit.course.builder.execute import is_executed
from studykit.course.builder.holes import answers, leaks
from studykit.course.layout import Course
from studykit.course.lint import findings
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Lab

pytestmark = pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)


def source_of(lab: Lab, course: Course) -> Path:
    return course.solutions / "src" / f"{lab.name}.py"


def test_the_lab_is_what_its_source_builds(course: Course, lab: Lab) -> None:
    text = (course.labs / f"{lab.name}.ipynb").read_text("utf-8")
    assert text == dump(lab_and_solution(source_of(lab, course), course)[0])


def test_the_solution_is_what_its_source_builds_and_was_run(course: Course, lab: Lab) -> None:
    committed = load(course.solutions / f"{lab.name}.ipynb")
    built = lab_and_solution(source_of(lab, course), course)[1]
    assert dump(without_outputs(committed)) == dump(built)
    assert is_executed(committed)


def test_building_twice_gives_the_same_bytes(course: Course, lab: Lab) -> None:
    first, second = (list(products(course, lab.name)) for _ in range(2))
    assert [product.text for product in first] == [product.text for product in second]


def test_both_notebooks_say_what_they_were_built_from(course: Course, lab: Lab) -> None:
    source = source_of(lab, course)
    for folder in (course.labs, course.solutions):
        origin = load(folder / f"{lab.name}.ipynb")["metadata"]["course"]
        assert origin["source"] == f"solutions/src/{lab.name}.py"
        assert origin["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
        assert origin["builder"] == BUILDER


def test_lab_and_solution_differ_inside_holes_only(course: Course, lab: Lab) -> None:
    hollow, solved = (
        load(folder / f"{lab.name}.ipynb")["cells"] for folder in (course.labs, course.solutions)
    )
    assert [cell["id"] for cell in hollow] == [cell["id"] for cell in solved]
    assert len({cell["id"] for cell in hollow}) == len(hollow)
    for hole, answer in zip(hollow, solved, strict=True):
        assert hole["metadata"] == answer["metadata"]
        if "exercise" not in hole["metadata"].get("tags", ()):
            assert hole["source"] == answer["source"]


def test_no_line_of_an_answer_is_in_the_lab(course: Course, lab: Lab) -> None:
    source = source_of(lab, course).read_text("utf-8")
    text = "\n".join(cell["source"] for cell in load(course.labs / f"{lab.name}.ipynb")["cells"])
    assert list(answers(source))
    assert leaks(source, text) == []
    assert "SOLUTION" not in text


def test_the_lab_has_no_outputs_and_its_checks_are_locked(course: Course, lab: Lab) -> None:
    cells = load(course.labs / f"{lab.name}.ipynb")["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    checks = [cell for cell in code if "check" in cell["metadata"].get("tags", ())]
    assert [cell["source"] for cell in checks] == [
        f'lab.check("{exercise.id}")' for exercise in lab.exercises
    ]
    for cell in checks:
        assert cell["metadata"]["editable"] is False
        assert cell["metadata"]["deletable"] is False


def test_a_hole_holds_a_task_and_comes_before_its_check_and_its_hints(
    course: Course, lab: Lab
) -> None:
    cells = load(course.labs / f"{lab.name}.ipynb")["cells"]
    for exercise in lab.exercises:
        place = next(n for n, cell in enumerate(cells) if f"def {exercise.name}(" in cell["source"])
        hole = cells[place]["source"].partition("raise lab.NotDone(")[2]
        assert hole.lstrip().startswith(f'"{exercise.title}: ')
        assert cells[place + 1]["source"] == f'lab.check("{exercise.id}")'
        assert all(hint in cells[place + 2]["source"] for hint in exercise.hints)


def test_the_notebook_is_within_its_budgets(course: Course, lab: Lab) -> None:
    assert findings(load(course.solutions / f"{lab.name}.ipynb")) == []


def test_every_tag_is_known(course: Course, lab: Lab) -> None:
    for cell in load(course.labs / f"{lab.name}.ipynb")["cells"]:
        assert set(cell["metadata"].get("tags", ())) <= TAGS


def test_git_ignores_the_copies_of_learners(course: Course, lab: Lab) -> None:
    for name in (f"my_lab{lab.number}.ipynb", f"my_lab{lab.number}.backup-1.ipynb"):
        told = subprocess.run(
            ["git", "check-ignore", f"labs/{name}"],
            cwd=course.root,
            capture_output=True,
            check=False,
        )
        assert told.returncode == 0
