"""Judging: what a sandbox answered becomes marks and messages, in the trusted process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.judging import judge
from studykit.checks.lab import missing_text
from studykit.checks.running import Outcome
from studykit.exercises.definition import Args, Exercise, same
from studykit.exercises.wording import labelled
from studykit.grading.book.results import ExerciseVerdict, Score
from studykit.grading.cases import Cases
from studykit.grading.sandbox.replies import Trouble
from studykit.grading.sandbox.session import CallAnswer

MESSAGE: Final = 6_000
"""Longest message, in characters."""

TROUBLES: Final[dict[Trouble, str]] = {
    "timeout": "it did not end in time. Which loop has an end that it never reaches?",
    "crashed": "it ended the process that ran it. Does it call exit, or kill itself?",
    "mem": "it took more memory than there is for one submission. Which list keeps growing?",
    "output": "it printed without end. Which print stands in a loop that never ends?",
    "protocol": "it gave no answer that can be read. Return plain, small values.",
}


def judge_public(
    exercise: Exercise,
    cases: Cases,
    answers: Sequence[CallAnswer],
    error: tuple[str, str] | None,
    within_s: float,
) -> Score:
    """Judge the answers to an exercise's public cases, one for each time that it was asked.

    Args:
        exercise: The exercise.
        cases: What it was asked.
        answers: What came, at least one.
        error: What its cell stopped with, if it did.
        within_s: Seconds that the comparison may take.
    """
    try:
        with deadline(within_s):
            return _public(exercise, cases, answers, error)
    except (Exception, TooLong) as failure:
        return _incomparable(exercise, failure)


def judge_hidden(
    exercise: Exercise,
    cases: Cases,
    public: Score,
    before: CallAnswer,
    answers: Sequence[CallAnswer],
    within_s: float,
) -> Score:
    """Judge what an exercise, whose public cases are right, answered to its hidden ones.

    The student's text is that of the public cases, or, where a hidden case decides, one that is
    the same whatever came: neither value, error, verdict nor misconception is in it.

    Args:
        exercise: The exercise.
        cases: What it was asked.
        public: The judgement of its public cases: they pass.
        before: What it answered to them.
        answers: What came for the hidden ones, at least one.
        within_s: Seconds that the comparison may take.
    """
    try:
        with deadline(within_s):
            found = _hidden(exercise, cases, before, answers)
    except (Exception, TooLong) as failure:
        found = _incomparable(exercise, failure)
    if found.verdict == "pass":
        return public
    return replace(found, feedback=_hidden_text(exercise), attempted=True, hidden=True)


def _public(
    exercise: Exercise,
    cases: Cases,
    answers: Sequence[CallAnswer],
    error: tuple[str, str] | None,
) -> Score:
    found = [_once(exercise, cases.public, answer, error) for answer in _different(answers)]
    return found[0] if len(found) == 1 else _flaky(exercise, found)


def _hidden(
    exercise: Exercise, cases: Cases, before: CallAnswer, answers: Sequence[CallAnswer]
) -> Score:
    different = _different(answers)
    found = [_once(exercise, cases.hidden, answer, None) for answer in different]
    if len(found) == 1 and found[0].verdict == "pass":
        return found[0]
    everything = [*cases.public, *cases.hidden]  # what an instructor reads tells of both
    told = before if isinstance(before, list) else []
    found = [
        _once(exercise, everything, [*told, *answer] if isinstance(answer, list) else answer, None)
        for answer in different
    ]
    return found[0] if len(found) == 1 else _flaky(exercise, found)


def _different(answers: Sequence[CallAnswer]) -> Sequence[CallAnswer]:
    """Return one answer where all are the same."""
    return answers[:1] if all(same(answers[0], other) for other in answers[1:]) else answers


def _flaky(exercise: Exercise, found: Sequence[Score]) -> Score:
    worst = next((score for score in found if score.verdict != "pass"), found[0])
    text = f"{exercise.title}: asked again, it answered otherwise. Where does chance come in?"
    return _result(
        exercise,
        "fail" if worst.verdict == "pass" else worst.verdict,
        text if worst.verdict == "pass" else worst.feedback,
        f"{text}\n\n{worst.detail}",
        flaky=True,
    )


def _once(
    exercise: Exercise, cases: Sequence[Args], answer: CallAnswer, error: tuple[str, str] | None
) -> Score:
    if answer is None:
        text = missing_text(exercise)
        if error is not None:
            text = f"{exercise.title}: its cell stops with {error[0]}: {error[1]}"
        return _result(exercise, "fail", text, text)
    if isinstance(answer, str):
        text = _trouble_text(exercise, answer)
        return _result(exercise, answer, text, text)
    return _judged(exercise, cases, answer)


def _judged(exercise: Exercise, cases: Sequence[Args], outcomes: list[Outcome]) -> Score:
    judgement = judge(exercise, cases, outcomes)
    text = judgement.text
    if judgement.status == "passed":
        return _result(exercise, "pass", text, text)
    if judgement.status == "not attempted":
        return _result(exercise, "fail", text, text, attempted=False)
    return _result(
        exercise, _failure(outcomes), text, text, misconception=judgement.misconception or ""
    )


def _incomparable(exercise: Exercise, failure: BaseException) -> Score:
    detail = f"{exercise.title}: its values could not be compared ({type(failure).__name__})."
    return _result(exercise, "protocol", _trouble_text(exercise, "protocol"), detail)


def _failure(outcomes: Sequence[Outcome]) -> ExerciseVerdict:
    if any("hung" in outcome for outcome in outcomes):
        return "timeout"
    texts = [str(outcome.get("raised", "")) for outcome in outcomes]
    names = [text.partition(":")[0] for text in texts]  # libraries have classes of their own
    return "mem" if any(name.endswith("MemoryError") for name in names) else "fail"


def _hidden_text(exercise: Exercise) -> str:
    """Tell a student that a hidden case fails; nothing of this text depends on how."""
    return "\n".join(
        [
            f"{exercise.title}: the public cases are right, a hidden one is not.",
            labelled("rule", exercise.rule),
            labelled("next", exercise.next_step),
        ]
    )


def _trouble_text(exercise: Exercise, trouble: Trouble) -> str:
    return f"{exercise.title}: {TROUBLES[trouble]}"


def _result(
    exercise: Exercise,
    verdict: ExerciseVerdict,
    feedback: str,
    detail: str,
    *,
    attempted: bool = True,
    misconception: str = "",
    flaky: bool = False,
) -> Score:
    return Score(
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
