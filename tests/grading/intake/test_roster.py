"""The roster: only equal names are one person; what is alike is for the instructor."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.errors import StudyError
from studykit.grading.intake.roster import match, read_roster
from studykit.grading.intake.submissions import Submission


def matched(handed: list[str], expected: list[str] | None) -> dict[str, Submission]:
    submissions = [Submission(name) for name in handed]
    missing = match(submissions, expected)
    return {submission.student: submission for submission in [*submissions, *missing]}


def test_names_on_the_roster_letter_by_letter_are_settled() -> None:
    """`Li Wei` and `Liwei` are two students, and each has their own mark."""
    found = matched(["Li Wei", "Liwei", "Ada"], ["Liwei", "Li Wei", "ada", "Ada"])
    assert not any(submission.unsettled for submission in found.values())
    assert found["Li Wei"].review == ["another student has nearly the same name: Liwei"]
    assert list(found) == ["Li Wei", "Liwei", "Ada", "ada"]


@pytest.mark.parametrize(
    ("handed", "expected", "unsettled"),
    [
        (["ADA"], ["Ada", "Bob"], {"ADA", "Ada"}),
        (["Ada", "ada"], ["Ada"], {"Ada", "ada"}),
        (["Ada", "ada"], None, {"Ada", "ada"}),
        (["Ada"], ["Ada", "Ada"], {"Ada"}),
        (["Ada_1"], ["Ada 1", "ada-1"], {"Ada_1", "Ada 1", "ada-1"}),
        (["___"], ["Ada"], set()),
        (["x"], ["Ada"], set()),
        (["Ada"], None, set()),
    ],
)
def test_what_is_ambiguous_has_no_mark(
    handed: list[str], expected: list[str] | None, unsettled: set[str]
) -> None:
    found = matched(handed, expected)
    assert {name for name, submission in found.items() if submission.unsettled} == unsettled
    assert set(found) == {*handed, *(expected or ())}


def test_a_name_that_unicode_calls_the_same_is_the_same() -> None:
    found = matched(["Mu\u0308ller"], ["M\xfcller"])
    assert list(found) == ["M\xfcller"]
    assert not found["M\xfcller"].unsettled
    both = matched(["Mu\u0308ller", "M\xfcller"], ["M\xfcller"])
    assert len(both) == 2
    assert all(submission.unsettled for submission in both.values())


@given(st.lists(st.text("aA \xe4\u0308_", min_size=1), unique=True), st.lists(st.text("aA _")))
def test_nobody_is_merged_and_nobody_is_lost(handed: list[str], expected: list[str]) -> None:
    submissions = [Submission(name) for name in handed]
    missing = match(submissions, expected)
    names = [submission.student for submission in [*submissions, *missing]]
    assert len(set(names)) == len(names)
    assert set(expected) <= set(names)
    assert len(submissions) == len(handed)


def test_rows_without_a_name_are_a_sentence_and_empty_ones_are_none(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text('student,mail\nAda,a\n,\n"  ",\n Bob ,b\n', "utf-8")
    assert read_roster(path) == ["Ada", "Bob"]
    path.write_text("student,mail\nAda,a\n,b\n", "utf-8")
    with pytest.raises(StudyError, match="row 2 names no student"):
        read_roster(path)
