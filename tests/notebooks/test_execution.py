"""Every lesson runs from a fresh kernel, and says again what is committed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studykit.course.assemble import lesson
from studykit.course.cells import Notebook, load
from studykit.course.execute import executed, is_executed
from studykit.course.layout import Course
from studykit.job_lab import JobLab

COURSE = Course.of_clone()
PYFLINK = next(one for one in COURSE.lesson_sources() if one.stem == "11_pyflink")
CORE = [one for one in COURSE.lesson_sources() if one != PYFLINK]

pytestmark = pytest.mark.slow

INHERITED = dict(os.environ)
"""As it was before a job ran inside this process: that leaves its own paths and ports there."""


def run(source: Path) -> Notebook:
    return executed(lesson(source, COURSE), COURSE.notebooks, source.name)


def said(notebook: Notebook) -> list[Any]:
    """Return what the cells have printed; pictures and widgets are compared elsewhere."""
    return [
        output["text"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    ]


@pytest.mark.parametrize("source", CORE, ids=lambda source: source.stem)
def test_a_lesson_prints_what_is_committed(source: Path) -> None:
    assert said(run(source)) == said(load(COURSE.notebooks / f"{source.stem}.ipynb"))


@pytest.fixture
def own_home(service_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for what the lesson starts, which is stopped whatever becomes of the lesson."""
    for name in os.environ.keys() - INHERITED.keys():
        monkeypatch.delenv(name)
    for name, value in INHERITED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STUDY_HOME", str(service_home))
    yield service_home
    JobLab(service_home / "lesson11").stop()


@pytest.mark.services
@pytest.mark.jvm
def test_the_lesson_on_flink_runs_and_leaves_nothing_behind(own_home: Path) -> None:
    notebook = run(PYFLINK)  # what it asserts is asserted here
    assert is_executed(notebook)
    assert not (own_home / "lesson11").exists()
    assert not [one for one in notebook["cells"] if "stderr" in map(_name, one.get("outputs", ()))]


def _name(output: dict[str, Any]) -> str | None:
    return output.get("name")
