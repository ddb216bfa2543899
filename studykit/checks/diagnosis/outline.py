"""Outlines: which part of the wrong results differs, for answers of which nothing else is known.

An outline says less than a diagnosis, and is as true: it tells what is right, and what is not.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from studykit.checks.diagnosis import shapes
from studykit.checks.diagnosis.arguments import one_for_another
from studykit.checks.diagnosis.facts import Facts
from studykit.checks.diagnosis.finding import (
    ENOUGH,
    CaseResult,
    Diagnosis,
    Look,
    leaves_of,
    seen,
    wrong_results,
)
from studykit.checks.diagnosis.results import LOOKS
from studykit.exercises.definition import Exercise, Json, same
from studykit.exercises.wording import counted, short


def outline(exercise: Exercise, results: Sequence[CaseResult]) -> Diagnosis | None:
    """Return which part of the wrong results differs, and how; None where nothing is common.

    Of a result that is hidden, only the number of right parts is told, and which is the first
    wrong one.
    """
    for look in (_in_part,) if exercise.hidden else _OUTLINES:
        for found in seen(look, exercise, results, None):
            return found
    return None


def _in_part(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    # A prediction has one case.
    (result,) = results
    got, expected = result.got, result.expected
    if not isinstance(got, list) or not isinstance(expected, list):
        return
    if len(got) != len(expected):
        yield Diagnosis(
            "another-length",
            f"{counted(len(expected), 'value')} are asked for, and you give {len(got)}",
            "What does the task ask for, one by one?",
        )
        return
    wrong = [n for n, parts in enumerate(zip(got, expected, strict=True), 1) if not same(*parts)]
    right = len(got) - len(wrong)
    which = " and ".join(filter(None, [", ".join(map(str, wrong[:-1])), str(wrong[-1])]))
    yield Diagnosis(
        "right-in-part" if right else "none-right",
        f"{right} of your {len(got)} values {'is' if right == 1 else 'are'} right; not right is "
        f"number {which}" if right else f"none of your {len(got)} values is right",
        f"What does the task ask for at number {wrong[0]}, and how did you get your value?",
    )  # fmt: skip


def _fields(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say which fields of a dict are ever wrong, and how, where it is only one."""
    wrong = wrong_results(results)
    results = [
        result
        for result in results
        if isinstance(result.got, dict) and isinstance(result.expected, dict)
    ]
    if not all(result in results for result in wrong):
        return
    if len({tuple(sorted(result.expected)) for result in results}) > 1:
        yield from _keys(wrong)
        return
    asked = sorted(wrong[0].expected, key=lambda name: (_is_right(wrong[0], name), name))
    fields = [
        name
        for name in asked
        # `...` is no JSON value, so that a field that is missing is never right.
        if any(not same(result.got.get(name, ...), result.expected[name]) for result in wrong)
    ]
    for name in fields:
        lacking = sum(name not in result.got for result in results)
        if lacking:
            yield Diagnosis(
                "a-field-missing", f"the field {name!r} is missing in {lacking} of {len(results)} "
                "cases", f"Which way through your function leaves {name!r} out?",
            )  # fmt: skip
    yield from _some_fields(exercise, results, fields, [n for n in asked if n not in fields])


def _is_right(result: CaseResult, name: str) -> bool:
    """Return whether a field is right: the shown case comes first, and its wrong fields with it."""
    return same(result.got.get(name, ...), result.expected[name])


def _some_fields(
    exercise: Exercise, results: Sequence[CaseResult], fields: Sequence[str], right: Sequence[str]
) -> Iterator[Diagnosis]:
    shown = wrong_results(results)[0]
    for name in fields:
        if _is_right(shown, name):
            break  # what is true of a field that the learner sees to be right helps nobody
        inner = _inner(
            exercise, results, [(result.got[name], result.expected[name]) for result in results]
        )
        if inner and len(fields) > 1:
            yield replace(inner, seen=f"in the field {name!r}: {inner.seen}")
        elif len(fields) == 1 and right:
            yield Diagnosis(
                f"only-{name}".replace("_", "-"),
                f"only the field {name!r} is ever wrong{_more(inner)}",
                inner.next_step if inner else f"Which lines of your function change {name!r}?",
            )
    if right:
        yield Diagnosis(
            f"not-{right[0]}".replace("_", "-"),
            f"always right: {', '.join(right)}; ever wrong: {', '.join(fields)}",
            f"What do {' and '.join(fields)} depend on, that {right[0]} does not?",
        )  # fmt: skip


