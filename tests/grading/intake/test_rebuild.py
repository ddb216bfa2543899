"""Rebuilding: what of a submission is run."""

from __future__ import annotations

from studykit.grading.example.maker import answer_cell, as_bytes
from studykit.grading.intake.notebooks import read_notebook
from studykit.grading.intake.rebuild import Original, rebuild
from tests.support.submissions import COURSE, LAB, solved

ORIGINAL = Original.of(LAB, COURSE)


def test_format_3_is_read() -> None:
    cells = [
        {"cell_type": "code", "input": one["source"]}
        for one in solved()["cells"]
        if one["cell_type"] == "code"
    ]
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(old)))
    assert "stamp // 1_000" in rebuilt.texts["L01.2"]
    assert rebuilt.review == rebuilt.restored == ()


def test_only_answers_come_from_a_submission() -> None:
    notebook = solved()
    for cell in notebook["cells"]:
        if "exercise" not in cell["metadata"].get("tags", ()):
            cell["source"] = "evil"
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    assert not any("evil" in cell.source for cell in rebuilt.cells)
    assert not any("lab.check" in cell.source for cell in rebuilt.cells)
    assert rebuilt.restored


def test_a_cell_that_an_answer_needs_comes_with_it_and_no_other() -> None:
    notebook = solved({"to_ms": "def to_ms(stamp):\n    return helper(stamp)"})
    place = notebook["cells"].index(answer_cell(notebook, "to_ms"))
    for name, source in (("h", "def helper(stamp):\n    return K"), ("k", "K = 1"), ("z", "Z = 2")):
        cell = {"cell_type": "code", "id": name, "metadata": {}, "source": source}
        notebook["cells"].insert(place, cell)
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    sources = [cell.source for cell in rebuilt.cells if cell.answers == "L01.2"]
    assert sources[:-1] == ["K = 1", "def helper(stamp):\n    return K"]
    assert rebuilt.review == ("L01.2: uses a cell that was added",)


def test_a_deleted_answer_is_found_by_its_function() -> None:
    notebook = solved()
    answer_cell(notebook, "to_ms")["id"] = "another"
    rebuilt = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    assert "stamp // 1_000" in rebuilt.texts["L01.2"]
    assert rebuilt.review == ("L01.2: its cell was found by its function",)
