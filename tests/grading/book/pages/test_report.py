"""The report: what needs a person first, then whether the exercises are fair; also on paper."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import msgspec
import pytest

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark, mark
from studykit.grading.book.pages.fairness import unnamed
from studykit.grading.book.pages.page import STYLE
from studykit.grading.book.pages.report import report_page
from studykit.grading.book.pages.timings import timings_page
from studykit.grading.book.results import Result, Score
from studykit.grading.sandbox.isolation import Level
from studykit.grading.sandbox.promises import LEVELS, PROMISES
from tests.support.grading.submissions import LAB

ABOUT = About(LAB, "isolation L4", "L4", True, {})


def ran(result: Result, seconds: float) -> Result:
    return msgspec.structs.replace(result, seconds=seconds)


def marked(student: str, got: str = "", **more: object) -> Mark:
    known = {"id": "L01.2", "points": 1, "earned": 0, "verdict": "fail"} | more
    score = Score(feedback=f"no\n\ncall      to_ms(5)\ngot       {got}\nexpected  5", **known)
    return mark(Result(student=student, key="", status="graded", exercises=(score,)), None, {})


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


def targets(text: str) -> set[str]:
    return {part.split('"')[0] for part in text.split(' id="')[1:]}


def links(text: str) -> list[tuple[str, str]]:
    """Return where each link of a page leads on it, and its text."""
    parts = [part.split("</a>")[0] for part in text.split('<a href="#')[1:]]
    return [(part.split('"')[0], part.split(">", 1)[1]) for part in parts]


def test_every_flag_leads_to_its_evidence() -> None:
    """To the cells that were run, what came out, and the other submission."""
    long = tuple(range(40))
    flagged = [
        mark(Result(student=f"{kind} & co", key="", **more), None, {})
        for kind, more in {
            "alike-1": {"status": "graded", "shingles": long, "code": ("x = '<1>'",)},
            "alike-2": {"status": "graded", "shingles": long},
            "unsettled": {"status": "graded", "unsettled": ("why",)},
            "rejected": {"status": "rejected", "reason": "a link"},
            "review": {"status": "graded", "review": ("look",)},
            "restored": {"status": "graded", "restored": ("gone",)},
        }.items()
    ]
    odd = [
        marked("timeout & co", verdict="timeout", detail="expected  5"),
        marked("flaky & co", "7", flaky=True),
    ]
    quiet = [marked("quiet", "7"), marked("quiet too", "7")]
    text = report_page([*flagged, *odd, *quiet], ABOUT)
    found = links(text)
    assert {place for place, _ in found} <= targets(text)
    before, _, evidence = text.partition(">Evidence</h2>")
    for student in (*flagged, *odd, *quiet):
        name = student.student.replace("&", "&amp;")
        places = {place for place, shown in found if shown == name}
        assert len(places) == 1
        assert before.count(f">{name}</a>") >= (1 if student in quiet else 2)
        opened = f'<details id="{places.pop()}"' + ("" if student in quiet else " open") + ">"
        assert evidence.count(opened) == 1
    assert '<pre class="code">x = &#x27;&lt;1&gt;&#x27;</pre>' in evidence
    assert "expected  5" in evidence


def test_the_time_that_was_used_is_told_against_the_limit() -> None:
    marks = [
        marked(name, verdict="pass", earned=1, seconds=seconds)
        for name, seconds in (("a", 0.5), ("b", 1.0), ("slow", 4.9))
    ]
    wrong = marked("wrong", seconds=5.0)
    text = timings_page([replace(each, result=ran(each.result, 1.0)) for each in [*marks, wrong]],
                        ABOUT, 5.0)  # fmt: skip
    row = text.split(f">{LAB.exercises[1].title}</th>")[1].split("</tr>")[0]
    assert [cell for cell in ("20.0 %", "98.0 %", "slow") if f">{cell}</td>" in row] == [
        "20.0 %", "98.0 %", "slow",
    ]  # fmt: skip


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
