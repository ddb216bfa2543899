"""Diagnoses that every exercise has for free: what all results of an answer have in common.

A diagnosis is given only if every result fits it, the right ones too. It speaks of the results,
never of the learner's code.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from studykit.checks.diagnosis import shapes
from studykit.checks.diagnosis.arguments import LOOKS_AT_ARGUMENTS, LOOKS_AT_CASES
from studykit.checks.diagnosis.facts import Facts
from studykit.checks.diagnosis.finding import (
    CaseResult,
    Diagnosis,
    Look,
    leaves_of,
    seen,
    telling_first,
)
from studykit.exercises.definition import Exercise, Json, same
from studykit.exercises.wording import short, with_article


def diagnose(
    exercise: Exercise, results: Sequence[CaseResult], facts: Facts | None
) -> Diagnosis | None:
    """Return the first diagnosis that all results fit; None where no diagnosis fits.

    Types come first: where a result has another type, a comparison of values says nothing.
    """
    for look in _LOOKS_AT_TYPES:
        for found in seen(look, exercise, results, facts):
            return replace(found, replaces=True)
    for look in LOOKS:
        for found in seen(look, exercise, results, facts):
            return replace(found, next_step=_OF_A_PREDICTION) if exercise.hidden else found
    # These looks call the reference: of most guesses the first telling case is the end.
    telling = telling_first(results)
    for look in () if exercise.hidden else LOOKS_AT_ARGUMENTS:
        for found in seen(look, exercise, telling, facts):
            return found
    return None


def told_apart(exercise: Exercise, results: Sequence[CaseResult]) -> Diagnosis | None:
    """Return what all wrong cases have and hardly a right one; None where there is nothing."""
    for look in () if exercise.hidden else LOOKS_AT_CASES:
        for found in seen(look, exercise, results, None):
            return found
    return None


def nothing_returned(results: Sequence[CaseResult], facts: Facts | None) -> Iterator[Diagnosis]:
    """Say in how many cases nothing came back, and whether it was printed instead."""
    nothing = [result for result in results if result.got is None]
    if len(nothing) == len(results):
        if facts and facts.printed.strip():
            printed = facts.printed.strip().partition("\n")[0][:60]
            yield Diagnosis(
                "printed-not-returned",
                f"nothing came back; your function printed {printed!r}",
                "What printing shows is lost to the caller: which word hands a value back?",
            )
        yield Diagnosis(
            "nothing-returned",
            "nothing came back in any case",
            "Which line of your function says `return`, and is it reached?",
        )
    elif any(result.expected is None for result in results):
        return
    elif nothing and all(result.right or result.got is None for result in results):
        yield Diagnosis(
            "nothing-on-one-way",
            f"nothing came back in {len(nothing)} of {len(results)} cases; the others are right",
            "Which way through your function ends without a `return`?",
        )


def _nothing_returned(
    _exercise: Exercise, results: Sequence[CaseResult], facts: Facts | None
) -> Iterator[Diagnosis]:
    return nothing_returned(results, facts)


def _other_type(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    wrong = [result for result in results if not result.right]
    for name, convert, step in (
        ("text-for-number", shapes.number_of_text, "Where does a number become a text?"),
        (
            "float-for-whole-number",
            shapes.whole,
            "Where does a float come in: a `/`, a `float()`, a number with a point?",
        ),
    ):
        if all(same(shapes.converted(result.got, convert), result.expected) for result in wrong):
            fault = shapes.wrong_type(wrong[0].got, wrong[0].expected) or "another type"
            yield Diagnosis(name, f"the value is right, its type is not: {fault}", step)
    yield from _other_wrapping(wrong)
    if (
        len({tuple(result.expected) for result in results if isinstance(result.expected, dict)})
        == 1
    ):
        yield from _other_fields(wrong)
    yield from _other_items(results)
    yield from _other_rows(results)
    yield from _just_another_type(results)


def _other_wrapping(wrong: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Yield what holds right values in another way: a list too many or too few, a dict of rows."""
    if all(_fits(result, [result.got]) for result in wrong):
        yield Diagnosis(
            "no-list-around", "the value is right; a list with it inside is asked for",
            "What does the first line of your function say that it returns?",
        )  # fmt: skip
    if all(
        isinstance(result.got, list) and result.got and _fits(result, result.got[0])
        for result in wrong
    ):
        yield Diagnosis(
            "list-around", "the value is right, inside of a list that is not asked for",
            "Is one value asked for, or a list of them?",
        )  # fmt: skip
    if all(
        isinstance(result.got, dict) and _as_rows(result.got, result.expected) for result in wrong
    ):
        yield Diagnosis(
            "dict-for-rows", "the values are right; a list of rows is asked for, and you return a "
            "dict", "How do you make a row [key, value] of each entry, in order?",
        )  # fmt: skip


