"""Marks: the late policy and what an instructor decides."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.grading.book.marks import LatePolicy, Override, mark, parse_time, read_overrides
from studykit.grading.book.results import Graded, Result
from tests.support.submissions import LAB


def _result(**more: str) -> Result:
    one = Graded(id="L01.1", verdict="pass", points=4, earned=4)
    return Result(student="a", key="", status="graded", exercises=(one,), **more)


@pytest.mark.parametrize(
    ("submitted", "percent"),
    [
        ("", 0),
        ("2026-03-01T12:00:00Z", 0),
        ("2026-03-01T12:00:01Z", 10),
        ("2026-03-02T12:00:00Z", 10),
        ("2026-03-02T12:00:01Z", 20),
        ("2026-03-04T12:00:00Z", 30),
        ("2026-03-04T12:00:01Z", 100),
        ("2026-03-01T14:00:00+02:00", 0),
    ],
)
def test_a_day_begun_counts_whole(submitted: str, percent: int) -> None:
    policy = LatePolicy(parse_time("2026-03-01T12:00:00Z"), 10, 3)
    found = mark(_result(submitted=submitted), policy, {})
    assert found.percent_off == percent
    assert found.total == Decimal(4) * (100 - percent) / 100


def test_an_override_of_the_total_wins_over_the_late_policy() -> None:
    policy = LatePolicy(parse_time("2026-03-01T12:00:00Z"), 10, 3)
    decided = {("a", ""): Override(Decimal(3), "ill")}
    found = mark(_result(submitted="2026-03-09T12:00Z"), policy, decided)
    assert (found.total, found.reasons) == (Decimal(3), ("total: ill",))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a,L09.9,1,why", "no exercise L09.9"),
        ("a,L01.1,many,why", "'many' is no number"),
        ("a,L01.1,nan,why", "'nan' is no number"),
        ("a,L01.1,-1,why", "'-1' is no number"),
        ("a,L01.1,1, ", "give a reason"),
    ],
)
def test_a_wrong_override_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "decided.csv"
    path.write_text(f"student,exercise,points,reason\n{line}\n", "utf-8")
    with pytest.raises(StudyError, match=f"line 2: .*{said}"):
        read_overrides(path, LAB)
