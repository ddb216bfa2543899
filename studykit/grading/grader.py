"""Grading one submission: from its files to a result, whatever they are."""

from __future__ import annotations

import hashlib
import importlib.util
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from studykit.errors import StudyError
from studykit.exercises.definition import Args, Exercise, copy_args
from studykit.grading.book.results import Result
from studykit.grading.book.similarity import shingles
from studykit.grading.intake.archives import Member, Rejected, is_archive, members
from studykit.grading.intake.notebooks import MAX_BYTES, Submitted, Unreadable, read_notebook
from studykit.grading.intake.rebuild import Original, Rebuilt, rebuild
from studykit.grading.intake.submissions import Handed, read_regular
from studykit.grading.judging import Cases, grade_exercise
from studykit.grading.sandbox.session import Call, Engine, Plan, run_plan
from studykit.grading.secret import Secret

HIDDEN: Final = 20
"""Hidden cases for each exercise that takes arguments."""
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

    def cases(self, exercise: Exercise, student: str) -> Cases:
        """Return what a student's answer is asked: the same on every regrade."""
        public = exercise.public_cases()
        rng = self.secret.random(self.name, student, exercise.id)
        private = [copy_args(args) for args in self.private.get(exercise.id, ())]
        return Cases([*public, *private, *exercise.random_cases(rng, HIDDEN)], len(public))

    def seeds(self, exercise: Exercise, student: str) -> list[int]:
        """Return the seeds of chance in a sandbox, one for each time an exercise is asked."""
        return [
            self.secret.seed(self.name, student, exercise.id, str(time)) for time in range(TIMES)
        ]


def private_cases(folder: Path, assignment: str) -> dict[str, list[Args]]:
    """Return the cases that a private pack has for a lab: `CASES` in `<lab>.py`.

    Raises:
        StudyError: The pack has no such file, or it does not run or hold such cases.
    """
    path = folder / f"{assignment}.py"
    spec = importlib.util.spec_from_file_location(f"private_{assignment}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise StudyError(f"there is no {path}: name the file after the lab")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return {str(name): [tuple(args) for args in cases] for name, cases in module.CASES.items()}
    except (Exception, SystemExit) as error:
        raise StudyError(
            f"{path} does not hold CASES, a dict from exercise id to tuples of arguments: {error}"
        ) from None


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
    exercises = _run(assignment, handed.student, rebuilt, engine)
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


def _run(assignment: Assignment, student: str, rebuilt: Rebuilt, engine: Engine) -> list[Any]:
    cases = {one.id: assignment.cases(one, student) for one in assignment.exercises}
    calls = [
        Call(one.id, one.name, cases[one.id].all, assignment.seeds(one, student))
        for one in assignment.exercises
    ]
    ran = run_plan(engine, Plan(rebuilt.cells, calls))
    within_s = engine.limits.judging_s
    return [
        grade_exercise(one, cases[one.id], ran.answers[one.id], ran.errors.get(one.id), within_s)
        for one in assignment.exercises
    ]


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
    return sorted(found, key=lambda one: (-one.modified, one.name))


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
    named = [one for one in read if one[1].lab == original.lab.name]
    chosen = named or [one for one in read if not one[1].lab and _resembles(one[1], original)]
    if not chosen:
        others = sorted({one.lab for _, one in read if one.lab})
        what = f"no notebook of {original.lab.name} among the files"
        raise Unreadable(
            reasons[0] if reasons and not others else f"{what}; found {', '.join(others) or 'none'}"
        )
    for own in (original.is_solution, original.is_untouched):  # a whole clone holds both
        chosen = [one for one in chosen if not own(one[1])] or chosen
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
