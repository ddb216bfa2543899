"""Likeness: which slip in the course's own solution would give every one of the learner's results.

A slip is named by its kind, never by its line: the learner's code differs from the solution's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.diagnosis.finding import CaseResult, Diagnosis, telling_first
from studykit.checks.diagnosis.mutation import Kind, compiled, mutants
from studykit.checks.hole import solution_of, solved_namespace
from studykit.checks.running import run_case
from studykit.exercises.definition import Args, Exercise, Json, same

SLIP_S: Final = 0.1
"""Seconds for all cases of one slip."""

_SLIPS: Final[dict[Kind, tuple[str, str, str]]] = {
    "edge": ("an-edge", "a comparison takes its edge in, or leaves it out",
             "Where do two values of this case meet exactly, and which of your comparisons sees "
             "them?"),
    "number": ("one-off-inside", "a number on the way is one too large or too small",
               "Which + 1 or - 1 of yours is one too many, or missing?"),
    "turned": ("turned-round", "a comparison asks for the opposite, or for another relation",
               "Read your comparisons aloud with the numbers of this case: which one says the "
               "opposite of the task?"),
    "place": ("another-place", "another place of a list or row is taken than is asked for",
              "What stands in each place of a row, and which of them do you take?"),
    "rounded": ("rounds", "a division is rounded to the nearest whole number, or up",
                "What do `round(1.6)` and `16 // 10` give, and which of them is asked for?"),
    "kept": ("forgets-the-largest", "of two values always the same one is taken, not the larger or "
             "the smaller one", "What does your function remember when a smaller value comes?"),
    "part": ("a-part-missing", "a part of a sum or a difference is missing",
             "Which amounts of the task enter your result, and which does not?"),
    "condition": ("a-condition-missing", "one of two conditions is missing",
                  "How many conditions does the task name, and how many does your function have?"),
    "early": ("ends-too-early", "a loop ends after its first round",
              "Does a `return` or `break` stand inside of your loop that belongs behind it?"),
    "operator": ("another-operator", "an operator on the way is another",
                 "Follow the numbers of this case by hand: at which step do they go another way?"),
    "extreme": ("min-for-max", "the smallest is taken for the largest, or the other way round",
                "Which of several values do you keep, and which is asked for?"),
    "order": ("not-sorted", "something is not sorted that has to be",
              "Which of your lists is in the order of arrival?"),
    "zero": ("begins-at-zero", "something begins at 0 that has to begin with the first event",
             "What does your function remember before the first event, and can an event be "
             "smaller?"),
    "towards-zero": ("cuts-towards-zero", "a division cuts towards zero",
                     "What do `int(-1 / 10)` and `-1 // 10` give?"),
    "truth": ("zero-for-none", "a number that is 0 is taken for none",
              "Is `if x` the same as `if x is not None`, when x is 0?"),
    "both": ("and-for-or", "`and` and `or` are exchanged, or one condition is missing",
             "Must both of your conditions hold, or is one enough?"),
    "step": ("a-step-missing", "one step of the answer is missing",
             "What has to change from one event to the next, and does it in your function?"),
    "branch": ("a-branch-missing", "one way through the answer is always or never taken",
               "Which case does your function treat like all others, and should not?"),
    "fixed": ("ignores-an-argument", "one argument has the value of a shown case, always",
              "Which argument of the call does not enter your result?"),
    "choice": ("a-branch-missing", "one way through the answer is always or never taken",
               "Which case does your function treat like all others, and should not?"),
}  # fmt: skip


def slip_of(exercise: Exercise, results: Sequence[CaseResult]) -> Diagnosis | None:
    """Return the kind of slip that gives all results; None where no kind or more than one does."""
    source = solution_of(exercise)
    if source is None or len(results) <= 1:
        return None
    ordered = telling_first(results)
    try:
        namespace = solved_namespace(exercise.id[1:3])
    except Exception:  # a setup that needs what this machine has not
        return None
    found = {
        _SLIPS[mutant.kind]
        for mutant in mutants(source, exercise, _SLIPS)
        if _gives(compiled(mutant, exercise, namespace), ordered)
    }
    if len(found) != 1:
        return None
    name, words, next_step = found.pop()
    return Diagnosis(name, f"your results are those of an answer in which {words}", next_step)


def _gives(function: object, results: Sequence[CaseResult]) -> bool:
    try:
        with deadline(SLIP_S):
            return all(same(_value(function, result.args), result.got) for result in results)
    except TooLong:
        return False


def _value(function: object, args: Args) -> Json:
    outcome = run_case(function, args) if callable(function) else {}
    return outcome.get("value", ...)
