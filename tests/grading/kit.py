"""Submissions made by code: the course's own notebooks with other answers in them."""

from __future__ import annotations

import copy
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studykit.checks import find_lab
from studykit.course.assemble import lab_and_solution
from studykit.course.layout import Course
from studykit.exercise import Exercise
from studykit.grading.limits import Limits
from studykit.grading.secret import Secret
from studykit.grading.session import Order, grade_all

LAB = find_lab("01")
COURSE = Course.of_clone()
BLANK, SOLVED = lab_and_solution(COURSE.solutions / "src" / f"{LAB.name}.py", COURSE)
QUICK = Limits(cell_s=3.0, call_s=1.5, submission_s=20.0)

Notebook = dict[str, Any]


def solved(answers: Mapping[str, str] | None = None) -> Notebook:
    """Return the solution, with other answers where they are given, by function name."""
    return _filled(SOLVED, answers or {})


def untouched() -> Notebook:
    """Return the lab as participants get it."""
    return copy.deepcopy(BLANK)


def answer_cell(notebook: Notebook, name: str) -> dict[str, Any]:
    """Return the cell that defines a function."""
    return next(one for one in notebook["cells"] if f"def {name}(" in one["source"])


def misled(exercise: Exercise, name: str) -> str:
    """Return a misconception as a learner would write it."""
    answer = next(one.answer for one in exercise.misconceptions if one.name == name)
    source = inspect.getsource(answer)
    renamed = re.sub(r"^def \w+\(", f"def {exercise.name}(", source, count=1)
    return f"from __future__ import annotations\n{renamed}"


def as_bytes(notebook: Notebook) -> bytes:
    return json.dumps(notebook).encode()


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, by their path below `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def order(submissions: Path, out: Path, **more: Any) -> Order:
    given = {
        "submissions": submissions,
        "lab": LAB,
        "out": out,
        "secret": Secret(b"a secret that only tests know"),
        "workers": 2,
        "limits": QUICK,
    }
    return Order(**(given | more))


def graded(submissions: Path, out: Path, **more: Any) -> dict[str, Any]:
    """Grade a folder; return the gradebook's students by name."""
    grade_all(order(submissions, out, **more), COURSE, _ignore, _ignore, _ignore)
    book = json.loads((out / "gradebook.json").read_text("utf-8"))
    return {one["student"]: one for one in book["students"]}


def verdicts(student: Mapping[str, Any]) -> dict[str, str]:
    """Return the verdict of each exercise, by its id."""
    return {one["id"]: one["verdict"] for one in student["exercises"]}


def all_pass(**others: str) -> dict[str, str]:
    """Return verdicts: all pass, but those given as `e2="fail"`."""
    return {one.id: others.get(f"e{one.id[-1]}", "pass") for one in LAB.exercises}


def _filled(notebook: Notebook, answers: Mapping[str, str]) -> Notebook:
    filled = copy.deepcopy(notebook)
    for name, source in answers.items():
        answer_cell(filled, name)["source"] = source
    return filled


def _ignore(*_: object) -> None:
    pass


Files = Mapping[str, bytes]
Names = Sequence[str]
