"""Words for an answer that gave no value: it raised, hung, or returned what is no JSON."""

from __future__ import annotations

import builtins
import difflib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from studykit.checks.diagnosis.facts import Facts
from studykit.checks.running import Outcome
from studykit.exercises.definition import Args, Exercise


@dataclass(frozen=True, slots=True)
class Failure:
    """What a message says in place of the exercise's own words.

    Attributes:
        name: The kind of mistake, which the message has in brackets; empty where it has no name.
        got: What came instead of a value.
        trace: The place of the mistake, or what is known about it.
        next_step: The smallest next step.
        rule: The rule that was broken, where it is not that of the exercise.
    """

    name: str
    got: str
    trace: str
    next_step: str
    rule: str = ""


_Words: TypeAlias = tuple[str, str]
"""A name and a next step."""

# The first pattern that fits counts: a narrow one stands before a wide one.
_KINDS: Final[tuple[tuple[str, str, str], ...]] = (
    (r"RecursionError", "calls-itself-for-ever",
     "Which call of your function by itself is the last one, and is it ever reached?"),
    (r"NotHere: input", "asks-a-person",
     "The values come as arguments: which parameter holds what you ask for?"),
    (r"NotHere: exit|SystemExit", "ends-the-program",
     "A function ends with `return`: what should it give back at this place?"),
    (r"UnboundLocalError", "used-before-set",
     "Which way through your function reaches this line before the name has a value?"),
    (r"ZeroDivisionError", "divides-by-zero", "For which arguments is this divisor 0?"),
    (r"KeyError", "no-such-key",
     "Which key is asked for before it was put in? `get(key, default)` needs none."),
    (r"AttributeError.*'NoneType'|TypeError.*NoneType", "none-on-the-way",
     "Which value is None at this line, and which way leads there?"),
    (r"AttributeError", "no-such-attribute",
     "Of which type is the value before the dot, and what can that type do?"),
    (r"ValueError.*values to unpack|TypeError.*cannot unpack", "unpacks-wrongly",
     "How many values has one item, and how many names stand before the `in` or the `=`?"),
    (r"TypeError.*object is not callable", "calls-a-value",
     "Which name before the parentheses holds a value, and no function?"),
    (r"TypeError.*(unsupported operand|can only concatenate|not supported between)", "mixed-types",
     "Of which types are the two sides of this operator?"),
    (r"TypeError.*not (subscriptable|iterable)", "not-a-list",
     "Of which type is the value at this line: one number, or a list of them?"),
    (r"TypeError: unhashable", "list-as-a-key",
     "A list cannot be a key of a dict or an item of a set: which plain value names the same?"),
    (r"TypeError.*indices must be", "index-of-another-type",
     "What do you put into the brackets, and of which type should that be?"),
    (r"MemoryError", "grows-without-end", "Which list keeps growing?"),
    (r"AssertionError", "own-assertion", "Which of your own assertions fails, and is it true?"),
)  # fmt: skip

_EMPTY: Final = re.compile(r"IndexError|(ValueError|TypeError): .*empty|StopIteration|KeyError")
_ARGUMENTS: Final = re.compile(
    r"TypeError: (?:<lambda>|\w+)\(\) (?:takes|missing|got an unexpected)"
)
_NAME: Final = re.compile(r"NameError: name '(\w+)' is not defined")


def failure_of(exercise: Exercise, args: Args, outcome: Outcome, facts: Facts | None) -> Failure:
    """Return what a message says of an outcome that is no value."""
    if "raised" in outcome:
        return _raised(exercise, args, outcome, facts)
    if "hung" in outcome:
        return Failure(
            "too-slow",
            f"nothing within {outcome['hung']:g} s",
            "the call was interrupted: it has no end, or very many steps",
            "Is there a loop in your function that never ends? If not: how many steps does it "
            "take for one event?",
        )
    if "lost" in outcome:
        return Failure(
            "",
            "no result",
            "a call before this one did not come back",
            "What becomes of your function when it is called several times?",
        )
    return _no_json(outcome)


