"""Judging an answer: from the results of a function to a judgement that helps its author.

Nothing here runs an answer. `running` does that, in the notebook's kernel; the grader judges the
same outcomes with the same function, so that what `check` passes, `grade` passes.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal, TypeAlias

from studykit.checks.diagnosis.facts import Facts
from studykit.checks.diagnosis.failures import failure_of, overwritten
from studykit.checks.diagnosis.finding import CaseResult, Diagnosis
from studykit.checks.diagnosis.likeness import slip_of
from studykit.checks.diagnosis.meanings import diagnose_meaning
from studykit.checks.diagnosis.outline import outline
from studykit.checks.diagnosis.results import diagnose, nothing_returned, told_apart
from studykit.checks.hole import is_untouched
from studykit.checks.running import Outcome
from studykit.exercises.definition import Args, Exercise, Json, Message, Misconception, same
from studykit.exercises.wording import WIDTH, call, labelled, short

Status: TypeAlias = Literal["passed", "failed", "not attempted", "begun"]

LOST: Final[Outcome] = {"lost": True}
"""The outcome of a case that was never reached."""

SHOWN_CASES: Final = 6
"""The largest number of cases that a judgement lists."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of an answer, and what to tell the learner.

    `begun` is an answer that still reaches its hole; it counts neither as right nor as wrong.
    """

    exercise: Exercise
    status: Status
    evidence: tuple[str, ...] = ()
    message: Message | None = None
    waits_for: str | None = None
    """The exercise whose hole was met instead of this one's."""
    work: str = ""
    """What keeps an answer that was begun from being checked."""
    shown: int = 0
    """The index of the case that the message is about."""

    @property
    def misconception(self) -> str | None:
        """The name of the misconception that the answer shows; None if it shows no known one."""
        return self.message.misconception if self.message else None

    @property
    def name(self) -> str:
        """The name in the brackets: a misconception or a general diagnosis; empty without."""
        return (self.message.misconception or self.message.diagnosis or "") if self.message else ""

    @property
    def text(self) -> str:
        """The whole judgement as the learner reads it."""
        exercise = self.exercise
        if self.waits_for:
            return f"{exercise.id} uses {self.waits_for}, which is not done: do that one first."
        if self.status == "begun":
            return f"{exercise.id} begun: {self.work}"
        if self.status == "not attempted":
            return f"{exercise.id} not attempted yet: {exercise.task}"
        if self.message is not None:
            return "\n".join([*self.evidence, "", self.message.text, "", _help(exercise)])
        return "\n".join([*self.evidence, f"{exercise.id} done.", "", *_discussion(exercise)])


def wrong_source(exercise: Exercise, misconception: Misconception) -> str:
    """Return a misconception as a learner would write it: under the exercise's name."""
    source = inspect.getsource(misconception.answer)
    name = misconception.answer.__name__
    return re.sub(rf"^def {name}\(", f"def {exercise.name}(", source, count=1)


def cases_of(exercise: Exercise) -> list[Args]:
    """Return the cases of a check: the public ones, then random ones.

    The seed is the exercise's id: a learner who checks twice meets the same cases.
    """
    return exercise.public_cases() + exercise.random_cases(Random(exercise.id))


def judge(
    exercise: Exercise,
    cases: Sequence[Args],
    outcomes: Sequence[Outcome],
    facts: Facts | None = None,
    blamed: str = "",
) -> Judgement:
    """Judge the outcomes of `cases`; a case without an outcome was never reached, and is wrong.

    The judgement shows one failure: the first of the public cases, else the shortest random one.

    Args:
        exercise: The exercise that the answer is for.
        cases: The public cases, then others.
        outcomes: The outcomes of the cases, in order; there may be fewer.
        facts: What else is known of the answer; None where the answer is not at hand.
        blamed: The title of another exercise that this answer uses and whose own check fails.
    """
    tried = _tried(cases, outcomes)
    expected = [exercise.expected(args) for args in cases]
    wrong = _wrong_places(exercise, tried, expected)
    holes = [outcome for _, outcome in tried if "not_done" in outcome]
    public = len(exercise.cases)
    if holes:
        rights = public - sum(place < public for place in wrong)
        return _unfinished(exercise, holes[0], facts, rights)
    if not wrong:
        return Judgement(exercise, "passed", _evidence(exercise, tried, expected, len(tried)))
    shown = _shown_place(exercise, tried, wrong)
    evidence = _evidence(exercise, tried, expected, min(shown + 1, public))
    # The shown case comes first: where a diagnosis gives an example, it is that one.
    results = [
        CaseResult(tried[n][0], tried[n][1].get("value"), expected[n], right=n not in wrong)
        for n in sorted(range(len(tried)), key=lambda n: n != shown)
        if "value" in tried[n][1]
    ]
    message = _message(exercise, _ShownCase(*tried[shown], expected[shown], blamed), results, facts,
                       complete=len(results) == len(tried))  # fmt: skip
    return Judgement(exercise, "failed", evidence, message, shown=shown)


