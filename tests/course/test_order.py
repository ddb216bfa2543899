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

AFRESH = {"cell_type": "code", "source": "%reset -f", "metadata": {}, "outputs": [],
          "execution_count": None}  # fmt: skip
"""Forgets all names: two notebooks share a kernel, whose start takes longer than either."""

USES = {
    "L02.2": "L02.1 watermark",
    "L03.2": "L03.1 window_start",
    "L03.4": "L03.1 window_start",
    "L05.4": "L05.3 missed_windows",
}


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


def test_answers_pass_in_any_order_and_alone_or_say_which_other_they_use(folder: Path) -> None:
    """In any order of labs and of cells, before the examples; then each among holes."""
    order = list(labs())
    Random(7).shuffle(order)
    assert order != list(labs())
    for lab in order:
        notebook = load(folder / f"{lab.name}.ipynb")
        disordered, alone = in_disorder(notebook, lab), each_alone(notebook, lab)
        cells = unique([*disordered, AFRESH, *alone])
        found = ran(folder, lab, {**notebook, "cells": cells})
        afresh = next(place for place, cell in enumerate(found) if cell.source == "%reset -f")
        assert passed(found[:afresh], lab)
        texts = [cell.text for cell in found[afresh:] if "check" in cell.tags]
        for exercise, text in zip(lab.exercises, texts, strict=True):
            other = USES.get(exercise.id)
            said = f"{exercise.id} uses {other}, which is not done" if other else " done.\n"
            assert said in text


def in_disorder(notebook: Notebook, lab: Lab) -> list[dict[str, Any]]:
    """Return the answers from the last to the first, the checks shuffled, and the examples."""
    answers, checks = (code_with(notebook, [tag]) for tag in ("exercise", "check"))
    examples = code_with(notebook, [])
    assert examples
    Random(lab.name).shuffle(checks)
    return [*code_with(notebook, ["setup"]), *reversed(answers), *checks, *examples]


def each_alone(notebook: Notebook, lab: Lab) -> list[dict[str, Any]]:
    """Return each answer with its check, and then the hole in its place."""
    hollow = load(Course.of_clone().labs / f"{lab.name}.ipynb")
    holes = {cell["id"]: cell for cell in hollow["cells"]}
    answers, checks = (code_with(notebook, [tag]) for tag in ("exercise", "check"))
    cells = code_with(notebook, ["setup"])
    for answer, check in zip(answers, checks, strict=True):
        cells += [answer, check, holes[answer["id"]]]
    return cells


def unique(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells with ids of their own, although a hole has the id of its answer."""
    return [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)]