def _no_json(outcome: Outcome) -> Failure:
    what = str(outcome.get("no_json", "nothing that was asked for"))
    kind = what.removeprefix("the ").removeprefix("an ").removeprefix("a ").split()[0]
    questions = {
        "number": "Where does your function divide by zero or take an infinite number?",
        "generator": "Which function makes a list of all that it yields?",
        "set": "Which function makes a list of a set, in order?",
        "range": "Which function makes a list of a range?",
        "ellipsis": "Three dots stand for an answer: what belongs in their place?",
    }
    question = questions.get(kind, "Which plain Python value holds the same answer?")
    return Failure(
        "no-plain-value",
        what,
        "the check compares whole numbers, texts, True, False, None, lists and dicts",
        question,
    )


def _raised(exercise: Exercise, args: Args, outcome: Outcome, facts: Facts | None) -> Failure:
    text = str(outcome["raised"])
    where = str(outcome["line"]) or "outside the notebook's own lines"
    rules: tuple[Callable[[], Iterator[_Words]], ...] = (
        lambda: _overwritten(text, facts),
        lambda: _other_arguments(exercise, text, facts),
        lambda: _unknown_name(exercise, text, facts),
        lambda: _nothing_came(args, text),
        lambda: _known_kind(text),
    )
    for rule in rules:
        for name, next_step in rule():
            return Failure(name, text, where, next_step)
    if text.startswith("IndexError"):
        return Failure(
            "beyond-the-end", text, where, "How long is the list here, and which place is its last?"
        )
    name = f"raises-{text.partition(':')[0].lower()}"
    return Failure(name, text, where, "Which value did this line meet that it cannot handle?")


def _overwritten(text: str, facts: Facts | None) -> Iterator[_Words]:
    if facts and facts.overwritten and re.match("TypeError|AttributeError|ValueError", text):
        yield overwritten(facts.overwritten[0])


def overwritten(name: str) -> _Words:
    """Return name and next step of the diagnosis for a builtin that the notebook overwrote."""
    return (
        "overwritten-builtin",
        f"Somewhere in the notebook `{name}` got another value. Rename that variable, then run "
        f"`del {name}` or restart the kernel. Which cell is it?",
    )


def _other_arguments(exercise: Exercise, text: str, facts: Facts | None) -> Iterator[_Words]:
    asked = list(inspect.signature(exercise.reference).parameters)
    mine = facts.parameters if facts and facts.parameters else None
    listed = ", ".join(asked) or "no arguments"
    if mine is not None and len(mine) != len(asked) and _ARGUMENTS.match(text):
        name = "lost-parameter" if len(mine) < len(asked) else "extra-parameter"
        yield (
            name,
            (
                f"The check calls {exercise.name}({listed}); yours takes "
                f"({', '.join(mine)}). Which of them should the first line of your function name?"
            ),
        )
    elif mine is None and _ARGUMENTS.match(text) and f"{exercise.name}()" in text:
        yield (
            "other-parameters",
            (
                f"The check calls {exercise.name}({listed}). Does the first line of your function "
                "name just these?"
            ),
        )


def _unknown_name(exercise: Exercise, text: str, facts: Facts | None) -> Iterator[_Words]:
    found = _NAME.match(text)
    if not found:
        return
    own = facts.parameters if facts else list(inspect.signature(exercise.reference).parameters)
    near = difflib.get_close_matches(found[1], [*own, *dir(builtins)], n=1, cutoff=0.75)
    if near:
        yield "misspelled-name", f"Did you mean `{near[0]}`?"
        return
    yield (
        "unknown-name",
        (
            f"Is `{found[1]}` made in a cell that has not run since the kernel started? Run the "
            "cells from the top, then check again."
        ),
    )


def _nothing_came(args: Args, text: str) -> Iterator[_Words]:
    if [] in args and _EMPTY.match(text):
        yield "nothing-came", "In this case no event came at all: what should the answer be then?"


def _known_kind(text: str) -> Iterator[_Words]:
    for pattern, name, next_step in _KINDS:
        if re.match(pattern, text, re.DOTALL):
            yield name, next_step
            return
