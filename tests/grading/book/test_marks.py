"""Marks: the late policy and what an instructor decides."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from studykit.errors import StudyError
from studykit.grading.book.gradebook import decisions, write_settling
from studykit.grading.book.marks import (
    LatePolicy,
    Override,
    mark,
    read_overrides,
    unknown_students,
)
from studykit.grading.book.results import Result, Score
from studykit.grading.intake.times import find_zone, parse_time
from tests.support.grading.submissions import LAB


def _result(**more: object) -> Result:
    exercise = Score(id="L01.1", verdict="pass", points=4, earned=4)
    return Result(student="a", key="", status="graded", exercises=(exercise,), **more)


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
    policy = LatePolicy(parse_time("2026-03-01T12:00:00Z").latest, 10, 3)
    found = mark(_result(submitted=submitted), policy, {})
    assert found.percent_off == percent
    assert found.total == Decimal(4) * (100 - percent) / 100


def test_an_override_of_the_total_wins_over_the_late_policy() -> None:
    policy = LatePolicy(parse_time("2026-03-01T12:00:00Z").latest, 10, 3)
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
        ("a,L01.1,1, ", "has no reason: write one"),
    ],
)
def test_a_wrong_override_names_its_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "decided.csv"
    path.write_text(f"student,exercise,points,reason\n{line}\n", "utf-8")
    with pytest.raises(StudyError, match=f"line 2: .*{said}"):
        read_overrides(path, LAB)


NOON = LatePolicy(parse_time("2026-03-01T12:00:00Z").latest, 10, 3)
BERLIN = LatePolicy(NOON.due, 10, 3, find_zone("Europe/Berlin"))


@pytest.mark.parametrize(
    ("submitted", "why"),
    [
        ("03/05/2026 10:00", "is not understood"),
        ("late, says Canvas, which names no time", "is not understood"),
        ("2026-03-01 13:30:00", "depends on the zone"),
        ("01.03.2026 00:30", "depends on the zone"),
    ],
)
def test_a_time_that_is_not_sure_is_no_mark_until_it_is_settled(submitted: str, why: str) -> None:
    found = mark(_result(submitted=submitted), NOON, {})
    assert (found.total, dict(found.points), found.flags[0]) == (None, {}, "unsettled")
    assert why in found.unsettled[0]
    decided = {("a", "submitted"): Override(Decimal(0), "asked", "2026-03-01T12:00:01Z")}
    assert mark(_result(submitted=submitted), NOON, decided).percent_off == 10
    whole = {("a", ""): Override(Decimal(2), "asked")}
    assert mark(_result(submitted=submitted), NOON, whole).total == Decimal(2)


@pytest.mark.parametrize(
    ("submitted", "percent"),
    [("2026-03-01 13:00:00", 0), ("2026-03-01 13:00:01", 10), ("01.03.2026 13:00", 0)],
)
def test_a_local_time_is_the_course_s(submitted: str, percent: int) -> None:
    found = mark(_result(submitted=submitted), BERLIN, {})
    assert (found.percent_off, found.unsettled) == (percent, ())


def test_a_local_time_that_is_sure_in_every_zone_needs_none() -> None:
    assert mark(_result(submitted="2026-02-27 13:00"), NOON, {}).percent_off == 0
    assert mark(_result(submitted="2026-03-09 13:00"), NOON, {}).percent_off == 100


def test_a_time_that_is_not_known_is_said() -> None:
    found = mark(_result(), NOON, {})
    assert (found.total, found.flags) == (Decimal(4), ("review",))
    assert mark(_result(), None, {}).flags == ()


def test_whose_a_mark_is_can_be_settled() -> None:
    result = _result(unsettled=("another student has nearly the same name: A",))
    assert mark(result, None, {}).total is None
    settled = mark(result, None, {("a", "settled"): Override(Decimal(0), "asked")})
    assert (settled.total, settled.reasons) == (Decimal(4), ("settled: asked",))


def test_what_is_to_settle_is_written_as_overrides_that_decide_nothing_yet(tmp_path: Path) -> None:
    path = tmp_path / "to-settle.csv"
    unsettled = replace(_result(submitted="soon", unsettled=("two rows",)), student="=1+1")
    write_settling(path, [mark(unsettled, NOON, {})])
    assert read_overrides(path, LAB) == {}
    text = path.read_text("utf-8").replace(",settled,,,", ",settled,,asked,")
    path.write_text(text.replace(",submitted,,,", ",submitted,2026-03-01T10:00Z,asked,"), "utf-8")
    decided = read_overrides(path, LAB)
    assert unknown_students(decided, [unsettled]) == []
    assert mark(unsettled, NOON, decided).total == Decimal(4)


def test_no_run_forgets_what_was_filled_in(tmp_path: Path) -> None:
    """The table is the file of overrides itself, and an instructor may forget to give it."""
    path = tmp_path / "to-settle.csv"
    first, second = (replace(_result(unsettled=("alike",)), student=name) for name in "ab")
    write_settling(path, [mark(first, NOON, {}), mark(second, NOON, {})])
    text = path.read_text("utf-8").replace("a,settled,,,", "a,settled,,asked,")
    path.write_text(f"{text}c,L01.1,2,shown at the board,\n", "utf-8")
    for given in (read_overrides(path, LAB), {}, read_overrides(path, LAB)):
        write_settling(path, [mark(first, None, given), mark(second, None, given)], decisions(path))
        assert [line.split(",")[:4] for line in path.read_text("utf-8").splitlines()[1:]] == [
            ["a", "settled", "", "asked"],
            ["c", "L01.1", "2", "shown at the board"],
            ["b", "settled", "", ""],
        ]


def test_two_decisions_on_one_exercise_are_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "decided.csv"
    path.write_text("student,exercise,points,reason\na,,1,x\na,,2,y\n", "utf-8")
    with pytest.raises(StudyError, match="line 3: a has two decisions"):
        read_overrides(path, LAB)
