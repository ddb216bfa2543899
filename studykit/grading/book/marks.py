"""Marks: points after the late policy and after what the instructor decided by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

from studykit.errors import StudyError
from studykit.exercises.definition import Lab
from studykit.grading.book.results import Result
from studykit.grading.intake.submissions import read_table


@dataclass(frozen=True, slots=True)
class LatePolicy:
    """So many percent off for each day begun after `due`; nothing counts after `days` days."""

    due: datetime
    percent_per_day: int
    days: int

    def percent_off(self, submitted: str) -> int:
        """Return the percentage to take off; 0 where the time is not known."""
        moment = parse_time(submitted) if submitted else None
        if moment is None or moment <= self.due:
            return 0
        begun = -((self.due - moment) // timedelta(days=1))
        return 100 if begun > self.days else min(100, begun * self.percent_per_day)


@dataclass(frozen=True, slots=True)
class Override:
    """What an instructor decided: points for an exercise, or for the whole, and why."""

    points: Decimal
    reason: str


Overrides = Mapping[tuple[str, str], Override]
"""By student and exercise id; '' stands for the whole."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A result with its marks."""

    result: Result
    points: Mapping[str, Decimal] = field(default_factory=dict)
    percent_off: int = 0
    total: Decimal | None = None
    """None: not known, because grading itself failed."""
    reasons: tuple[str, ...] = ()

    @property
    def student(self) -> str:
        """Whose mark it is."""
        return self.result.student


def parse_time(text: str) -> datetime | None:
    """Return the moment that a text in ISO 8601 names; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def read_overrides(path: Path, lab: Lab) -> dict[tuple[str, str], Override]:
    """Return the decisions in a CSV file with the columns student, exercise, points, reason.

    Raises:
        StudyError: A line names no exercise of the lab, no points, or no reason.
    """
    known = {exercise.id for exercise in lab.exercises} | {""}
    found = {}
    for number, row in enumerate(read_table(path, ("student", "exercise", "points", "reason")), 2):
        if row["exercise"] not in known:
            raise StudyError(f"{path}, line {number}: {lab.name} has no exercise {row['exercise']}")
        if not row["reason"].strip():
            raise StudyError(f"{path}, line {number}: give a reason")
        points = _points(row["points"])
        if points is None:
            raise StudyError(f"{path}, line {number}: {row['points']!r} is no number of points")
        found[row["student"], row["exercise"]] = Override(points, row["reason"].strip())
    return found


def mark(result: Result, policy: LatePolicy | None, overrides: Overrides) -> Mark:
    """Return the marks of a result."""
    points = {one.id: Decimal(one.earned) for one in result.exercises}
    mine = {name: one for (student, name), one in overrides.items() if student == result.student}
    points |= {name: one.points for name, one in mine.items() if name}
    percent = policy.percent_off(result.submitted) if policy else 0
    total: Decimal | None = _cents(sum(points.values(), Decimal(0)) * (100 - percent) / 100)
    if result.status == "infra_error" and not mine:
        total = None
    if "" in mine:
        total = mine[""].points
    reasons = tuple(f"{name or 'total'}: {one.reason}" for name, one in sorted(mine.items()))
    return Mark(result, points, percent, total, reasons)


def unknown_students(overrides: Overrides, results: Sequence[Result]) -> list[str]:
    """Return the students of whom something was decided and nothing is known."""
    known = {result.student for result in results}
    return sorted({student for student, _ in overrides} - known)


def as_text(points: Decimal) -> str:
    """Return points as a number without needless digits."""
    text = f"{points:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _points(text: str) -> Decimal | None:
    try:
        points = Decimal(text.strip())
    except InvalidOperation:
        return None
    return points if points.is_finite() and 0 <= points <= 10_000 else None


def _cents(points: Decimal) -> Decimal:
    return points.quantize(Decimal("0.01"), ROUND_HALF_UP)
