"""From what a sandbox answered to marks and messages, in the trusted process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.judging import Judgement, judge
from studykit.checks.lab import missing_text
from studykit.checks.running import Outcome
from studykit.exercises.definition import Args, Exercise, same
from studykit.exercises.wording import labelled
from studykit.grading.book.results import Graded, Verdict
from studykit.grading.sandbox.replies import Trouble
from studykit.grading.sandbox.session import Answer

MESSAGE: Final = 6_000
"""Longest message, in characters."""

TROUBLES: Final[dict[Trouble, str]] = {
    "timeout": "it did not end in time. Which loop has an end that it never reaches?",
    "crashed": "it ended the process that ran it. Does it call exit, or kill itself?",
    "mem": "it took more memory than there is for one submission. Which list keeps growing?",
    "output": "it printed without end. Which print stands in a loop that never ends?",
    "protocol": "it gave no answer that can be read. Return plain, small values.",
}


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of an exercise for one student: the public ones come first."""

    all: Sequence[Args]
    public: int


def grade_exercise(
    exercise: Exercise,
    cases: Cases,
    answers: Sequence[Answer],
    error: tuple[str, str] | None,
    within_s: float,
) -> Graded:
    """Judge what an exercise answered, once for each time it was asked.

    Args:
        exercise: The exercise.
        cases: What it was asked.
        answers: What came, at least one.
        error: What its cell stopped with, if it did.
        within_s: Seconds that the comparison may take.
    """
    try:
        with deadline(within_s):
            return _graded(exercise, cases, answers, error)
    except (Exception, TooLong) as failure:
        detail = f"{exercise.title}: its values could not be compared ({type(failure).__name__})."
        return _result(exercise, "protocol", _trouble_text(exercise, "protocol"), detail)


def _graded(
    exercise: Exercise,
    cases: Cases,
    answers: Sequence[Answer],
    error: tuple[str, str] | None,
) -> Graded:
    if all(same(answers[0], other) for other in answers[1:]):
        return _once(exercise, cases, answers[0], error)
    found = [_once(exercise, cases, answer, error) for answer in answers]
    worst = next((one for one in found if one.verdict != "pass"), found[0])
    text = f"{exercise.title}: asked again, it answered otherwise. Where does chance come in?"
    return _result(
        exercise,
        "fail" if worst.verdict == "pass" else worst.verdict,
        text if worst.verdict == "pass" else worst.feedback,
        f"{text}\n\n{worst.detail}",
        flaky=True,
    )


def _once(
    exercise: Exercise, cases: Cases, answer: Answer, error: tuple[str, str] | None
) -> Graded:
    if answer is None:
        text = missing_text(exercise)
        if error is not None:
            text = f"{exercise.title}: its cell stops with {error[0]}: {error[1]}"
        return _result(exercise, "fail", text, text)
    if isinstance(answer, str):
        text = _trouble_text(exercise, answer)
        return _result(exercise, answer, text, text)
    return _judged(exercise, cases, answer)


def _judged(exercise: Exercise, cases: Cases, outcomes: list[Outcome]) -> Graded:
    everything = judge(exercise, cases.all, outcomes)
    if everything.status == "passed":
        return _result(exercise, "pass", everything.text, everything.text)
    public = judge(exercise, cases.all[: cases.public], outcomes[: cases.public])
    if everything.status == "not attempted":
        return _result(exercise, "fail", everything.text, everything.text, attempted=False)
    feedback = public.text if public.status == "failed" else _hidden_text(exercise, everything)
    return _result(
        exercise,
        _failure(outcomes),
        feedback,
        everything.text,
        misconception=everything.misconception or "",
    )


def _failure(outcomes: Sequence[Outcome]) -> Verdict:
    if any("hung" in one for one in outcomes):
        return "timeout"
    texts = [str(one.get("raised", "")) for one in outcomes]
    return "mem" if any(text.startswith("MemoryError") for text in texts) else "fail"


def _hidden_text(exercise: Exercise, verdict: Judgement) -> str:
    """Tell a student that a hidden case fails, without any of its values."""
    message = verdict.message
    rule = message.rule if message and message.misconception else exercise.rule
    step = message.next_step if message and message.misconception else exercise.next_step
    return "\n".join(
        [
            f"{exercise.title}: the public cases are right, a hidden one is not.",
            labelled("rule", rule),
            labelled("next", step),
        ]
    )


def _trouble_text(exercise: Exercise, trouble: Trouble) -> str:
    return f"{exercise.title}: {TROUBLES[trouble]}"


def _result(
    exercise: Exercise,
    verdict: Verdict,
    feedback: str,
    detail: str,
    *,
    attempted: bool = True,
    misconception: str = "",
    flaky: bool = False,
) -> Graded:
    return Graded(
        id=exercise.id,
        verdict=verdict,
        points=exercise.points,
        earned=exercise.points if verdict == "pass" else 0,
        attempted=attempted,
        misconception=misconception,
        feedback=_cut(feedback),
        detail=_cut(detail),
        flaky=flaky,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE else f"{text[:MESSAGE]}\n... cut"
