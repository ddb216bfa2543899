"""The report: what needs a person first, then whether the exercises are fair; also on paper."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import pytest

from studykit.grading.book.fairness import unnamed
from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark, mark
from studykit.grading.book.page import STYLE
from studykit.grading.book.report import report_page
from studykit.grading.book.results import Graded, Result
from studykit.grading.sandbox.isolation import Level
from studykit.grading.sandbox.promises import LEVELS, PROMISES
from tests.support.submissions import LAB

ABOUT = About(LAB, "isolation L4", "L4", True, {})


def marked(student: str, got: str = "", **more: object) -> Mark:
    known = {"id": "L01.2", "points": 1, "earned": 0, "verdict": "fail"} | more
    graded = Graded(feedback=f"no\n\ncall      to_ms(5)\ngot       {got}\nexpected  5", **known)
    return mark(Result(student=student, key="", status="graded", exercises=(graded,)), None, {})


def test_the_same_wrong_answer_is_a_group_if_it_has_no_name() -> None:
    marks = [
        marked("a", "7"), marked("b", "7"), marked("c", "8"), marked("d", "7", hidden=True),
        marked("e", "7", misconception="known"), marked("f", "7", flaky=True),
    ]  # fmt: skip
    assert unnamed(marks) == [(("L01.2", "to_ms(5)", "7"), ["a", "b"])]


def test_hidden_decisions_are_counted() -> None:
    marks = [marked("a", "7"), marked("b", hidden=True), marked("c", verdict="pass", earned=1)]
    row = report_page(marks, ABOUT).split(f">{LAB.exercises[1].title}</th>")[-1].split("</tr>")[0]
    assert "3</td>" in row
    cells = [cell.split("<")[0] for cell in row.split(">") if cell[:1].isdigit()]
    assert cells == ["3", "2", "1", "1", "0"]


def test_what_needs_a_person_stands_first() -> None:
    unsettled = Result(student="b", key="", status="missing", unsettled=("alike: B",))
    rejected = Result(student="c", key="", status="rejected", reason="a link")
    text = report_page([marked("a"), mark(unsettled, None, {}), mark(rejected, None, {})], ABOUT)
    places = [text.index(word) for word in ("To settle", "To look at", "Rejected (1)", "Points")]
    assert places == sorted(places)
    assert "to-settle.csv" in text


def test_a_report_is_readable_on_paper() -> None:
    assert "@media print" in STYLE


@pytest.mark.parametrize("level", LEVELS)
def test_a_report_says_what_its_level_promises(level: Level) -> None:
    shown = f"{level} untrusted isolation" if level == "L0" else level
    text = unescape(report_page([marked("a")], replace(ABOUT, level=shown)))
    promised = text.split("What the isolation promises")[1]
    for promise in PROMISES:
        row = promised.split(promise.text)[1].split("</tr>")[0]
        assert f">{promise.kept[LEVELS.index(level)]}<" in row
