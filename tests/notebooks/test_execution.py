"""Every lesson that needs no Flink runs from a fresh kernel, and says what is committed.

The others run in `tests/browser/test_lesson_walk.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studykit.course.builder.assemble import lesson
from studykit.course.builder.cells import Notebook, load
from studykit.course.builder.execute import executed
from studykit.course.layout import Course

COURSE = Course.of_clone()
SOURCES = [
    pytest.param(
        source, id=source.stem, marks=[pytest.mark.services] * source.stem.startswith("09_")
    )
    for source in COURSE.lesson_sources()
    if not source.stem.startswith(("10_", "11_", "12_"))
]

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("source", SOURCES)
def test_a_lesson_prints_what_is_committed(source: Path) -> None:
    assert said(run(source)) == said(load(COURSE.notebooks / f"{source.stem}.ipynb"))
