"""Grading one submission: from its files to a result, whatever they are."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from studykit.exercises.definition import Args, Exercise
from studykit.grading.book.results import Graded, Result
from studykit.grading.book.similarity import shingles
from studykit.grading.cases import Drawer, work_of
from studykit.grading.intake.archives import Member, Rejected, is_archive, members
from studykit.grading.intake.notebooks import MAX_BYTES, Submitted, Unreadable, read_notebook
from studykit.grading.intake.rebuild import Original, Rebuilt, rebuild
from studykit.grading.intake.submissions import Handed, read_regular
from studykit.grading.judging import judge_hidden, judge_public
from studykit.grading.sandbox.session import Answer, Call, Engine, Execution
from studykit.grading.secret import Secret

TIMES: Final = 2
"""Each exercise is asked so often; answers that differ are flaky."""


@dataclass(frozen=True)
class Assignment:
    """A lab as it is graded: the course's notebook, the secret and private cases."""

    original: Original
    secret: Secret
    private: Mapping[str, Sequence[Args]] = field(default_factory=dict)
    """More hidden cases, the same for everybody, by exercise id."""

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """The exercises in their order."""
        return self.original.lab.exercises

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.original.lab.name

    @cached_property
    def drawer(self) -> Drawer:
        """What draws the cases."""
        return Drawer(self.original.lab, self.secret, self.private)

    def seeds(self, exercise: Exercise, work: str) -> list[int]:
        """Return the seeds of chance in a sandbox, one for each time an exercise is asked."""
        return [self.secret.seed(self.name, work, exercise.id, str(time)) for time in range(TIMES)]


def grade(assignment: Assignment, handed: Handed, key: str, engine: Engine) -> Result:
    """Grade what a student handed in.

    Raises:
        EngineFailure: The sandbox does not work; nothing is said about the submission.
    """
    began = time.monotonic()
    known: dict[str, Any] = {"student": handed.student, "key": key}
    known["submitted"] = handed.submitted or ""
    try:
        if handed.rejected:
            raise Rejected(handed.rejected)
        chosen, submitted, notes = _choose(_notebooks(handed), assignment.original)
    except Rejected as error:
        return Result(status="rejected", reason=str(error), **known)
    except (Unreadable, OSError, MemoryError) as error:
        return Result(status="unreadable", reason=str(error) or "too large", **known)
    rebuilt = rebuild(assignment.original, submitted)
    exercises = _run(assignment, rebuilt, engine)
    given = [cell.source for cell in assignment.original.cells]
    return Result(
        status="graded",
        exercises=tuple(exercises),
        file=chosen,
        restored=rebuilt.restored,
        review=(*handed.review, *notes, *rebuilt.review),
        seconds=round(time.monotonic() - began, 3),
        shingles=shingles(rebuilt.texts.values(), given),
        **known,
    )


def _run(assignment: Assignment, rebuilt: Rebuilt, engine: Engine) -> list[Graded]:
    """Ask for the public cases of all exercises, judge them, and only then ask for hidden ones.

    What a student reads is made before a hidden case has entered a sandbox.
    """
    work = work_of([cell.source for cell in rebuilt.cells])
    cases = {each.id: assignment.drawer.cases(each, work) for each in assignment.exercises}
    within_s = engine.limits.judging_s
    with Execution(engine, rebuilt.cells) as execution:

        def ask(exercises: Sequence[Exercise], *, hidden: bool) -> dict[str, list[Answer]]:
            calls = []
            for exercise in exercises:
                asked = cases[exercise.id].hidden if hidden else cases[exercise.id].public
                seeds = assignment.seeds(exercise, work)
                calls.append(Call(exercise.id, exercise.name, asked, seeds))
            return execution.ask(calls)

        answers = ask(assignment.exercises, hidden=False)
        errors = dict(execution.errors)
        judged = {
            each.id: judge_public(
                each, cases[each.id], answers[each.id], errors.get(each.id), within_s
            )
            for each in assignment.exercises
        }
        right = [
            each
            for each in assignment.exercises
            if judged[each.id].verdict == "pass" and cases[each.id].hidden
        ]
        found = ask(right, hidden=True)
    for exercise in right:
        judged[exercise.id] = judge_hidden(
            exercise,
            cases[exercise.id],
            judged[exercise.id],
            answers[exercise.id][0],
            found[exercise.id],
            within_s,
        )
    return [judged[exercise.id] for exercise in assignment.exercises]


def _notebooks(handed: Handed) -> list[Member]:
    """Return the notebooks among the files, those in archives too, the newest first."""
    found: list[Member] = []
    for path in handed.files:
        if path.name.lower().endswith(".ipynb"):
            data = read_regular(path, MAX_BYTES + 1)
            found.append(Member(path.name, path.stat().st_mtime, data))
        elif is_archive(path.name):
            found += _inside(path)
    if not found:
        raise Unreadable("there is no notebook among the files")
    return sorted(found, key=lambda member: (-member.modified, member.name))


def _inside(path: Path) -> list[Member]:
    found = []
    for member in members(path):
        if is_archive(member.name):
            raise Rejected(f"the archive {path.name} holds another archive")
        hidden = any(part.startswith((".", "__MACOSX")) for part in member.name.split("/"))
        if member.name.lower().endswith(".ipynb") and not hidden:
            found.append(member)
    return found


def _choose(found: Sequence[Member], original: Original) -> tuple[str, Submitted, list[str]]:
    """Choose the notebook of the lab: by what it says it is, else by its cells.

    Raises:
        Unreadable: None of them is.
    """
    read: list[tuple[str, Submitted]] = []
    reasons: list[str] = []
    for member in found:
        try:
            read.append((member.name, read_notebook(member.data)))
        except Unreadable as error:
            reasons.append(str(error))
    named = [(name, book) for name, book in read if book.lab == original.lab.name]
    chosen = named or [
        (name, book) for name, book in read if not book.lab and _resembles(book, original)
    ]
    if not chosen:
        others = sorted({book.lab for _, book in read if book.lab})
        what = f"no notebook of {original.lab.name} among the files"
        raise Unreadable(
            reasons[0] if reasons and not others else f"{what}; found {', '.join(others) or 'none'}"
        )
    for own in (original.is_solution, original.is_untouched):  # a whole clone holds both
        chosen = [(name, book) for name, book in chosen if not own(book)] or chosen
    notes = [] if named else ["the notebook does not say which lab it is; known by its cells"]
    if len(chosen) > 1:
        notes.append(f"{len(chosen)} notebooks of this lab, the newest counts: {chosen[0][0]}")
    notes += [f"another file is not readable: {reason}" for reason in reasons[:1]]
    return chosen[0][0], chosen[0][1], notes


def _resembles(submitted: Submitted, original: Original) -> bool:
    names = [exercise.name for exercise in original.lab.exercises]
    ids = {cell.id for cell in submitted.cells}
    return bool(ids & set(original.answers)) or any(
        f"def {name}(" in cell.source for cell in submitted.cells for name in names
    )


def key_of(handed: Handed, context: str) -> str:
    """Return the key of a result: it changes with the files and with all they are graded by."""
    text = f"{context}\n{handed.student}\n{handed.submitted}\n{handed.review}\n{handed.digest()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
