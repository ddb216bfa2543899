"""Feedback: a student reads of hidden cases only that one decided, never how."""

from __future__ import annotations

import pytest

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import mark
from studykit.grading.book.pages.feedback import feedback_page
from studykit.grading.book.results import Result, Score
from tests.support.grading.submissions import LAB

ABOUT = About(LAB, "isolation L4", "L4", True, {})


def page_of(**more: object) -> str:
    known = {"id": "L01.1", "points": 1, "earned": 0, "feedback": "said"} | more
    result = Result(student="a", key="", status="graded", exercises=(Score(**known),))
    return feedback_page(mark(result, None, {}), ABOUT)


@pytest.mark.parametrize("verdict", ["timeout", "crashed", "mem", "output", "protocol"])
def test_how_a_hidden_case_fails_is_not_told(verdict: str) -> None:
    assert page_of(verdict=verdict, hidden=True) == page_of(verdict="fail", hidden=True)
    assert page_of(verdict=verdict) != page_of(verdict="fail")


def test_an_unsettled_name_s_page_shows_no_result() -> None:
    known = Score(id="L01.1", verdict="pass", points=1, earned=1, feedback="done")
    result = Result(
        student="a", key="", status="graded", exercises=(known,), unsettled=("alike: A",)
    )
    text = feedback_page(mark(result, None, {}), ABOUT)
    assert "yet to settle" in text
    assert "done" not in text
    assert "alike" not in text
