"""Answers that were tried: written without a look at the misconceptions, and none is one of them.

Each file of `answers` holds the tries at one lab. The line above an answer says whether it is right
or wrong, what its author thought, and, behind `=>`, the name that was found to be true of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studykit.checks import lab as lab_module
from studykit.checks.hole import cells_of, solved_namespace
from studykit.checks.judging import cases_of, judge
from studykit.checks.running import run_cases
from studykit.exercises.catalog import find_exercise
from studykit.exercises.definition import Exercise

FILES = sorted((Path(__file__).parent / "answers").glob("lab*.txt"))
HEAD = re.compile(r"#! (L\d\d\.\d+) (right|wrong): (.*?)(?: => ([a-z0-9-]+))?$")

ASKED = 5
"""Of every so many wrong answers one is asked for its message: a message takes long, a mark not."""


@dataclass(frozen=True)
class Try:
    """An answer that somebody could give; `name` is empty where no name is known."""

    exercise: Exercise
    is_right: bool
    thought: str
    name: str
    function: Callable[..., Any]

    @property
    def title(self) -> str:
        return f"{self.exercise.id} {self.thought}"


def given_functions(number: str) -> dict[str, Any]:
    """Return the functions that a lab shows, such as a job as it was found: an answer may call one.

    Cells that start something are left out: nothing but definitions runs here.
    """
    namespace: dict[str, Any] = {}
    for head, code in cells_of(number):
        if '"exercise"' not in head:
            shown = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
            exec(compile(ast.Module(shown, []), f"<lab{number}>", "exec"), namespace)
    return namespace


def tries_of(path: Path) -> Iterator[Try]:
    number = path.stem[3:5]
    solved = {**given_functions(number), **solved_namespace(number)}
    for part in re.split(r"^(?=#! )", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        head, _, source = part.partition("\n")
        found = HEAD.match(head)
        assert found, head
        exercise = find_exercise(found[1])[1]
        namespace = dict(solved)
        exec(compile(source, f"<{found[1]} {found[3]}>", "exec"), namespace)
        function = namespace[exercise.name]
        yield Try(exercise, found[2] == "right", found[3], found[4] or "", function)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_wrong_answer_passes_and_every_right_one_does(path: Path) -> None:
    for tried in tries_of(path):
        cases = cases_of(tried.exercise)
        judgement = judge(tried.exercise, cases, run_cases(tried.function, cases))
        assert judgement.status == ("passed" if tried.is_right else "failed"), tried.title


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_answer_is_told_what_is_true_of_it(path: Path) -> None:
    wrong = [tried for tried in tries_of(path) if not tried.is_right][::ASKED]
    told = []
    for tried in wrong:
        namespace = {**tried.function.__globals__, tried.exercise.name: tried.function}
        judgement = lab_module.check_in(namespace, tried.exercise)
        assert judgement.misconception is None, f"{tried.title}: {judgement.text}"
        assert "Traceback" not in judgement.text
        told.append((tried.title, judgement.name, tried.name))
    named = [row for row in told if row[1]]
    assert len(named) >= 0.6 * len(told), told
    # A slip is looked for within a time: a busy machine may find less, and never another one.
    same = [row for row in told if row[1] == row[2]]
    assert len(same) >= 0.7 * len(told), told
