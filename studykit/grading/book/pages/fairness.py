"""Whether an exercise is fair: what hidden cases decide, and wrong answers that have no name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark
from studykit.grading.book.pages.page import element, evidence, table
from studykit.grading.book.results import Score

SHOWN: Final = 20
"""Most groups of wrong answers that are shown."""
LEAST: Final = 2
"""Fewest students whose equal answers make a group."""


def fairness(marks: Sequence[Mark], about: About) -> Iterator[str]:
    """Yield two tables: who decided in each exercise, and which wrong answers many gave."""
    yield element("h2", "Fairness")
    yield element(
        "p",
        "Where hidden cases often decide, the public ones show too little. Where many gave the "
        "same wrong answer, it may be worth a message of its own, or the task is not clear.",
        "soft",
    )
    rows = []
    for exercise in about.lab.exercises:
        attempts = [score for score in _all(marks, exercise.id) if score.attempted]
        wrong = [score for score in attempts if score.verdict != "pass"]
        hidden = sum(score.hidden for score in wrong)
        named = sum(bool(score.misconception) for score in wrong)
        counts = [len(attempts), len(wrong), len(wrong) - hidden, hidden, named]
        rows.append((exercise.title, *map(str, counts)))
    columns = ("exercise", "attempted", "not passed", "by a public case", "by a hidden case",
               "with a known name")  # fmt: skip
    yield table("What decided", columns, rows, (1, 2, 3, 4, 5))
    groups = unnamed(marks)
    if groups:
        yield table(
            "The same wrong answer, without a name",
            ("exercise", "call", "answer", "students"),
            [(*key, list(map(evidence, students))) for key, students in groups[:SHOWN]],
        )


def unnamed(marks: Sequence[Mark]) -> list[tuple[tuple[str, str, str], list[str]]]:
    """Return wrong answers to public cases that no misconception explains, the most frequent first.

    Each comes with the exercise, the call, what it returned, and the students who gave it.
    """
    groups: dict[tuple[str, str, str], list[str]] = {}
    for mark in marks:
        for score in mark.result.exercises:
            told = _told(score)
            if told is not None:
                groups.setdefault((score.id, *told), []).append(mark.student)
    found = [(key, students) for key, students in groups.items() if len(students) >= LEAST]
    return sorted(found, key=lambda group: (-len(group[1]), group[0]))


def _all(marks: Sequence[Mark], exercise: str) -> list[Score]:
    return [score for mark in marks for score in mark.result.exercises if score.id == exercise]


def _told(score: Score) -> tuple[str, str] | None:
    """Return the call and the answer in the message to a student; None where there are none."""
    if score.verdict != "fail" or score.misconception or score.hidden or score.flaky:
        return None
    lines = dict(line.partition(" ")[::2] for line in score.feedback.splitlines())
    if "call" not in lines or "got" not in lines:
        return None
    return lines["call"].strip(), lines["got"].strip()
