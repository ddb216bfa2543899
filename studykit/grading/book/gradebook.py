"""The gradebook: a table for people and one for programs. The same results give the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from studykit.exercises.definition import Lab
from studykit.files import write_whole
from studykit.grading.book.marks import SETTLED, SUBMITTED, Mark, as_text
from studykit.grading.intake.text import guarded, printable, read_table, visible


@dataclass(frozen=True, slots=True)
class About:
    """What a gradebook says of its run: the lab, the isolation, and the versions of what graded."""

    lab: Lab
    isolation: str
    level: str
    trusted: bool
    versions: dict[str, str]

    @property
    def out_of(self) -> int:
        """The points of all exercises."""
        return sum(exercise.points for exercise in self.lab.exercises)


def write_csv(path: Path, marks: Sequence[Mark], about: About) -> None:
    """Write a line for each student; a spreadsheet takes no cell of it for a formula."""
    ids = [exercise.id for exercise in about.lab.exercises]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(
        ["student", "status", *ids, "percent_off", "total", "out_of", "flags", "note", "isolation"]
    )
    for mark in marks:
        points = [_number(mark.points.get(id_), mark) for id_ in ids]
        total = "" if mark.total is None else as_text(mark.total)
        notes = "; ".join(filter(None, [mark.result.reason, *mark.unsettled, *mark.reasons]))
        words = [" ".join(mark.flags), printable(notes).replace("\n", " "), about.level]
        table.writerow(
            [
                guarded(mark.student),
                mark.result.status,
                *points,
                mark.percent_off,
                total,
                about.out_of,
                *map(guarded, words),
            ]
        )
    write_whole(path, text.getvalue())


def decisions(path: Path) -> list[dict[str, str]]:
    """Return the rows of an earlier table of what is to settle that somebody has begun to fill in.

    Raises:
        StudyError: The table is there and cannot be read.
    """
    rows = read_table(path, COLUMNS[:4]) if path.exists() else []
    return [row for row in rows if row["reason"].strip() or row["points"].strip()]


def write_settling(
    path: Path, marks: Sequence[Mark], decided: Sequence[Mapping[str, str]] = ()
) -> None:
    """Write a table of overrides in which an instructor only has to fill in reasons.

    The rows of `decided` stay: the table may be the file of overrides itself, and what was decided
    outlives every run.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([row.get(name, "") for name in COLUMNS] for row in decided)
    there = {(row["student"], row["exercise"].strip()) for row in decided}
    for mark in marks:
        for why in mark.unsettled:
            what = SETTLED if why in mark.result.unsettled else SUBMITTED
            if (guarded(mark.student), what) not in there:
                table.writerow([guarded(mark.student), what, "", "", guarded(visible(why))])
    write_whole(path, text.getvalue())


COLUMNS: Final = ("student", "exercise", "points", "reason", "why")
"""Those of the table of what is to settle; the first four are those of overrides."""


def write_json(path: Path, marks: Sequence[Mark], about: About) -> None:
    """Write all that a run found but seconds: the same results give the same bytes."""
    book = {
        "lab": about.lab.name,
        "out_of": about.out_of,
        "isolation": about.isolation,
        "trusted_isolation": about.trusted,
        "versions": about.versions,
        "students": [_student(mark) for mark in marks],
    }
    text = msgspec.json.format(msgspec.json.encode(book), indent=1).decode()
    write_whole(path, text + "\n")


def _student(mark: Mark) -> dict[str, Any]:
    result = mark.result
    return {
        "student": mark.student,
        "status": result.status,
        "total": None if mark.total is None else as_text(mark.total),
        "percent_off": mark.percent_off,
        "overrides": list(mark.reasons),
        "flags": list(mark.flags),
        "unsettled": list(mark.unsettled),
        "reason": printable(result.reason),
        "file": visible(result.file),
        "submitted": visible(result.submitted),
        "restored": [printable(text) for text in result.restored],
        "review": [printable(text) for text in (*result.review, *mark.notes)],
        "exercises": [
            {
                "id": score.id,
                "verdict": score.verdict,
                "attempted": score.attempted,
                "points": _number(mark.points.get(score.id), mark),
                "misconception": score.misconception,
                "flaky": score.flaky,
                "feedback": printable(score.feedback),
                "detail": printable(score.detail),
            }
            for score in result.exercises
        ],
    }


def _number(points: Decimal | None, mark: Mark) -> str:
    if mark.unsettled:
        return ""
    return "0" if points is None else as_text(points)
