"""Submissions made by code: the course's own notebook of a lab with other answers in it."""

from __future__ import annotations

import copy
import inspect
import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from studykit.course.builder.assemble import lab_and_solution
from studykit.course.builder.cells import Notebook
from studykit.course.layout import Course
from studykit.exercises.definition import Exercise, Lab


class Maker:
    """Makes submissions of one lab."""

    def __init__(self, lab: Lab, course: Course) -> None:
        """Take the lab from the sources of `course`."""
        self.lab = lab
        self._course = course

    def solved(self, answers: Mapping[str, str] | None = None) -> Notebook:
        """Return the solution, with other answers where they are given, by function name."""
        filled = copy.deepcopy(self._built[1])
        for name, source in (answers or {}).items():
            answer_cell(filled, name)["source"] = source
        return filled

    def untouched(self) -> Notebook:
        """Return the lab as participants get it."""
        return copy.deepcopy(self._built[0])

    def half_done(self) -> Notebook:
        """Return the lab with the first half of its cells solved."""
        half = self.untouched()
        done = {cell["id"]: cell["source"] for cell in self._built[1]["cells"]}
        for cell in half["cells"][: len(half["cells"]) // 2]:
            cell["source"] = done[cell["id"]]
        return half

    def wrong(self, *chosen: tuple[int, int]) -> Notebook:
        """Return the solution with misconceptions in it.

        Args:
            chosen: Pairs of an exercise and one of its misconceptions, both counted from 0; after
                the last misconception the first one follows again.
        """
        answers = {}
        for number, which in chosen:
            exercise = self.lab.exercises[number]
            bad = exercise.misconceptions[which % len(exercise.misconceptions)]
            answers[exercise.name] = misled(exercise, bad.name)
        return self.solved(answers)

    @cached_property
    def _built(self) -> tuple[Notebook, Notebook]:
        source = self._course.solutions / "src" / f"{self.lab.name}.py"
        return lab_and_solution(source, self._course)


def answer_cell(notebook: Notebook, name: str) -> dict[str, Any]:
    """Return the cell that defines a function."""
    found: dict[str, Any] = next(
        cell for cell in notebook["cells"] if f"def {name}(" in cell["source"]
    )
    return found


def misled(exercise: Exercise, name: str) -> str:
    """Return a misconception as a learner would write it."""
    answer = next(bad.answer for bad in exercise.misconceptions if bad.name == name)
    source = inspect.getsource(answer)
    renamed = re.sub(r"^def \w+\(", f"def {exercise.name}(", source, count=1)
    return f"from __future__ import annotations\n{renamed}"


def as_bytes(notebook: Notebook) -> bytes:
    """Return a notebook as a file holds it."""
    return json.dumps(notebook).encode()
