"""Assembling: which cells a lesson, a lab and a solution have, before anything is run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from studykit.checks.hole import fill
from studykit.course.builder.cells import Cell, Notebook, as_notebook, read_cells, with_ids
from studykit.course.builder.holes import dig, hollow, typed
from studykit.course.builder.navigation import bar, lab_of, lesson_of, link_to
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.exercises.catalog import find_lab
from studykit.exercises.definition import Exercise, Lab

IMPORT: Final = "from studykit.checks import lab"


def lesson(source: Path, course: Course) -> Notebook:
    """Return the lesson of a percent file: its cells between two bars.

    A cell of the engine that learners type has holes, and its lines are folded below it.
    """
    cells = [part for cell in read_cells(source) for part in _with_answer(cell)]
    return as_notebook(_framed(cells, _lesson_bar(source, course)), source, course.root)


def _with_answer(cell: Cell) -> list[Cell]:
    if "engine" not in cell.tags:
        return [cell]
    lines = f"```python\n{typed(cell.source)}\n```"
    text = f"<details><summary>The course's lines</summary>\n\n{lines}\n\n</details>"
    return [
        replace(cell, source=hollow(cell.source)),
        Cell("markdown", text, ("engine", "hint"), locked=True),
    ]


def lab_and_solution(source: Path, course: Course) -> tuple[Notebook, Notebook]:
    """Return the lab and the solution of a percent file.

    The two have the same cells with the same ids; they differ inside the holes only.

    Raises:
        StudyError: An exercise of the lab has no cell or several, or a cell is no exercise.
    """
    cells = _framed(_lab_cells(source), _lab_bar(source, course))
    exercises = _exercises(cells, find_lab(source.stem), source)
    holes = [
        replace(cell, source=dig(cell.source, exercises[cell.id])) if cell.id in exercises else cell
        for cell in cells
    ]
    filled = [replace(cell, source=fill(cell.source)) for cell in cells]
    return as_notebook(holes, source, course.root), as_notebook(filled, source, course.root)


def exercise_in(cell: Cell, lab: Lab) -> Exercise | None:
    """Return the exercise whose function a cell defines."""
    for exercise in lab.exercises:
        if re.search(rf"^def {exercise.name}\(", cell.source, re.MULTILINE):
            return exercise
    return None


def _lab_cells(source: Path) -> list[Cell]:
    """Return the author's cells with what each lab and each exercise adds to them."""
    lab = find_lab(source.stem)
    cells: list[Cell] = []
    for cell in read_cells(source):
        cells.append(cell)
        if len(cells) == 1:
            cells += [_first_step(lab), Cell("code", IMPORT, ("setup",))]
        if "exercise" in cell.tags and (exercise := exercise_in(cell, lab)):
            cells += [_check(exercise), _hints(exercise)]
    return cells


def _exercises(cells: list[Cell], lab: Lab, source: Path) -> dict[str, Exercise]:
    """Return the exercise of each cell with a hole, by the cell's id."""
    found: dict[str, Exercise] = {}
    for cell in cells:
        if "exercise" not in cell.tags:
            continue
        exercise = exercise_in(cell, lab)
        if exercise is None or exercise in found.values():
            first = cell.source.partition("\n")[0]
            raise StudyError(
                f"{source.name}: {first!r} defines no exercise of {lab.name}, or one a second "
                "time: give the function the `name` of its definition"
            )
        found[cell.id] = exercise
    missing = [exercise.title for exercise in lab.exercises if exercise not in found.values()]
    if missing:
        raise StudyError(
            f"{source.name} has no hole for {missing[0]}: add a cell with the tag exercise"
        )
    return found


def _first_step(lab: Lab) -> Cell:
    text = (
        f"**First, take a copy.** Run `study start {lab.number}` in a terminal, or use *File → "
        f"Save Notebook As* and call it `my_lab{lab.number}.ipynb`. Work in the copy: Git ignores "
        "it, and an upgrade of the course never touches it.\n\n"
        "Write each answer in place of the line `raise lab.NotDone(...)`, and run its cell. "
        "Under each exercise is a check. It shows every case that it tried; an exercise that you "
        "have not begun is *not attempted yet*, and no mistake."
    )
    return Cell("markdown", text)


def _check(exercise: Exercise) -> Cell:
    return Cell("code", f'lab.check("{exercise.id}")', ("check",), locked=True)


def _hints(exercise: Exercise) -> Cell:
    """Return the three hints, each folded, so that one is read at a time."""
    parts = [
        f"<details><summary>Hint {level} of 3</summary>\n\n{text}\n\n</details>"
        for level, text in enumerate(exercise.hints, start=1)
    ]
    return Cell("markdown", "\n\n".join(parts), ("hint",), locked=True)


def _framed(cells: list[Cell], frame: Cell) -> list[Cell]:
    return with_ids([frame, *cells, frame])


def _lesson_bar(source: Path, course: Course) -> Cell:
    if source in course.gallery_sources():
        return bar(source, [source])
    lab = lab_of(source, course.lab_sources())
    partner = f"[{link_to(lab, '../labs/')}" if lab else None
    return bar(source, course.lesson_sources(), partner)


def _lab_bar(source: Path, course: Course) -> Cell:
    lesson_source = lesson_of(source, course.lesson_sources())
    partner = (
        f"[Lesson {source.stem[3:5]}: {link_to(lesson_source, '../notebooks/')}"
        if lesson_source
        else None
    )
    return bar(source, course.lab_sources(), partner)