def failing_case(
    exercise: Exercise, cases: Sequence[Args], outcomes: Sequence[Outcome]
) -> int | None:
    """Return the place of the case that a judgement would show; None where all are right.

    To judge costs more: a message compares all results with those of many other answers.
    """
    tried = _tried(cases, outcomes)
    wrong = _wrong_places(exercise, tried, [exercise.expected(args) for args in cases])
    return _shown_place(exercise, tried, wrong) if wrong else None


def _tried(cases: Sequence[Args], outcomes: Sequence[Outcome]) -> list[tuple[Args, Outcome]]:
    reached = list(outcomes[: len(cases)])
    return list(zip(cases, reached + [LOST] * (len(cases) - len(reached)), strict=True))


def _wrong_places(
    exercise: Exercise, tried: Sequence[tuple[Args, Outcome]], expected: Sequence[Json]
) -> list[int]:
    return [n for n, (_, outcome) in enumerate(tried) if not _right(exercise, outcome, expected[n])]


def _shown_place(
    exercise: Exercise, tried: Sequence[tuple[Args, Outcome]], wrong: Sequence[int]
) -> int:
    public = len(exercise.cases)
    # A case that was reached explains the failure; those behind a hung case are only its victims.
    reasons = [n for n in wrong if "lost" not in tried[n][1]] or wrong
    return min(reasons, key=lambda n: (n >= public, n if n < public else _size(tried[n][0])))


def _unfinished(exercise: Exercise, hole: Outcome, facts: Facts | None, rights: int) -> Judgement:
    """Judge an answer that reaches a hole: another exercise's, its own, or one it never touched."""
    other = _other_hole(exercise, hole)
    if other or facts is None:
        return Judgement(exercise, "not attempted", waits_for=other)
    if facts.source and is_untouched(facts.source, exercise) is False:
        count = len(exercise.cases)
        work = (
            "your function still reaches `raise lab.NotDone`: delete that line, and return your "
            f"answer; {rights} of {count} case{'' if count == 1 else 's'} "
            f"{'is' if rights == 1 else 'are'} right so far."
        )
        return Judgement(exercise, "begun", work=work)
    if facts.elsewhere:
        work = (
            f"another cell defines {exercise.name}, too, and the hole ran after it. Move your "
            "answer into the hole, in place of `raise lab.NotDone`."
        )
        return Judgement(exercise, "begun", work=work)
    return Judgement(exercise, "not attempted")


def _other_hole(exercise: Exercise, outcome: Outcome) -> str | None:
    """Return the title of another exercise whose hole was met; None if it was this one's."""
    # Of a few plain letters: in grading the text comes out of a sandbox.
    found = re.match(r"L\d\d\.\d+ [a-z_0-9]{1,40}(?=: )", str(outcome["not_done"]))
    return found[0] if found and found[0] != exercise.title else None


def _right(exercise: Exercise, outcome: Outcome, expected: Json) -> bool:
    return "value" in outcome and exercise.accepts(outcome["value"], expected)


def _size(args: Args) -> int:
    return len(json.dumps(args))


@dataclass(frozen=True, slots=True)
class _ShownCase:
    """The case that the message is about; `blamed` as in `judge`."""

    args: Args
    outcome: Outcome
    expected: Json
    blamed: str


def _message(
    exercise: Exercise,
    failed: _ShownCase,
    results: Sequence[CaseResult],
    facts: Facts | None,
    *,
    complete: bool,
) -> Message:
    """Explain the shown case: by the facts, by the kind of failure, or by what all results share.

    Args:
        exercise: The exercise that the answer is for.
        failed: The case that the message is about.
        results: Every case that gave a value.
        facts: What else is known of the answer.
        complete: Whether every case gave a value.
    """
    known = _known_by_facts(exercise, failed, facts)
    if "value" not in failed.outcome:
        failure = failure_of(exercise, failed.args, failed.outcome, facts)
        message = Message(
            title=exercise.title,
            call=call(exercise.name, exercise.reference, failed.args),
            got=failure.got,
            expected=exercise.shown(failed.expected),
            trace=failure.trace,
            rule=exercise.rule,
            next_step=failure.next_step,
            diagnosis=failure.name or None,
        )
        return _with(message, known)
    if failed.outcome["value"] is None and not _is_plain(exercise):
        nothing = next(iter(nothing_returned(results, facts)), None)
        known = known or (nothing and replace(nothing, replaces=True))
    others = [(result.args, result.got) for result in results] if complete and not known else None
    message = exercise.explain(failed.args, failed.outcome["value"], failed.expected, others)
    if known or message.misconception:
        return _with(message, known)
    if not _is_plain(exercise):
        return _with(message, diagnose_meaning(exercise, results, facts))
    if not complete:
        return _with(message, outline(exercise, results))
    found = diagnose(exercise, results, facts) or _slip(exercise, results, facts)
    found = found or told_apart(exercise, results) or outline(exercise, results)
    return _with(message, found)


