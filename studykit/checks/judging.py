"""Judging an answer: from what a function returned to a verdict that a learner can use."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

from studykit.checks.running import Outcome
from studykit.exercises.definition import Args, Exercise, Json, Message
from studykit.exercises.wording import WIDTH, call, labelled, short

Status: TypeAlias = Literal["passed", "failed", "not attempted"]

LOST: Final[Outcome] = {"lost": True}
"""The outcome of a case that was never reached."""

SHOWN_CASES: Final = 6
"""As many passed cases are shown as evidence."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of an answer, and what to tell the learner."""

    exercise: Exercise
    status: Status
    evidence: tuple[str, ...] = ()
    message: Message | None = None
    waits_for: str | None = None
    """The exercise whose hole was met instead of this one's."""

    @property
    def misconception(self) -> str | None:
        """The misconception that the answer shows, if it is a known one."""
        return self.message.misconception if self.message else None

    @property
    def text(self) -> str:
        """Everything to show."""
        exercise = self.exercise
        if self.waits_for:
            return f"{exercise.id} uses {self.waits_for}, which is not done: do that one first."
        if self.status == "not attempted":
            return f"{exercise.id} not attempted yet: {exercise.task}"
        if self.message is not None:
            return "\n".join([*self.evidence, "", self.message.text, "", _help(exercise)])
        return "\n".join(
            [*self.evidence, f"{exercise.id} done.", "", labelled("discuss", exercise.discussion)]
        )


def cases_of(exercise: Exercise) -> list[Args]:
    """Return the cases of a check: the public ones, then random ones that are always the same."""
    return exercise.public_cases() + exercise.random_cases(Random(exercise.id))


def judge(exercise: Exercise, cases: Sequence[Args], outcomes: Sequence[Outcome]) -> Judgement:
    """Judge the outcomes of `cases`; one that is missing was never reached, and so is wrong.

    Of several failures the first of the public cases is shown, else the shortest random one.
    """
    for outcome in outcomes:
        if "not_done" in outcome:
            return Judgement(exercise, "not attempted", waits_for=_other_hole(exercise, outcome))
    reached = list(outcomes[: len(cases)])
    tried = list(zip(cases, reached + [LOST] * (len(cases) - len(reached)), strict=True))
    expected = [exercise.expected(args) for args, _ in tried]
    wrong = [
        n for n, (_, outcome) in enumerate(tried) if not _right(exercise, outcome, expected[n])
    ]
    if not wrong:
        return Judgement(exercise, "passed", _evidence(exercise, tried, expected, len(tried)))
    public = len(exercise.cases)
    reasons = [n for n in wrong if "lost" not in tried[n][1]] or wrong
    shown = min(reasons, key=lambda n: (n >= public, n if n < public else _size(cases[n])))
    args, outcome = tried[shown]
    evidence = _evidence(exercise, tried, expected, min(shown + 1, public))
    message = _message(exercise, args, outcome, expected[shown], tried)
    return Judgement(exercise, "failed", evidence, message)


def _other_hole(exercise: Exercise, outcome: Outcome) -> str | None:
    """Return the title of another exercise whose hole was met; None if it was this one's."""
    found = re.match(r"L\d\d\.\d+ [a-z_0-9]{1,40}(?=: )", str(outcome["not_done"]))
    return found[0] if found and found[0] != exercise.title else None


def _right(exercise: Exercise, outcome: Outcome, expected: Json) -> bool:
    return "value" in outcome and exercise.accepts(outcome["value"], expected)


def _size(args: Args) -> int:
    return len(json.dumps(args))


def _message(
    exercise: Exercise,
    args: Args,
    outcome: Outcome,
    expected: Json,
    tried: Sequence[tuple[Args, Outcome]],
) -> Message:
    if "value" in outcome:
        others = [(case, result["value"]) for case, result in tried if "value" in result]
        return exercise.explain(args, outcome["value"], expected, others)
    got, trace, next_step = _without_value(outcome)
    return Message(
        title=exercise.title,
        call=call(exercise.name, exercise.reference, args),
        got=got,
        expected=exercise.shown(expected),
        trace=trace,
        rule=exercise.rule,
        next_step=next_step,
    )


def _without_value(outcome: Outcome) -> tuple[str, str, str]:
    """Return what to say of an outcome that is no value: got, trace and next step."""
    if "raised" in outcome:
        where = outcome["line"] or "outside the notebook's own lines"
        return outcome["raised"], where, "Which value did this line meet that it cannot handle?"
    if "hung" in outcome:
        seconds = f"{outcome['hung']:g} s"
        return (
            f"nothing within {seconds}",
            "the call was interrupted",
            "Which loop in your function has an end that it never reaches?",
        )
    if "lost" in outcome:
        return (
            "no result",
            "a call before this one did not come back",
            "What becomes of your function when it is called several times?",
        )
    return (
        f"a {outcome['no_json']}",
        "the check compares whole numbers, texts, True, False, None, lists and dicts",
        "Which plain Python value holds the same answer?",
    )


def _evidence(
    exercise: Exercise,
    tried: Sequence[tuple[Args, Outcome]],
    expected: Sequence[Json],
    count: int,
) -> tuple[str, ...]:
    """Return a line per public case: the case, the learner's result and the expected one."""
    last = min(count, len(exercise.cases))
    first = max(0, last - SHOWN_CASES)
    lines = []
    for (args, outcome), wanted in list(zip(tried, expected, strict=False))[first:last]:
        mark = "ok" if _right(exercise, outcome, wanted) else "no"
        yours = short(outcome["value"]) if "value" in outcome else "no result"
        head = "  ".join([mark, exercise.id, *([", ".join(map(short, args))] if args else [])])
        results = {"yours": yours, **({} if exercise.hidden else {"expected": short(wanted)})}
        lines.append(_line(head, results))
    return tuple(lines)


def _line(head: str, results: dict[str, str]) -> str:
    """Return a case and its results on one line, or below each other where that is too long."""
    line = "  ".join([head, *(f"{name} {text}" for name, text in results.items())])
    if len(line) <= WIDTH:
        return line
    return "\n".join([head, *(f"{'':11}{name:<9} {text}" for name, text in results.items())])


def _help(exercise: Exercise) -> str:
    return f'A question that may help: lab.hint("{exercise.id}"), or `study hint {exercise.id}`.'
