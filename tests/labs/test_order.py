"""Solutions pass whatever was run before: other notebooks first, cells out of order, some never."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from studykit.checks.kernel import CellRun, run_lab
from studykit.course.builder.cells import Notebook, load
from studykit.course.layout import Course
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Lab


@pytest.fixture
def folder(course: Course, tmp_path: Path) -> Path:
    """Return a folder with the solutions in it and nothing else."""
    for lab in labs():
        shutil.copy(course.solutions / f"{lab.name}.ipynb", tmp_path)
    return tmp_path


def code_with(notebook: Notebook, tags: list[str]) -> list[dict[str, Any]]:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if cell["metadata"].get("tags", []) == tags]


def ran(folder: Path, lab: Lab, notebook: Notebook) -> list[CellRun]:
    """Run a notebook in a fresh kernel; it leaves nothing behind for the next."""
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    with run_lab(notebook, folder) as kernel:
        cells = list(kernel.cells)
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before, lab.name
    assert [cell for cell in cells if cell.error] == [], lab.name
    return cells


def passed(cells: list[CellRun], lab: Lab) -> bool:
    texts = [cell.text for cell in cells if "check" in cell.tags]
    return len(texts) == len(lab.exercises) and all(" done.\n" in text for text in texts)


def test_answers_pass_in_any_order_of_labs_and_cells_and_before_the_examples(folder: Path) -> None:
    order = list(labs())
    Random(7).shuffle(order)
    assert order != list(labs())
    for lab in order:
        notebook = load(folder / f"{lab.name}.ipynb")
        answers, checks = (code_with(notebook, [tag]) for tag in ("exercise", "check"))
        examples = code_with(notebook, [])
        assert examples
        Random(lab.name).shuffle(checks)
        cells = [*code_with(notebook, ["setup"]), *reversed(answers), *checks, *examples]
        assert passed(ran(folder, lab, {**notebook, "cells": cells}), lab)


def test_one_answer_alone_passes_or_says_which_other_it_uses(folder: Path) -> None:
    uses = {"L02.2": "L02.1 watermark", "L03.2": "L03.1 window_start",
            "L03.4": "L03.1 window_start", "L05.4": "L05.3 missed_windows"}  # fmt: skip
    for lab in labs():
        notebook = load(folder / f"{lab.name}.ipynb")
        hollow = load(Course.of_clone().labs / f"{lab.name}.ipynb")
        holes = {cell["id"]: cell for cell in hollow["cells"]}
        cells = code_with(notebook, ["setup"])
        for answer, check in zip(
            code_with(notebook, ["exercise"]), code_with(notebook, ["check"]), strict=True
        ):
            cells += [answer, check, holes[answer["id"]]]
        texts = [cell.text for cell in ran(folder, lab, {**notebook, "cells": unique(cells)})
                 if "check" in cell.tags]  # fmt: skip
        for exercise, text in zip(lab.exercises, texts, strict=True):
            other = uses.get(exercise.id)
            said = f"{exercise.id} uses {other}, which is not done" if other else " done.\n"
            assert said in text


def unique(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells with ids of their own, although a hole has the id of its answer."""
    return [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