def _just_another_type(results: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    wrong = [result for result in results if not result.right]
    if any(shapes.holds_none(result.expected) for result in results) and all(
        shapes.is_about_none(result.got, result.expected) for result in wrong
    ):
        return  # where None may be right, the question is when, and not of which type
    faults = [shapes.wrong_type(result.got, result.expected) for result in wrong]
    if all(faults) and not all(shapes.same_items(result.got, result.expected) for result in wrong):
        yield Diagnosis(
            "another-type", str(faults[0]),
            "What does the first line of your function say that it returns?",
        )  # fmt: skip


def _other_fields(wrong: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    if all(isinstance(result.got, dict) and isinstance(result.expected, dict) for result in wrong):
        fields = [
            sorted(result.got) for result in wrong if result.got.keys() != result.expected.keys()
        ]
        if len(fields) == len(wrong):
            mine, asked = ", ".join(fields[0]), ", ".join(sorted(wrong[0].expected))
            yield Diagnosis(
                "other-fields", f"your fields are {mine}; asked for are {asked}",
                "Which names does the task give to the fields?",
            )  # fmt: skip


def _other_items(results: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Say which type stands in lists of an answer that no right list has at that depth."""
    lists = [result for result in results if isinstance(result.expected, list)]
    if len(lists) < len(results) or not all(isinstance(result.got, list) for result in results):
        return
    asked = set().union(*(shapes.kinds_of(result.expected) for result in results))
    strange = {
        kind for result in results for kind in shapes.kinds_of(result.got) if kind not in asked
    }
    if asked and len(strange) == 1 and len({depth for depth, _ in asked}) == 1:
        ((depth, kind),) = strange
        if depth == next(iter(asked))[0]:
            wanted = " or ".join(sorted(name for _, name in asked))
            mine = kind if kind == "None" else with_article(kind)
            yield Diagnosis(
                "another-type", f"your list holds {mine}; asked for is a list of: {wanted}",
                "What does the first line of your function say that it returns?",
            )  # fmt: skip


def _other_rows(results: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Say that rows have more or fewer parts than those that are asked for."""
    if not all(
        isinstance(value, list) for result in results for value in (result.got, result.expected)
    ):
        return
    asked = {len(row) for result in results for row in result.expected if isinstance(row, list)}
    mine = {len(row) for result in results for row in result.got if isinstance(row, list)}
    if (
        len(asked) == 1
        and mine - asked
        and all(all(isinstance(row, list) for row in result.expected) for result in results)
    ):
        (length,), strange = asked, min(mine - asked)
        yield Diagnosis(
            "rows-of-another-length",
            f"a row of yours has {strange} parts; rows of {length} are asked for",
            "Which parts of a row does the task name?",
        )


def _as_rows(got: dict[str, Json], expected: Json) -> bool:
    if not isinstance(expected, list):
        return False
    rows = [[shapes.converted(name, shapes.number_of_text), got[name]] for name in got]
    return shapes.same_items(rows, expected)


def _order(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    lists = [result for result in results if isinstance(result.got, list)]
    if len(lists) == len(results) and all(
        same(result.got[::-1], result.expected) for result in results
    ):
        yield Diagnosis(
            "reversed", "the right values, from the last to the first",
            "In which order are they asked for, and in which does your loop walk?",
        )  # fmt: skip
    if all(same(_turned(result.got), result.expected) for result in results):
        yield Diagnosis(
            "rows-turned-round", "the right rows, each of them turned round",
            "In which order does the task name the parts of a row?",
        )  # fmt: skip
    if all(shapes.same_items(result.got, result.expected) for result in results):
        yield Diagnosis(
            "another-order", "the right values, in another order",
            "By what are they ordered in the task, and where do you sort?",
        )  # fmt: skip


def _turned(rows: Json) -> Json:
    """Return rows, each of them turned round."""
    return [row[::-1] for row in rows]


def _brackets(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say whether lists hold the right values with other brackets, or in another order inside."""
    if not all(isinstance(result.expected, list) for result in results):
        return
    if all(shapes.flat(result.got) == shapes.flat(result.expected) for result in results):
        yield Diagnosis(
            "other-brackets", "the right values, with other brackets around them",
            "Which values belong together in one list, by the example of the task?",
        )  # fmt: skip
    if all(
        same(shapes.ordered(mine), shapes.ordered(wanted))
        for result in results
        for mine, wanted in zip(result.got, result.expected, strict=True)
    ):
        yield Diagnosis(
            "another-order-inside", "the right lists, with their items in another order",
            "In which order are the items inside of each list asked for?",
        )  # fmt: skip
    wrong = [result for result in results if not result.right]
    if len(wrong) > 1 and all(_are_the_others(result) for result in wrong):
        yield Diagnosis(
            "the-others", "you return just what is not asked for, and leave out what is",
            "Read your condition aloud: does it keep an item or leave it out?",
        )  # fmt: skip


def _are_the_others(result: CaseResult) -> bool:
    """Return whether both results together are all items of the lists given, or all places."""
    lists = [value for value in result.args if isinstance(value, list)]
    parts = shapes.flat(result.got) + shapes.flat(result.expected)
    everything = [shapes.flat(lists), *(list(range(len(value))) for value in lists)]
    return bool(parts) and any(
        not shapes.without(parts, given) and not shapes.without(given, parts)
        for given in everything
    )


def _repeats(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    if not all(
        isinstance(result.got, list) and isinstance(result.expected, list) for result in results
    ):
        return
    if all(same(shapes.without_repeats(result.got), result.expected) for result in results):
        yield Diagnosis(
            "repeated", "the right values, and some of them more than once",
            "What is already in your list when you add to it?",
        )  # fmt: skip
    # Of a prediction, this would give away that two of its values are equal.
    if not exercise.hidden and all(
        same(result.got, shapes.without_repeats(result.expected)) for result in results
    ):
        yield Diagnosis(
            "repeats-lost", "values that are equal are in your result only once",
            "Where do equal values become one: a set, a dict, an `in`?",
        )  # fmt: skip
    yield from _cut_off(results)


def _cut_off(results: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Say which end of every list has an item less, or one more."""
    if all(same(result.got, result.expected[:-1]) for result in results):
        yield Diagnosis(
            "last-missing", "the last item is always missing",
            "What happens after your loop has ended?",
        )  # fmt: skip
    if all(same(result.got, result.expected[1:]) for result in results):
        yield Diagnosis(
            "first-missing", "the first item is always missing",
            "What happens before your loop begins?",
        )  # fmt: skip
    if all(result.got and same(result.got[:-1], result.expected) for result in results):
        yield Diagnosis(
            "one-more-at-the-end", "your list always has one item more at the end",
            "With which value does your loop end, and is it asked for?",
        )  # fmt: skip
    if all(result.got and same(result.got[1:], result.expected) for result in results):
        yield Diagnosis(
            "one-more-at-the-start", "your list always has one item more at the start",
            "With which value does your list begin, and is it asked for?",
        )  # fmt: skip


def _amounts(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    by_result = leaves_of(results)
    if by_result is None:
        return
    all_leaves = [leaf for leaves in by_result for leaf in leaves]
    numbers = [leaf for leaf in all_leaves if shapes.is_number(leaf.expected)]
    differing = [leaf for leaf in all_leaves if not same(leaf.got, leaf.expected)]
    if not differing or not all(shapes.is_number(result.got) for result in numbers):
        return
    if not all(shapes.is_number(leaf.expected) for leaf in differing):
        return
    yield from _scaled(numbers, is_of_time=_is_of_time(exercise))
    columns = {leaf.column for leaf in differing}
    where = ""
    if len(columns) == 1 and len({leaf.column for leaf in numbers}) > 1:
        column = columns.pop()
        numbers = [leaf for leaf in numbers if leaf.column == column]
        where = f" in field {column!r}" if not column.isdigit() else f" in place {column} of a row"
    amounts = {leaf.got - leaf.expected for leaf in numbers}
    # One number alone proves nothing, unless the exercise has no more than one case.
    if len(amounts) == 1 and len(numbers) > 1 - bool(exercise.cases == ((),)):
        yield _off_by(amounts.pop(), where, hidden=bool(exercise.hidden))
    elif not where and not exercise.hidden:
        yield from _off_by_argument(exercise, results, by_result)


def _scaled(numbers: Sequence[shapes.Leaf], *, is_of_time: bool) -> Iterator[Diagnosis]:
    if all(leaf.got == -leaf.expected for leaf in numbers):
        yield Diagnosis(
            "wrong-sign", "your numbers have the wrong sign",
            "Which of the two do you subtract from the other?",
        )  # fmt: skip
    if not any(abs(leaf.expected) >= shapes.MS_PER_S for leaf in numbers):
        return
    small = all(leaf.got in (leaf.expected / 1_000, leaf.expected // 1_000) for leaf in numbers)
    if small and not is_of_time:
        yield Diagnosis(
            "thousand-times-too-small", "your numbers are a thousand times too small",
            "What is a thousand in the task, and do you count it?",
        )  # fmt: skip
    elif small:
        yield Diagnosis(
            "seconds-for-milliseconds", "your numbers are in seconds; milliseconds are asked for",
            "Which unit does the name of each argument end with?",
        )  # fmt: skip
    if all(leaf.got == leaf.expected * 1_000 for leaf in numbers):
        yield Diagnosis(
            "thousand-times-too-large", "your numbers are a thousand times too large",
            "Which of your numbers is in milliseconds already?",
        )  # fmt: skip


def _is_of_time(exercise: Exercise) -> bool:
    """Return whether an exercise asks for milliseconds, by what it says of its own function."""
    words = f"{exercise.reference.__doc__} {exercise.hidden} {exercise.task} {exercise.rule}"
    names = " ".join(inspect.signature(exercise.reference).parameters)
    return "_ms" in names or any(word in words for word in ("millisecond", " ms", "_ms"))


def _off_by(amount: float, where: str, *, hidden: bool) -> Diagnosis:
    side = "large" if amount > 0 else "small"
    if abs(amount) == 1:
        name, step = "off-by-one", "Is the edge itself inside or outside, and where do you say so?"
    else:
        name, step = "always-as-far-off", "Where does your answer add or leave out this amount?"
    if hidden:
        return Diagnosis(name, "each of your numbers is off by the same amount", step)
    return Diagnosis(name, f"always {short(abs(amount))} too {side}{where}, in every case", step)


def _off_by_argument(
    exercise: Exercise, results: Sequence[CaseResult], by_result: Sequence[list[shapes.Leaf]]
) -> Iterator[Diagnosis]:
    """Say of which argument the numbers are always that much too large or too small."""
    for place, name in enumerate(inspect.signature(exercise.reference).parameters):
        for factor, side in ((1, "large"), (-1, "small")):
            if all(
                shapes.is_number(result.args[place])
                and leaf.got - leaf.expected == factor * result.args[place]
                for result, leaves in zip(results, by_result, strict=True)
                for leaf in leaves
            ):
                yield Diagnosis(
                    "off-by-an-argument", f"always {name} too {side}, in every case",
                    f"Where does {name} enter your result, and with which sign?",
                )  # fmt: skip


def _words(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    by_result = leaves_of(results)
    if by_result is None:
        return
    texts: list[shapes.Leaf] = []
    others: list[shapes.Leaf] = []
    for result, leaves in zip(results, by_result, strict=True):
        for leaf in leaves:
            (texts if _is_fixed_word(leaf, result) else others).append(leaf)
    words = sorted({leaf.expected for leaf in texts})
    if not texts or not all(same(leaf.got, leaf.expected) for leaf in others):
        return
    listed = ", ".join(map(repr, words))
    strange = [leaf.got for leaf in texts if leaf.got not in words]
    if strange and all(_spelled(leaf.got) == _spelled(leaf.expected) for leaf in texts):
        yield Diagnosis(
            "spelled-otherwise", f"{strange[0]!r} means the right thing and is spelled otherwise; "
            f"the words are {listed}", "Which characters differ from the words of the task?",
        )  # fmt: skip
    elif strange:
        yield Diagnosis(
            "unknown-word", f"{strange[0]!r} is none of the words {listed}",
            "Which words does the task name?",
        )  # fmt: skip
    swapped = {(leaf.expected, leaf.got) for leaf in texts}
    if not strange and len(swapped) == len(words) == len({mine for _, mine in swapped}):
        given = ", ".join(f"{mine!r} for {asked!r}" for asked, mine in sorted(swapped)
                          if mine != asked)  # fmt: skip
        yield Diagnosis(
            "swapped-words", f"you always say {given}" if not _exercise.hidden else
            "you tell them apart, and swap their words",
            "Which word belongs to which of your branches?",
        )  # fmt: skip


def _is_fixed_word(leaf: shapes.Leaf, result: CaseResult) -> bool:
    """Return whether a text is of a list that the task names: names come with the arguments."""
    given = json.dumps(result.args)
    return isinstance(leaf.expected, str) and not any(
        isinstance(word, str) and json.dumps(word) in given for word in (leaf.got, leaf.expected)
    )


def _spelled(word: Json) -> str:
    return "".join(letter for letter in str(word).lower() if letter.isalnum())


def _fits(result: CaseResult, value: Json) -> bool:
    return same(value, result.expected)


_OF_A_PREDICTION: Final = "Which value of yours answers which part of the question?"
_LOOKS_AT_TYPES: Final[tuple[Look, ...]] = (_nothing_returned, _other_type)
# The first look that fits is the one that speaks: the narrower ones stand first.
LOOKS: Final[tuple[Look, ...]] = (_order, _repeats, _brackets, _amounts, _words)
