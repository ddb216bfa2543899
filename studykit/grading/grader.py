"""Grading one submission: from its files to a result, whatever they are."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from msgspec.structs import replace

from studykit.checks.deadline import TooLong, deadline
from studykit.exercises.definition import Args, Exercise
from studykit.grading.book.results import Result, Score
from studykit.grading.book.similarity import shingles
from studykit.grading.cases import Drawer, work_of
from studykit.grading.intake.archives import Rejection
from studykit.grading.intake.submissions import Submission
from studykit.grading.judging import judge_hidden, judge_public
from studykit.grading.notebook.choice import choose
from studykit.grading.notebook.code import first_line
from studykit.grading.notebook.journal import journal_of
from studykit.grading.notebook.reading import ReadingFailure
from studykit.grading.notebook.rebuild import Original, Plan, rebuild
from studykit.grading.sandbox.replies import Trouble
from studykit.grading.sandbox.session import Call, CallAnswer, Engine, Execution
from studykit.grading.secret import Secret

READING_S: Final = 30.0
"""Seconds in which a submission must be unpacked and read."""
EVIDENCE: Final = 12_000
"""Characters of a submission's own cells that the report keeps."""
TIMES: Final = 2
"""How often each exercise is asked; an answer that differs between two times is flaky."""


@dataclass(frozen=True)
class GradedLab:
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
        """The drawer of this lab's cases; it keeps the kinds that it has found."""
        return Drawer(self.original.lab, self.secret, self.private)

    def seeds(self, exercise: Exercise, work: str) -> list[int]:
        """Return the seeds of chance in a sandbox, one for each time an exercise is asked."""
        return [self.secret.seed(self.name, work, exercise.id, str(time)) for time in range(TIMES)]


def grade(assignment: GradedLab, submission: Submission, key: str, engine: Engine) -> Result:
    """Grade what a student handed in.

    Raises:
        EngineFailure: The sandbox does not work. That says nothing about the submission.
    """
    began = time.monotonic()
    known: dict[str, Any] = {"student": submission.student, "key": key}
    known["submitted"] = submission.submitted or ""
    try:
        if submission.rejected:
            raise Rejection(submission.rejected)
        with deadline(READING_S):
            chosen = choose(submission, assignment.original)
            plan = rebuild(assignment.original, chosen.notebook, chosen.modules)
            journal = journal_of(assignment.original.journal, chosen.notebook)
    except Rejection as error:
        return Result(status="rejected", reason=str(error), **known)
    except (ReadingFailure, OSError) as error:
        return Result(status="unreadable", reason=str(error), **known)
    except (MemoryError, RecursionError, TooLong):
        return Result(status="unreadable", reason="it is too large or too deep to read", **known)
    exercises, left_out = _run(assignment, plan, engine)
    given = [cell.source for cell in assignment.original.cells]
    return Result(
        status="graded",
        exercises=tuple(exercises),
        file=chosen.name,
        restored=plan.restored,
        review=(*submission.review, *chosen.notes, *plan.review, *left_out),
        seconds=round(time.monotonic() - began, 3),
        code=tuple(_cut(plan.texts)),
        journal=journal,
        shingles=shingles(plan.texts, given),
        **known,
    )


def _run(assignment: GradedLab, plan: Plan, engine: Engine) -> tuple[list[Score], list[str]]:
    """Ask for the public cases of all exercises, judge them, and only then ask for hidden ones.

    What a student reads is made before a hidden case has entered a sandbox.
    """
    work = work_of([cell.source for cell in plan.cells])
    cases = {each.id: assignment.drawer.cases(each, work) for each in assignment.exercises}
    within_s = engine.limits.judging_s
    with Execution(engine, plan.cells) as execution:

        def ask(exercises: Sequence[Exercise], *, hidden: bool) -> dict[str, list[CallAnswer]]:
            calls = []
            for exercise in exercises:
                asked = cases[exercise.id].hidden if hidden else cases[exercise.id].public
                seeds = assignment.seeds(exercise, work)
                calls.append(Call(exercise.id, exercise.name, asked, seeds))
            return execution.ask(calls)

        answers = ask(assignment.exercises, hidden=False)
        # A copy: the cells may be run again for hidden cases, and what goes wrong then is not told.
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
    timed = [
        replace(judged[each.id], seconds=round(execution.seconds.get(each.id, 0.0), 3))
        for each in assignment.exercises
    ]
    return timed, _left_out(execution)


def _left_out(execution: Execution) -> list[str]:
    """Return a sentence for each cell that was left out, because it ended the sandbox."""
    return [
        f"left out, because {_ENDS[trouble]}: the cell that begins with {first_line(source)!r}"
        for source, trouble in execution.left_out.items()
    ]


_ENDS: Final[dict[Trouble, str]] = {
    "timeout": "it did not end in time",
    "crashed": "it ended its process",
    "mem": "it took too much memory",
    "output": "it printed without end",
    "protocol": "it disturbed the runner",
}


def _cut(texts: Sequence[str]) -> Iterator[str]:
    """Yield cells as evidence for an instructor, up to `EVIDENCE` characters of them all."""
    left = EVIDENCE
    for text in filter(str.strip, texts):
        if left <= 0:
            yield "... more cells"
            return
        yield text if len(text) <= left else f"{text[:left]}\n... cut"
        left -= len(text)


def key_of(submission: Submission, context: str) -> str:
    """Return the key of a result: it changes with the files and with all they are graded by."""
    parts = [submission.student, submission.submitted, submission.review, submission.digest()]
    text = "\n".join([context, *map(repr, parts)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
