"""The roster: who is expected, and which names cannot be told apart without an instructor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from studykit.errors import StudyError
from studykit.grading.intake.identity import alike, composed, identity
from studykit.grading.intake.submissions import Submission
from studykit.grading.intake.text import read_table


def read_roster(path: Path) -> list[str]:
    """Return the names in the column `student`, as often as they are there.

    Raises:
        StudyError: It cannot be read, or a row names nobody.
    """
    names = [row["student"].strip() for row in read_table(path, ("student",))]
    if "" in names:
        raise StudyError(
            f"{path}: row {names.index('') + 1} names no student: fill it or remove it"
        )
    return [identity(name) for name in names]


def match(handed: Sequence[Submission], expected: Sequence[str] | None) -> list[Submission]:
    """Compare what was handed in with the roster; return who handed in nothing.

    Only names that are equal are one person. Names that Unicode calls equal take the roster's
    form. Names that a person may take for each other are unsettled, unless every one of them is on
    the roster.

    Args:
        handed: What was handed in; it is marked, never merged.
        expected: The names of the roster; None without one.
    """
    roster = Counter(expected or ())
    _take_form(handed, roster)
    names = {submission.student for submission in handed}
    missing = [Submission(name) for name in sorted(roster.keys() - names)]
    everybody = [*handed, *missing]
    for submission in everybody:
        if expected is not None and submission.student not in roster:
            submission.review.append("not on the roster")
        if roster[submission.student] > 1:
            times = roster[submission.student]
            submission.unsettled.append(f"the roster has this name {times} times")
    _doubt_alike(everybody, roster)
    return missing


def _take_form(handed: Sequence[Submission], roster: Counter[str]) -> None:
    """Give a name the form that the roster has, where exactly one of each is the same text."""
    wanted: dict[str, list[str]] = {}
    for name in roster:
        wanted.setdefault(composed(name), []).append(name)
    given: dict[str, list[Submission]] = {}
    for submission in handed:
        given.setdefault(composed(submission.student), []).append(submission)
    for text, group in given.items():
        if len(group) == 1 and len(wanted.get(text, ())) == 1:
            group[0].student = wanted[text][0]


def _doubt_alike(everybody: Sequence[Submission], roster: Counter[str]) -> None:
    groups: dict[str, list[Submission]] = {}
    for submission in everybody:
        groups.setdefault(alike(submission.student), []).append(submission)
    for group in groups.values():
        known = all(roster[submission.student] for submission in group)
        for submission in group if len(group) > 1 else ():
            others = ", ".join(other.student for other in group if other is not submission)
            note = f"another student has nearly the same name: {others}"
            (submission.review if known else submission.unsettled).append(note)
