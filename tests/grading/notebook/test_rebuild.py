"""Rebuilding: what of a submission is run."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.grading.example.maker import answer_cell, as_bytes
from studykit.grading.notebook import code
from studykit.grading.notebook.code import read_code
from studykit.grading.notebook.reading import read_notebook
from studykit.grading.notebook.rebuild import Original, rebuild
from tests.support.grading.forms import PLAIN, Notebook, above, below
from tests.support.grading.submissions import COURSE, LAB, solved

ORIGINAL = Original.of(LAB, COURSE)


def test_format_3_is_read() -> None:
    cells = [
        {"cell_type": "code", "input": cell["source"]}
        for cell in solved()["cells"]
        if cell["cell_type"] == "code"
    ]
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    plan = rebuild(ORIGINAL, read_notebook(as_bytes(old)))
    assert "stamp // 1_000" in plan.texts[1]
    assert plan.review == plan.restored == ()


def test_what_a_notebook_has_lost_of_the_course_is_run_before_it() -> None:
    notebook = solved()
    for cell in notebook["cells"]:
        if "exercise" not in cell["metadata"].get("tags", ()):
            cell["source"] = "evil"
    plan = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    given = [cell.source for cell in plan.cells if cell.given]
    assert given == [cell.source for cell in ORIGINAL.cells if cell.id in ORIGINAL.given]
    assert [cell.given for cell in plan.cells] == sorted(
        (cell.given for cell in plan.cells), reverse=True
    )
    assert not any("lab.check" in cell.source for cell in plan.cells)
    assert len([note for note in plan.restored if note.startswith("changed")]) > 2


def test_a_notebook_that_lost_nothing_is_run_as_it_stands() -> None:
    plan = rebuild(ORIGINAL, read_notebook(as_bytes(solved())))
    assert not any(cell.given for cell in plan.cells)
    assert plan.review == plan.restored == ()
    assert [cell.answers for cell in plan.cells if cell.answers] == [
        (exercise.id,) for exercise in LAB.exercises
    ]


@pytest.mark.parametrize(
    ("notebook", "note"),
    [
        (below(PLAIN), "answered in another cell than its own, which is untouched"),
        (below(PLAIN, hole=False), "2 cells answer it, the last one counts"),
        (above(f"!curl x\n{PLAIN}"), "a command was left out, .*: !curl x"),
        (above("%%bash\ncurl x"), "a command was left out, .*: %%bash"),
        (above("x = !curl x"), "a command was left out, .*: x = !curl x"),
    ],
)
def test_what_the_instructor_should_know_is_a_sentence(notebook: Notebook, note: str) -> None:
    plan = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    assert re.search(note, "\n".join(plan.review))


def test_a_deleted_answer_is_found_by_its_function() -> None:
    notebook = solved()
    answer_cell(notebook, "to_ms")["id"] = "another"
    plan = rebuild(ORIGINAL, read_notebook(as_bytes(notebook)))
    assert [cell.answers for cell in plan.cells if "def to_ms" in cell.source] == [("L01.2",)]
    assert plan.review == ("L01.2: its cell was found by its function",)


def test_files_beside_are_importable_only_if_the_notebook_names_them() -> None:
    files = {"helpers.py": "x = 1", "json.py": "raise SystemExit", "other.py": "y = 1"}
    used = rebuild(ORIGINAL, read_notebook(as_bytes(above("import helpers, json"))), files)
    assert used.review[-1].endswith("beside the notebook: helpers.py")
    assert "SystemExit" not in used.cells[0].source
    assert not rebuild(ORIGINAL, read_notebook(as_bytes(solved())), files).review


@given(st.text(alphabet=string.printable + "äß\u2028\x00", max_size=80))
def test_any_text_of_a_cell_is_read(source: str) -> None:
    read_code(source)


@pytest.mark.parametrize("source", ["-" * 50_000 + "1", "a" + ".b" * 50_000, "(" * 5_000])
def test_no_text_of_a_cell_ends_the_grader(source: str) -> None:
    assert read_code(f"{source}\ndef to_ms(): pass").bound == {"to_ms"}


def test_a_chain_of_helpers_is_read_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell is parsed once, however the cells depend on each other."""
    read = []
    monkeypatch.setattr(code, "_bound", lambda source: read.append(source) or frozenset())
    cells = [f"def h{n}(x):\n    return h{n - 1}(x)" for n in range(1_900)]
    rebuild(ORIGINAL, read_notebook(as_bytes(above(*cells))))
    assert len([source for source in read if source in cells]) == len(cells)


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ("def f():\n    global X\n    X = 1", {"f", "X"}),
        ("[Y := 1 for _ in ()]", {"Y"}),
        ("import a.b, c as d\nfrom e import f as g", {"a", "d", "g"}),
        ("try:\n    pass\nexcept E as e:\n    X = 1", {"e", "X"}),
        ("with a as (b, *c):\n    for d.x, e in f: pass", {"b", "c", "e"}),
        ("x: int\ny: int = 1\nz += 1", {"y", "z"}),
        ("%%time\ndef f(): pass", {"f"}),
        ("%%bash\nf=1", set()),
        ("x = !ls\ny = 1", {"x", "y"}),
        ("def f(:\n    g = 1", {"f"}),
        ("f == 1\nprint(g)", set()),
    ],
)
def test_what_a_cell_binds_is_what_python_says(source: str, bound: set[str]) -> None:
    assert bound <= set(read_code(source).bound) <= bound | {"x", "z"}
