"""The learner's copies: `labs/my_labNN.ipynb`, ignored by Git, never overwritten."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from studykit.course.builder.assemble import exercise_in, lab_and_solution
from studykit.course.builder.cells import Cell, Notebook, cells_hash, dump, load
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.exercises.catalog import find_lab
from studykit.exercises.definition import Exercise, Lab
from studykit.files import free_name, write_whole

OUTSIDE: Final = "(outside of JupyterLab `study` is `.venv/bin/study`)"
"""How to type `study` in a plain terminal, where only `make` is found."""


def copy_of(lab: Lab, course: Course) -> Path | None:
    """Return the learner's copy of a lab; None without any.

    JupyterLab may have made copies of a copy (`my_lab03-Copy1.ipynb`): the newest one counts.
    """
    found = [
        path
        for path in course.labs.glob(f"my_lab{lab.number}*.ipynb")
        if ".backup-" not in path.name
    ]
    # lstat: a copy may be a link that leads nowhere; `load` says so.
    return max(found, key=lambda path: path.lstat().st_mtime, default=None)


def need_copy(lab: Lab, course: Course) -> Path:
    """Return the learner's copy of a lab.

    Raises:
        StudyError: The learner has none; the text says how to make one, or to move work into one.
    """
    path = copy_of(lab, course)
    if path is None and holds_work(lab, course):
        raise StudyError(
            f"your work is in the original, labs/{lab.name}.ipynb: `study start {lab.number}` "
            f"takes it along into labs/my_lab{lab.number}.ipynb, where upgrades leave it alone "
            f"{OUTSIDE}"
        )
    if path is None:
        raise StudyError(
            f"you have no copy of {lab.name} yet: `study start {lab.number}` makes "
            f"labs/my_lab{lab.number}.ipynb {OUTSIDE}"
        )
    return path


def start(lab: Lab, course: Course) -> Path:
    """Copy a lab to `labs/my_labNN.ipynb` and return the copy; work in the original comes along.

    Raises:
        StudyError: A copy exists already, or cannot be written.
    """
    if (path := copy_of(lab, course)) is not None:
        raise StudyError(
            f"labs/{path.name} is there already: open it, or `study reset {lab.number}` for a "
            "fresh one"
        )
    copy = course.labs / f"my_lab{lab.number}.ipynb"
    original = course.labs / f"{lab.name}.ipynb"
    with _writing(copy):
        if original.exists():
            shutil.copyfile(original, copy)
        else:
            write_whole(copy, dump(pristine(lab, course)))
    return copy


def holds_work(lab: Lab, course: Course) -> bool:
    """Return whether the learner worked in the original of a lab instead of in a copy.

    The original holds a hash of its cells as they were built; work has changed a cell.
    """
    try:
        notebook = load(course.labs / f"{lab.name}.ipynb")
    except StudyError:
        return False
    built = notebook["metadata"].get("course", {}).get("cells_sha256")
    return built is not None and built != cells_hash(notebook["cells"])


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in one sentence that a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise StudyError(
            f"cannot write {path} ({error.strerror}): make its folder writable, or clone the "
            "course to a folder of yours"
        ) from None


def reset(lab: Lab, exercise: Exercise | None, course: Course) -> tuple[Path, Path]:
    """Replace a copy by a fresh one, or one exercise of it by its hole.

    Returns:
        The path of the copy, and that of the backup, which has the learner's work.

    Raises:
        StudyError: The learner has no copy, or no cell of it defines the exercise's function.
    """
    path = need_copy(lab, course)
    fresh = pristine(lab, course)
    text = dump(fresh if exercise is None else _with_hole(load(path), fresh, lab, exercise))
    backup = free_name(path, "backup")
    with _writing(path):
        # The backup first: if it cannot be written, the learner's work stays where it is.
        shutil.copyfile(path, backup)
        write_whole(path, text)
    return path, backup


def pristine(lab: Lab, course: Course) -> Notebook:
    """Return a lab as the course has it, built from its source."""
    return lab_and_solution(course.solutions / "src" / f"{lab.name}.py", course)[0]


def started(course: Course) -> list[Lab]:
    """Return the labs of which the learner has a copy, in the order of their numbers."""
    numbers = {path.name[6:8] for path in course.labs.glob("my_lab[0-9][0-9]*.ipynb")}
    return [find_lab(number) for number in sorted(numbers)]


def _with_hole(mine: Notebook, fresh: Notebook, lab: Lab, exercise: Exercise) -> Notebook:
    """Return the learner's notebook with the cell of one exercise as in `fresh`."""
    hole = next(cell for cell in fresh["cells"] if _defines(cell, lab, exercise))
    cells = [hole if _defines(cell, lab, exercise) else cell for cell in mine["cells"]]
    if hole not in cells:
        raise StudyError(
            f"no cell of your copy defines {exercise.name}: `study reset {lab.number}` gives you "
            "a fresh copy and keeps this one"
        )
    return {**mine, "cells": cells}


def _defines(cell: dict[str, str], lab: Lab, exercise: Exercise) -> bool:
    return (
        cell["cell_type"] == "code" and exercise_in(Cell("code", cell["source"]), lab) is exercise
    )