def _keys(wrong: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Say whether keys are missing, too many, or have other values."""
    missing = [sorted(result.expected.keys() - result.got.keys()) for result in wrong]
    extra = [sorted(result.got.keys() - result.expected.keys()) for result in wrong]
    common = [
        name
        for result in wrong
        for name in result.got.keys() & result.expected.keys()
        if not same(result.got[name], result.expected[name])
    ]
    if not any(missing) and not any(extra):
        yield Diagnosis(
            "other-values", f"your keys are right; the value of {common[0]!r} is not",
            f"How does {common[0]!r} come to its value?",
        )  # fmt: skip
    elif all(missing) and not any(extra) and not common:
        yield Diagnosis(
            "keys-missing", f"what you have is right; {missing[0][0]!r} is missing",
            f"What keeps {missing[0][0]!r} out of your dict?",
        )  # fmt: skip
    elif all(extra) and not any(missing) and not common:
        yield Diagnosis(
            "keys-too-many", f"you have {extra[0][0]!r}, too, which is not asked for; all else is "
            "right", f"What lets {extra[0][0]!r} into your dict?",
        )  # fmt: skip


def _columns(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say which place of every row is all that is ever wrong, and how."""
    by_result = leaves_of(results)
    if by_result is None:
        return
    all_leaves = [leaf for leaves in by_result for leaf in leaves]
    columns = {leaf.column for leaf in all_leaves if not same(leaf.got, leaf.expected)}
    if len(columns) == 1 and len({leaf.column for leaf in all_leaves}) > 1:
        column = columns.pop()
        parts = [[leaf for leaf in leaves if leaf.column == column] for leaves in by_result]
        inner = _inner(exercise, results, [([leaf.got for leaf in part],
                                            [leaf.expected for leaf in part])
                                           for part in parts])  # fmt: skip
        yield Diagnosis(
            "one-place-of-the-rows",
            f"only place [{column}] of the rows is ever wrong{_more(inner)}",
            inner.next_step if inner else "Which line of your function makes that part of a row?",
        )


def _places(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say which place of a list that always has the same length is all that is ever wrong."""
    length = len(results[0].expected)
    if len(results) < ENOUGH or not all(
        isinstance(value, list) and len(value) == length > 1
        for result in results
        for value in (result.got, result.expected)
    ):
        return
    places = {
        place
        for result in results
        for place in range(length)
        if not same(result.got[place], result.expected[place])
    }
    if len(places) == 1:
        place = places.pop()
        inner = _inner(
            exercise, results, [(result.got[place], result.expected[place]) for result in results]
        )
        yield Diagnosis(
            "one-place-of-the-list",
            f"only place [{place}] of your list is ever wrong{_more(inner)}",
            inner.next_step if inner else "Which line of your function makes that value?",
        )


def _inner(
    exercise: Exercise, results: Sequence[CaseResult], parts: Sequence[tuple[Json, Json]]
) -> Diagnosis | None:
    """Return what a part of the results has in common."""
    own = [
        CaseResult(result.args, got, expected, right=same(got, expected))
        for result, (got, expected) in zip(results, parts, strict=True)
    ]
    for look in (*LOOKS, one_for_another, _items, _differences):
        for found in seen(look, exercise, own, None):
            return found
    return None


def _more(inner: Diagnosis | None) -> str:
    return f": {inner.seen}" if inner else ""


def _items(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say whether lists that are wrong lack items, or have too many, and what else they have."""
    wrong = wrong_results(results)
    if not all(
        isinstance(result.got, list) and isinstance(result.expected, list) for result in wrong
    ):
        return
    missing = [shapes.without(result.expected, result.got) for result in wrong]
    extra = [shapes.without(result.got, result.expected) for result in wrong]
    if all(missing) and not any(extra):
        yield Diagnosis(
            "items-missing", f"what is in your list is right; {short(missing[0][0])} is missing",
            f"What keeps {short(missing[0][0])} out of your list?",
        )  # fmt: skip
    elif all(extra) and not any(missing):
        yield Diagnosis(
            "items-too-many", f"nothing is missing in your list; {short(extra[0][0])} should not "
            "be in it", f"What lets {short(extra[0][0])} into your list?",
        )  # fmt: skip
    more = [len(result.got) - len(result.expected) for result in wrong]
    if all(difference > 0 for difference in more):
        yield Diagnosis(
            "too-many", "whenever your list is wrong, it has too many items",
            "When is something added to your list that should not be?",
        )  # fmt: skip
    if all(difference < 0 for difference in more):
        yield Diagnosis(
            "too-few", "whenever your list is wrong, it has too few items",
            "When is something left out of your list, or merged, that should not be?",
        )  # fmt: skip


def _differences(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say by what, or to which side, the numbers differ wherever they are wrong."""
    wrong = wrong_results(results)
    by_result = leaves_of(wrong)
    if len(wrong) < ENOUGH or by_result is None:
        return
    differing = [
        (leaf, result)
        for leaves, result in zip(by_result, wrong, strict=True)
        for leaf in leaves
        if not same(leaf.got, leaf.expected)
    ]
    if not all(
        shapes.is_number(leaf.got) and shapes.is_number(leaf.expected) for leaf, _ in differing
    ):
        return
    amounts = {leaf.got - leaf.expected for leaf, _ in differing}
    if len(amounts) == 1:
        amount = amounts.pop()
        side = "large" if amount > 0 else "small"
        yield Diagnosis(
            "off-by-the-same", f"whenever a number is wrong, it is {short(abs(amount))} too {side}",
            "Where in your function does this amount come from, and when should it not?",
        )  # fmt: skip
    yield from _by_argument(exercise, differing)
    for name, factor in (("too-large", 1), ("too-small", -1)):
        if all((leaf.got - leaf.expected) * factor > 0 for leaf, _ in differing):
            yield Diagnosis(
                name, f"whenever a number is wrong, it is {name.replace('-', ' ')}",
                "What makes your number grow or shrink, and does it happen too often?",
            )  # fmt: skip


def _by_argument(
    exercise: Exercise, differing: Sequence[tuple[shapes.Leaf, CaseResult]]
) -> Iterator[Diagnosis]:
    for place, name in enumerate(inspect.signature(exercise.reference).parameters):
        for factor, side in ((1, "large"), (-1, "small")):
            if all(
                shapes.is_number(result.args[place])
                and leaf.got - leaf.expected == factor * result.args[place]
                for leaf, result in differing
            ):
                yield Diagnosis(
                    "off-by-an-argument", f"whenever a number is wrong, it is {name} too {side}",
                    f"Where does {name} enter your result, and when should it not?",
                )  # fmt: skip


def _none_or_not(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say that None comes where a value is asked for, or the other way round."""
    wrong = wrong_results(results)
    if all(result.expected is None and result.got is not None for result in wrong):
        yield Diagnosis(
            "a-value-for-none", "whenever your answer is wrong, None is asked for, and you return "
            "a value", "When does the task ask for None, and how does your function know such a "
            "case?",
        )  # fmt: skip
    if all(result.got is None and result.expected is not None for result in wrong):
        yield Diagnosis(
            "none-for-a-value", "whenever your answer is wrong, it is None, and a value is asked "
            "for", "Which way through your function ends in None, and is that right here?",
        )  # fmt: skip


def _first_parts(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say that lists of one length agree up to a place: there something begins to go wrong."""
    wrong = wrong_results(results)
    if not all(
        isinstance(result.got, list)
        and isinstance(result.expected, list)
        and len(result.got) == len(result.expected) > 1
        for result in wrong
    ):
        return
    places = [
        next(n for n, parts in enumerate(zip(result.got, result.expected, strict=True))
             if not same(*parts))
        for result in wrong
    ]  # fmt: skip
    if all(places):
        yield Diagnosis(
            "begins-right", "your lists begin right; later items are wrong",
            f"What does your function know after item {places[0]} that it should not, or the "
            "other way round?",
        )  # fmt: skip
    elif len(wrong) >= ENOUGH and not any(places):
        yield Diagnosis(
            "wrong-from-the-first", "whenever your list is wrong, its first item is wrong already",
            "What does your function begin with?",
        )  # fmt: skip


def _nothing_here_and_there(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say in how many cases None comes back for a value, whatever else is wrong."""
    nothing = sum(result.got is None and result.expected is not None for result in results)
    if nothing:
        yield Diagnosis(
            "nothing-in-some-cases", f"None comes back in {nothing} of {len(results)} cases, and a "
            "value is asked for",
            "Which way through your function gives None: a `return None`, or no `return` at all?",
        )  # fmt: skip


# The first that fits speaks, as in `results.LOOKS`.
_OUTLINES: Final[tuple[Look, ...]] = (
    _none_or_not,
    _fields,
    _columns,
    _places,
    _items,
    _differences,
    _first_parts,
    _nothing_here_and_there,
)
