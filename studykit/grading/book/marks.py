"""Marks: points after the late policy and after what the instructor decided by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.exercises.definition import Lab
from studykit.grading.book.results import Result
from studykit.grading.intake.text import guarded, read_table, visible
from studykit.grading.intake.times import parse_time

SETTLED: Final = "settled"
"""What stands in place of an exercise where an instructor says that a mark is a student's own."""
SUBMITTED: Final = "submitted"
"""What stands in place of an exercise where `points` is the time at which it was handed in."""


@dataclass(frozen=True, slots=True)
class LatePolicy:
    """So many percent off for each day begun after `due`; nothing counts after `days` days.

    Args:
        due: The last moment that is punctual.
        percent_per_day: The percentage for each day begun.
        days: After so many days nothing counts.
        zone: The course's zone, for times that name none.
    """

    due: datetime
    percent_per_day: int
    days: int
    zone: tzinfo | None = None

    def percent_off(self, submitted: str) -> int | None:
        """Return the percentage to take off; None where the time leaves more than one."""
        moment = parse_time(submitted, self.zone)
        if moment is None:
            return None
        least, most = self._percent(moment.earliest), self._percent(moment.latest)
        return least if least == most else None

    def _percent(self, moment: datetime) -> int:
        if moment <= self.due:
            return 0
        # Rounded up, which // of the negated difference does: a day begun counts.
        begun = -((self.due - moment) // timedelta(days=1))
        return 100 if begun > self.days else min(100, begun * self.percent_per_day)


@dataclass(frozen=True, slots=True)
class Override:
    """What an instructor decided, and why: points, or a time where that is what was in doubt."""

    points: Decimal
    reason: str
    submitted: str = ""


Overrides = Mapping[tuple[str, str], Override]
"""By student and exercise id; '' stands for the whole, `SETTLED` and `SUBMITTED` for themselves."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A result with its marks."""

    result: Result
    points: Mapping[str, Decimal] = field(default_factory=dict)
    percent_off: int = 0
    total: Decimal | None = None
    """None: not known, because grading itself failed, or because something is unsettled."""
    reasons: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    """What an instructor must decide before there is a mark."""
    notes: tuple[str, ...] = ()
    """What else an instructor should look at, the result's own notes aside."""

    @property
    def student(self) -> str:
        """The student whose mark this is."""
        return self.result.student

    @property
    def flags(self) -> tuple[str, ...]:
        """The result's flags; `unsettled` first."""
        found = list(self.result.flags)
        if self.notes and "review" not in found:
            found.append("review")
        return (*(["unsettled"] if self.unsettled else []), *found)


def read_overrides(path: Path, lab: Lab) -> dict[tuple[str, str], Override]:
    """Return the decisions in a CSV file with the columns student, exercise, points, reason.

    A row of `to-settle.csv` that is not filled in yet decides nothing.

    Raises:
        StudyError: A line names no exercise of the lab, no points, no time or no reason.
    """
    known = {exercise.id for exercise in lab.exercises} | {"", SETTLED, SUBMITTED}
    found: dict[tuple[str, str], Override] = {}
    for number, row in enumerate(read_table(path, ("student", "exercise", "points", "reason")), 2):
        key = row["student"], row["exercise"].strip()
        reason = row["reason"].strip()
        if key[1] in (SETTLED, SUBMITTED) and not reason and not row["points"].strip():
            continue
        where = f"{path}, line {number}"
        if key[1] not in known:
            raise StudyError(f"{where}: {lab.name} has no exercise {visible(key[1])}")
        if not reason:
            raise StudyError(f"{where}: the decision has no reason: write one")
        if key in found:
            raise StudyError(
                f"{where}: {visible(key[0])} has two decisions on one exercise: remove one"
            )
        found[key] = _override(key[1], row["points"].strip(), reason, where)
    return found


def _override(exercise: str, text: str, reason: str, where: str) -> Override:
    if exercise == SETTLED:
        return Override(Decimal(0), reason)
    if exercise == SUBMITTED:
        if parse_time(text) is None:
            raise StudyError(f"{where}: {text!r} is no time: write it as 2026-03-01T23:59+01:00")
        return Override(Decimal(0), reason, text)
    points = _points(text)
    if points is None:
        raise StudyError(f"{where}: {text!r} is no number of points: write one such as 2.5")
    return Override(points, reason)


def mark(result: Result, policy: LatePolicy | None, overrides: Overrides) -> Mark:
    """Return the marks of a result: none where something is unsettled."""
    # A decision names a student as the gradebook does, where no name can be a formula.
    names = {result.student, guarded(result.student)}
    mine = {name: decided for (student, name), decided in overrides.items() if student in names}
    points = {score.id: Decimal(score.earned) for score in result.exercises}
    points |= {name: decided.points for name, decided in mine.items() if _is_id(name)}
    reasons = tuple(f"{name or 'total'}: {mine[name].reason}" for name in sorted(mine))
    unsettled = [] if SETTLED in mine else list(result.unsettled)
    percent, doubts, notes = _percent(result, policy, mine)
    if "" in mine:
        return Mark(result, points, percent or 0, mine[""].points, reasons, (), notes)
    unsettled += doubts
    if unsettled or (result.status == "infra_error" and not mine):
        kept = points if not unsettled else {}
        return Mark(result, kept, percent or 0, None, reasons, tuple(unsettled), notes)
    total = _cents(sum(points.values(), Decimal(0)) * (100 - (percent or 0)) / 100)
    return Mark(result, points, percent or 0, total, reasons, (), notes)


def _is_id(name: str) -> bool:
    return name not in ("", SETTLED, SUBMITTED)


def _percent(
    result: Result, policy: LatePolicy | None, mine: Mapping[str, Override]
) -> tuple[int | None, list[str], tuple[str, ...]]:
    """Return the percentage to take off, what is unsettled about it, and what to look at."""
    submitted = mine[SUBMITTED].submitted if SUBMITTED in mine else result.submitted
    if policy is None or not result.exercises:
        return 0, [], ()
    if not submitted:
        return 0, [], ("when it was handed in is not known: taken for punctual",)
    percent = policy.percent_off(submitted)
    if percent is not None:
        return percent, [], ()
    if parse_time(submitted) is None:
        return None, [f"when it was handed in is not understood: {visible(submitted)}"], ()
    text = f"whether it was late depends on the zone of {visible(submitted)}: give --zone"
    return None, [text], ()


def unknown_students(overrides: Overrides, results: Sequence[Result]) -> list[str]:
    """Return the students of whom something was decided and nothing is known."""
    known = {name for result in results for name in (result.student, guarded(result.student))}
    return sorted({student for student, _ in overrides} - known)


def as_text(points: Decimal) -> str:
    """Return points as a number without needless digits."""
    text = f"{points:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _points(text: str) -> Decimal | None:
    try:
        points = Decimal(text)
    except InvalidOperation:
        return None
    # Decimal reads "NaN" and "Infinity", too.
    return points if points.is_finite() and 0 <= points <= 10_000 else None


def _cents(points: Decimal) -> Decimal:
    # As people round: Decimal's own rule would make 0.12 of 0.125.
    return points.quantize(Decimal("0.01"), ROUND_HALF_UP)