def _is_plain(exercise: Exercise) -> bool:
    """Return whether results are compared as they are, so that their difference says something."""
    return bool(exercise.fingerprint([0]) == [0])


def _slip(
    exercise: Exercise, results: Sequence[CaseResult], facts: Facts | None
) -> Diagnosis | None:
    return slip_of(exercise, results) if facts and not exercise.hidden else None


def _known_by_facts(
    exercise: Exercise, failed: _ShownCase, facts: Facts | None
) -> Diagnosis | None:
    if failed.blamed:
        number = failed.blamed.split()[0]
        return Diagnosis(
            "uses-a-wrong-answer",
            f"your {exercise.name} calls your {failed.blamed.split()[1]}, whose own check fails",
            f"Your {number} is wrong: fix that first, then check this one again.",
            replaces=True,
        )
    if facts is None:
        return None
    if _right(exercise, facts.alone, failed.expected):
        return Diagnosis(
            "remembers-between-calls",
            "called alone this case is right; after other calls it is not",
            "What does your function keep from one call to the next: a global, or a default value "
            "such as `[]`?",
            replaces=True,
        )
    if (
        "value" in facts.alone
        and "value" in failed.outcome
        and not same(facts.alone["value"], failed.outcome["value"])
    ):
        return Diagnosis(
            "changes-by-itself",
            f"the same call gave {short(failed.outcome['value'])}, and then "
            f"{short(facts.alone['value'])}",
            "What does your result depend on besides the arguments: a clock, chance, a global?",
        )
    return _known_by_names(failed, facts)


def _known_by_names(failed: _ShownCase, facts: Facts) -> Diagnosis | None:
    """Return what the names that an answer mentions tell."""
    if facts.overwritten and "raised" not in failed.outcome:
        name, next_step = overwritten(facts.overwritten[0])
        return Diagnosis(name, f"`{facts.overwritten[0]}` is not Python's own here", next_step)
    if "hash" in facts.mentions and '"' in json.dumps(failed.args):
        return Diagnosis(
            "salted-hash", "Python's `hash` of a text is another number in each process",
            "Which number of a text is the same everywhere, today and after a restart?",
        )  # fmt: skip
    return None


def _with(message: Message, diagnosis: Diagnosis | None) -> Message:
    """Return the message with what a diagnosis sees, and its next step."""
    if diagnosis is None:
        return message
    seen = diagnosis.seen if diagnosis.replaces else f"{diagnosis.seen}\n{message.trace}"
    return replace(
        message,
        trace=seen,
        next_step=diagnosis.next_step,
        diagnosis=diagnosis.name,
        misconception=None,
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
        head = "  ".join([mark, exercise.id, *_named(exercise, args)])
        results = {"yours": yours, **({} if exercise.hidden else {"expected": short(wanted)})}
        lines.append(_line(head, results))
    return tuple(lines)


def _named(exercise: Exercise, args: Args) -> list[str]:
    """Return the arguments of a case as text, by name where there are several."""
    names = list(inspect.signature(exercise.reference).parameters)
    if len(args) < len(names) or len(args) <= 1:
        return [short(value) for value in args]
    return [", ".join(f"{name}={short(value)}" for name, value in zip(names, args, strict=False))]


def _line(head: str, results: dict[str, str]) -> str:
    """Return a case and its results on one line, or below each other where that is too long."""
    line = "  ".join([head, *(f"{name} {text}" for name, text in results.items())])
    if len(line) <= WIDTH:
        return line
    return "\n".join([head, *(f"{'':11}{name:<9} {text}" for name, text in results.items())])


def _discussion(exercise: Exercise) -> list[str]:
    lines = [labelled("discuss", exercise.discussion)]
    if exercise.second:
        code = [f"{'':10}{line}".rstrip() for line in exercise.second.strip().splitlines()]
        lines += ["", "another   This answer passes, too:", *code]
    return lines


def _help(exercise: Exercise) -> str:
    return f'A question that may help: lab.hint("{exercise.id}"), or `study hint {exercise.id}`.'
