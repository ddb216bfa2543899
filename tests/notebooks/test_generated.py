"""The committed lessons, and the gallery, are what their sources build."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from studykit.course.builder.assemble import lesson
from studykit.course.builder.cells import BUILDER, dump, load, without_outputs
from studykit.course.builder.execute import VEIL, is_executed
from studykit.course.layout import Course
from studykit.course.lint import lesson_findings

COURSE = Course(Path(__file__).resolve().parents[2])

pytestmark = pytest.mark.parametrize(
    "source", [*COURSE.gallery_sources(), *COURSE.lesson_sources()], ids=lambda source: source.stem
)


def committed(source: Path) -> Path:
    return COURSE.notebooks / f"{source.stem}.ipynb"


def test_the_lesson_is_what_its_source_builds_and_was_run(source: Path) -> None:
    notebook = load(committed(source))
    assert dump(without_outputs(notebook)) == dump(lesson(source, COURSE))
    assert is_executed(notebook)


def test_the_lesson_says_what_it_was_built_from(source: Path) -> None:
    origin = load(committed(source))["metadata"]["course"]
    assert origin["source"] == f"notebooks/src/{source.name}"
    assert origin["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert origin["builder"] == BUILDER


def test_no_widget_state_and_no_error_is_committed(source: Path) -> None:
    notebook = load(committed(source))
    assert "widgets" not in notebook["metadata"]
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    assert [output for output in outputs if output["output_type"] == "error"] == []


def test_the_lesson_is_within_its_budgets(source: Path) -> None:
    assert lesson_findings(load(committed(source))) == []


def test_a_folded_output_begins_with_a_line_that_answers_nothing(source: Path) -> None:
    cells = [cell for cell in load(committed(source))["cells"] if cell.get("outputs")]
    folded = [cell for cell in cells if cell["metadata"].get("jupyter", {}).get("outputs_hidden")]
    assert [cell["source"] for cell in folded if cell["outputs"][0] != VEIL] == []
    assert [cell["source"] for cell in folded if cell["outputs"][1:].count(VEIL)] == []


def test_an_output_that_answers_the_question_above_it_is_found(source: Path) -> None:
    notebook = load(committed(source))
    hidden = [
        cell
        for above, cell in pairwise(notebook["cells"])
        if "predict" in cell["metadata"].get("tags", ()) and "**Predict" in above["source"]
    ]
    for cell in hidden:
        cell["metadata"]["tags"] = []
    spoilt = [text for text in lesson_findings(notebook) if "answers the question above" in text]
    assert len(spoilt) == sum(bool(cell.get("outputs")) for cell in hidden)


def test_an_output_that_answers_a_widget_s_question_is_found(source: Path) -> None:
    notebook = load(committed(source))
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = []
    asks = any("Predict(" in cell["source"] for cell in notebook["cells"])
    spoilt = [text for text in lesson_findings(notebook) if "a question stands above" in text]
    assert bool(spoilt) == asks


def test_tasks_without_answers_are_found(source: Path) -> None:
    notebook = load(committed(source))
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("<details>", "")
    tasks = any(cell["source"].startswith("## Break it") for cell in notebook["cells"])
    assert any("'Break it'" in text for text in lesson_findings(notebook)) == tasks
