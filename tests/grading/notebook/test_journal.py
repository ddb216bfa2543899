"""The journal: a student's words reach a person, bounded, and reach nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from studykit.course.builder.assemble import lab_and_solution
from studykit.exercises.catalog import find_lab
from studykit.grading import grader
from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import mark
from studykit.grading.book.pages.report import report_page
from studykit.grading.book.results import Result
from studykit.grading.example.maker import as_bytes
from studykit.grading.grader import GradedLab, grade
from studykit.grading.intake.submissions import take_in
from studykit.grading.notebook.journal import MOST, journal_of
from studykit.grading.notebook.reading import Notebook, read_notebook
from studykit.grading.notebook.rebuild import Original, rebuild
from studykit.grading.secret import Secret
from tests.support.grading.submissions import COURSE, put

LAB = find_lab("14")
ORIGINAL = Original.of(LAB, COURSE)
ABOUT = About(LAB, "isolation L4", "L4", True, {})
PAGES = list(ORIGINAL.journal)
WORDS = "Decision: score.\n\nEvidence: 9_980 records wait before it."


def blank() -> dict[str, Any]:
    """Return the lab as a student gets it."""
    source = COURSE.solutions / "src" / f"{LAB.name}.py"
    return lab_and_solution(source, COURSE)[0]


def page_of(notebook: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = next(
        cell for cell in notebook["cells"] if cell["id"] == PAGES[number - 1]
    )
    return found


def entries(notebook: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return journal_of(ORIGINAL.journal, read(notebook))


def read(notebook: dict[str, Any]) -> Notebook:
    return read_notebook(as_bytes(notebook))


def written(number: int, words: str) -> dict[str, Any]:
    """Return the lab with words below the heading of a page."""
    notebook = blank()
    page = page_of(notebook, number)
    page["source"] = page["source"].partition("\n\n")[0] + "\n\n" + words
    return notebook


def test_each_exercise_has_a_page_with_its_name() -> None:
    titles = [text.partition("\n")[0] for text in ORIGINAL.journal.values()]
    assert len(set(titles)) == len(LAB.exercises)
    for title, exercise in zip(titles, LAB.exercises, strict=True):
        assert f"exercise {exercise.id[-1]}: `{exercise.name}`" in title


def test_an_untouched_journal_says_nothing() -> None:
    assert entries(blank()) == ()


def test_words_are_found_below_their_heading() -> None:
    assert entries(written(3, WORDS)) == (("Journal, exercise 3: `salted`.", WORDS),)


def test_words_are_found_where_an_editor_gave_other_ids() -> None:
    notebook = written(3, WORDS)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"other-{number}"
    assert [text for _, text in entries(notebook)] == [WORDS]


def test_a_page_whose_heading_was_overwritten_is_found_by_its_id() -> None:
    notebook = blank()
    page_of(notebook, 2)["source"] = "I repaired score."
    assert [text for _, text in entries(notebook)] == ["I repaired score."]


@pytest.mark.parametrize(("length", "cut"), [(MOST, ""), (MOST + 1, "\n... cut")])
def test_a_page_is_kept_up_to_its_bound(length: int, cut: str) -> None:
    ((_, text),) = entries(written(1, "x" * length))
    assert text == "x" * MOST + cut


def test_a_hundred_copies_of_a_page_are_one_entry() -> None:
    notebook = written(1, WORDS)
    notebook["cells"] += [dict(page_of(notebook, 1)) for _ in range(100)]
    assert len(entries(notebook)) == 1


def test_a_page_that_was_made_code_is_no_entry_and_leaves_the_other_cells_as_they_are() -> None:
    notebook = written(1, "raise SystemExit")
    page_of(notebook, 1)["cell_type"] = "code"
    assert entries(notebook) == ()


def test_nothing_of_a_journal_is_run() -> None:
    plans = [rebuild(ORIGINAL, read(notebook)) for notebook in (blank(), written(1, "import os"))]
    assert plans[0] == plans[1]


def test_what_was_graded_carries_its_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(written(7, WORDS))})
    (submission,) = take_in(tmp_path / "in", LAB.name, tmp_path / "spool")
    monkeypatch.setattr(grader, "_run", lambda *_: ([], []))  # no sandbox is the point here
    assignment = GradedLab(ORIGINAL, Secret(b"a secret that only tests know"))
    found = grade(assignment, submission, "key", None)  # type: ignore[arg-type]
    assert [text for _, text in found.journal] == [WORDS]
    assert msgspec.json.decode(msgspec.json.encode(found), type=Result) == found


HOSTILE = [
    "</pre><script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "\x1b[2J\u202egnp.exe\x00",
    "=cmd|' /C calc'!A0",
    "[link](javascript:alert(1))",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_are_shown_as_text(words: str) -> None:
    found = entries(written(1, words))
    result = Result(student="a", key="", status="graded", journal=found)
    page = report_page([mark(result, None, {})], ABOUT)
    for mark_up in ("<script", "<img", "\x1b", "\u202e", "\x00", 'href="javascript'):
        assert mark_up not in page
    assert "Its journal, which gives no marks:" in page
