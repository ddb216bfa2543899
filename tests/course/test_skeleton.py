"""A new exercise is a definition and a hole, and its skeleton is both."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from studykit.checks.judging import cases_of, judge
from studykit.checks.running import run_cases
from studykit.course.builder.holes import dig
from studykit.course.builder.skeleton import skeleton
from studykit.course.layout import Course
from studykit.errors import StudyError
from studykit.exercises.catalog import find_lab
from studykit.exercises.definition import Exercise

LAB = find_lab("03")


@pytest.fixture
def root(course: Course, tmp_path: Path) -> Path:
    (tmp_path / "studykit" / "exercises" / LAB.name).mkdir(parents=True)
    shutil.copytree(course.solutions / "src", tmp_path / "solutions" / "src")
    return tmp_path


def definition(path: Path) -> Exercise:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EXERCISE


def test_the_skeleton_can_be_checked_at_once(root: Path) -> None:
    new = skeleton(LAB, "next_end", root)
    new.write()
    exercise = definition(new.definition)
    assert exercise.title == "L03.6 next_end"
    cases = cases_of(exercise)
    assert judge(exercise, cases, run_cases(exercise.reference, cases)).status == "passed"
    wrong = run_cases(exercise.misconceptions[0].answer, cases)
    assert judge(exercise, cases, wrong).misconception == "unchanged"
    source = new.source.read_text()
    hole = source[source.index("def next_end") : source.index("# ## Done?")]
    assert "raise lab.NotDone" in dig(hole, exercise)


def test_a_definition_is_never_overwritten(root: Path) -> None:
    new = skeleton(LAB, "next_end", root)
    new.write()
    with pytest.raises(StudyError, match=r"e6_next_end\.py is there already"):
        new.write()


@pytest.mark.parametrize("name", ["2fast", "next-end", "NextEnd", ""])
def test_a_name_that_is_no_function_is_refused(root: Path, name: str) -> None:
    with pytest.raises(StudyError, match="cannot name a function"):
        skeleton(LAB, name, root)


def test_a_name_that_is_taken_is_refused(root: Path) -> None:
    with pytest.raises(StudyError, match="lab03_windows has an exercise assign already"):
        skeleton(LAB, "assign", root)
