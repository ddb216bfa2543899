"""Diagnoses that every exercise has for free: what all results of an answer have in common.

A diagnosis is given only if every result fits it, the right ones too. It speaks of the results,
never of the learner's code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from studykit.checks.diagnosis import shapes
from studykit.checks.diagnosis.facts import Facts
from studykit.exercises.definition import Args, Exercise, Json, copy_args, same
from studykit.exercises.wording import short

ENOUGH: Final = 2
"""Least number of right cases, and of wrong ones, from which a difference between them follows."""


@dataclass(frozen=True, slots=True)
class Result:
    """A case, what the learner's function returned, and what the reference returns."""

    args: Args
    got: Json
    expected: Json
    right: bool


_Look: TypeAlias = "Callable[[Exercise, Sequence[Result], Facts | None], Iterator[Diagnosis]]"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the results have in common.

    Attributes:
        name: The name that a message has in brackets.
        seen: What can be seen in the results.
        next_step: The smallest next step.
    """

    name: str
    seen: str
    next_step: str
    replaces: bool = False
    """Whether `seen` stands in place of the exercise's own trace, which compares values."""


def diagnose(
    exercise: Exercise, results: Sequence[Result], facts: Facts | None
) -> Diagnosis | None:
    """Return the first diagnosis that all results fit; None where no diagnosis fits.

    Types come first: where a result has another type, a comparison of values says nothing.
    """
    for look in _LOOKS_AT_TYPES:
        for found in _seen(look, exercise, results, facts):
            return replace(found, replaces=True)
    for look in (*_LOOKS, *(() if exercise.hidden else _LOOKS_AT_ARGUMENTS)):
        for found in _seen(look, exercise, results, facts):
            return found
    return None


def outline(exercise: Exercise, results: Sequence[Result]) -> Diagnosis | None:
    """Return which part of the wrong results differs, and to which side.

    An outline says less than a diagnosis; it is for answers of which nothing else is known.
    """
    if exercise.hidden:
        return None
    for look in (_one_field, _length, _one_sided):
        for found in _seen(look, exercise, results, None):
            return found
    return None


def _seen(
    look: _Look, exercise: Exercise, results: Sequence[Result], facts: Facts | None
) -> list[Diagnosis]:
    """Return what a look finds: nothing where the results have a shape that it cannot read."""
    try:
        return list(look(exercise, results, facts))
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
        return []


def nothing_returned(results: Sequence[Result], facts: Facts | None) -> Iterator[Diagnosis]:
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
    _exercise: Exercise, results: Sequence[Result], facts: Facts | None
) -> Iterator[Diagnosis]:
    return nothing_returned(results, facts)


def _other_type(
    exercise: Exercise, results: Sequence[Result], _facts: Facts | None
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
            seen = shapes.wrong_type(wrong[0].got, wrong[0].expected) or "another type"
            yield Diagnosis(name, f"the value is right, its type is not: {seen}", step)
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
    yield from _other_fields(wrong)
    seens = [shapes.wrong_type(result.got, result.expected) for result in wrong]
    if all(seens) and not all(shapes.same_items(result.got, result.expected) for result in wrong):
        yield Diagnosis(
            "another-type", str(seens[0]),
            "What does the first line of your function say that it returns?",
        )  # fmt: skip


def _other_fields(wrong: Sequence[Result]) -> Iterator[Diagnosis]:
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


def _as_rows(got: dict[str, Json], expected: Json) -> bool:
    if not isinstance(expected, list):
        return False
    rows = [[shapes.converted(name, shapes.number_of_text), got[name]] for name in got]
    return shapes.same_items(rows, expected)


def _order(
    _exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    lists = [result for result in results if isinstance(result.got, list)]
    if len(lists) == len(results) and all(
        same(result.got[::-1], result.expected) for result in results
    ):
        yield Diagnosis(
            "reversed", "the right values, from the last to the first",
            "In which order are they asked for, and in which does your loop walk?",
        )  # fmt: skip
    if all(shapes.same_items(result.got, result.expected) for result in results):
        yield Diagnosis(
            "another-order", "the right values, in another order",
            "By what are they ordered in the task, and where do you sort?",
        )  # fmt: skip


def _repeats(
    _exercise: Exercise, results: Sequence[Result], _facts: Facts | None
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
    if all(same(result.got, shapes.without_repeats(result.expected)) for result in results):
        yield Diagnosis(
            "repeats-lost", "values that are equal are in your result only once",
            "Where do equal values become one: a set, a dict, an `in`?",
        )  # fmt: skip
    yield from _cut_off(results)


def _cut_off(results: Sequence[Result]) -> Iterator[Diagnosis]:
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
    exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    pairs = [shapes.leaves(result.got, result.expected) for result in results]
    if any(found is None for found in pairs):
        return
    all_leaves = [leaf for found in pairs for leaf in found or ()]
    numbers = [leaf for leaf in all_leaves if shapes.is_number(leaf.expected)]
    differing = [leaf for leaf in all_leaves if not same(leaf.got, leaf.expected)]
    if not differing or not all(shapes.is_number(result.got) for result in numbers):
        return
    if not all(shapes.is_number(leaf.expected) for leaf in differing):
        return
    yield from _scaled(numbers)
    columns = {leaf.column for leaf in differing}
    where = ""
    if len(columns) == 1 and len({leaf.column for leaf in numbers}) > 1:
        column = columns.pop()
        numbers = [leaf for leaf in numbers if leaf.column == column]
        where = f" in field {column!r}" if not column.isdigit() else f" in place {column} of a row"
    amounts = {leaf.got - leaf.expected for leaf in numbers}
    if len(amounts) == 1 and len(numbers) > 1 - bool(exercise.cases == ((),)):
        yield _off_by(amounts.pop(), where, hidden=bool(exercise.hidden))
    elif not where and not exercise.hidden:
        yield from _off_by_argument(exercise, results, pairs)


def _scaled(numbers: Sequence[shapes.Leaf]) -> Iterator[Diagnosis]:
    if all(leaf.got == -leaf.expected for leaf in numbers):
        yield Diagnosis(
            "wrong-sign", "your numbers have the wrong sign",
            "Which of the two do you subtract from the other?",
        )  # fmt: skip
    if not any(abs(leaf.expected) >= shapes.MS_PER_S for leaf in numbers):
        return
    if all(leaf.got in (leaf.expected / 1_000, leaf.expected // 1_000) for leaf in numbers):
        yield Diagnosis(
            "seconds-for-milliseconds", "your numbers are in seconds; milliseconds are asked for",
            "Which unit does the name of each argument end with?",
        )  # fmt: skip
    if all(leaf.got == leaf.expected * 1_000 for leaf in numbers):
        yield Diagnosis(
            "thousand-times-too-large", "your numbers are a thousand times too large",
            "Which of your numbers is in milliseconds already?",
        )  # fmt: skip


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
    exercise: Exercise, results: Sequence[Result], pairs: Sequence[list[shapes.Leaf] | None]
) -> Iterator[Diagnosis]:
    """Say of which argument the numbers are always that much too large or too small."""
    for place, name in enumerate(inspect.signature(exercise.reference).parameters):
        for factor, side in ((1, "large"), (-1, "small")):
            if all(
                shapes.is_number(result.args[place])
                and leaf.got - leaf.expected == factor * result.args[place]
                for result, found in zip(results, pairs, strict=True)
                for leaf in found or ()
            ):
                yield Diagnosis(
                    "off-by-an-argument", f"always {name} too {side}, in every case",
                    f"Where does {name} enter your result, and with which sign?",
                )  # fmt: skip


def _words(
    _exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    pairs = [shapes.leaves(result.got, result.expected) for result in results]
    texts = [leaf for found in pairs for leaf in found or () if isinstance(leaf.expected, str)]
    if any(found is None for found in pairs) or not texts:
        return
    words = sorted({leaf.expected for leaf in texts})
    others = [leaf for found in pairs for leaf in found or () if leaf not in texts]
    if not all(same(leaf.got, leaf.expected) for leaf in others):
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


def _spelled(word: Json) -> str:
    return "".join(letter for letter in str(word).lower() if letter.isalnum())


def _given_back(
    exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    for place, name in enumerate(inspect.signature(exercise.reference).parameters):
        if all(same(result.got, result.args[place]) for result in results):
            yield Diagnosis(
                "argument-given-back", f"your result is {name}, as it came",
                f"What should become of {name} before it is returned?",
            )  # fmt: skip
    first = results[0].got
    answers = {repr(result.expected) for result in results}
    if len(results) > 1 and len(answers) > 1 and all(same(result.got, first) for result in results):
        yield Diagnosis(
            "always-the-same", f"your answer is {short(first)} in every case",
            "Which argument should your answer depend on?",
        )  # fmt: skip


def _other_arguments(
    exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Ask whether the results are right for other arguments: one fixed, or two swapped."""
    names = list(inspect.signature(exercise.reference).parameters)
    for place, name in enumerate(names):
        for value in _values(exercise, place):
            if _all_fit(exercise, results, lambda args: (*args[:place], value, *args[place + 1 :])):  # noqa: B023
                yield Diagnosis(
                    "ignores-an-argument", f"your results are those for {name}={short(value)}, "
                    f"whatever {name} is", f"Where does {name} enter your result?",
                )  # fmt: skip
    for left in range(len(names)):
        for right in range(left + 1, len(names)):
            if _all_fit(exercise, results, lambda args: _swapped(args, left, right)):  # noqa: B023
                yield Diagnosis(
                    "swapped-arguments", f"your results are right if {names[left]} and "
                    f"{names[right]} change places", "Which of the two did you mean where?",
                )  # fmt: skip


def _values(exercise: Exercise, place: int) -> list[Json]:
    """Return plain values that a parameter could have been fixed to."""
    values = [args[place] for args in exercise.public_cases()] + [0]
    return [
        value for value in dict.fromkeys(item for item in values if isinstance(item, int | str))
    ]


def _swapped(args: Args, left: int, right: int) -> Args:
    mine = list(args)
    mine[left], mine[right] = mine[right], mine[left]
    return tuple(mine)


def _all_fit(exercise: Exercise, results: Sequence[Result], change: Callable[[Args], Args]) -> bool:
    try:
        return all(
            same(result.got, exercise.expected(change(copy_args(result.args))))
            for result in results
        )
    except Exception:  # arguments that the reference was never meant for
        return False


def _one_field(
    _exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say which field of a dict, or which place of every row, is all that is ever wrong."""
    wrong = [result for result in results if not result.right]
    if all(isinstance(result.got, dict) and isinstance(result.expected, dict) for result in wrong):
        fields = {
            name
            for result in wrong
            for name in result.got.keys() | result.expected.keys()
            if not same(result.got.get(name, ...), result.expected.get(name, ...))
        }
        if len(fields) == 1 and len(wrong[0].expected) > 1:
            field = fields.pop()
            yield Diagnosis(
                f"only-{field}".replace("_", "-"), f"only the field {field!r} is ever wrong",
                f"Which lines of your function change {field!r}, and when?",
            )  # fmt: skip
        return
    pairs = [shapes.leaves(result.got, result.expected) for result in wrong]
    if any(found is None for found in pairs):
        return
    columns = {
        leaf.column for found in pairs for leaf in found or () if not same(leaf.got, leaf.expected)
    }
    every = {leaf.column for found in pairs for leaf in found or ()}
    if len(columns) == 1 and len(every) > 1:
        column = columns.pop()
        yield Diagnosis(
            "one-place-of-the-rows", f"only place [{column}] of the rows is ever wrong",
            "Which line of your function makes that part of a row?",
        )  # fmt: skip


def _length(
    _exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    wrong = [result for result in results if not result.right]
    if not all(
        isinstance(result.got, list) and isinstance(result.expected, list) for result in wrong
    ):
        return
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


def _one_sided(
    _exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    wrong = [result for result in results if not result.right]
    pairs = [shapes.leaves(result.got, result.expected) for result in wrong]
    if len(wrong) < ENOUGH or any(found is None for found in pairs):
        return
    differing = [
        leaf for found in pairs for leaf in found or () if not same(leaf.got, leaf.expected)
    ]
    if not all(
        shapes.is_number(result.got) and shapes.is_number(result.expected) for result in differing
    ):
        return
    for name, side in (("too-large", 1), ("too-small", -1)):
        if all((leaf.got - leaf.expected) * side > 0 for leaf in differing):
            yield Diagnosis(
                name, f"whenever a number is wrong, it is {name.replace('-', ' ')}",
                "What makes your number grow or shrink, and does it happen too often?",
            )  # fmt: skip


def _told_apart(
    exercise: Exercise, results: Sequence[Result], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say what every wrong case has, and no right one."""
    wrong = [result for result in results if not result.right]
    right = [result for result in results if result.right]
    if len(wrong) < ENOUGH or len(right) < ENOUGH:
        return
    names = list(inspect.signature(exercise.reference).parameters)
    for name, words, has in _features(names):
        if all(has(result.args) for result in wrong) and not any(
            has(result.args) for result in right
        ):
            yield Diagnosis(
                name, f"all {len(wrong)} cases that go wrong have {words}; none of the "
                f"{len(right)} others has", "What is different for your function in such a case?",
            )  # fmt: skip


Feature: TypeAlias = tuple[str, str, Callable[[Args], bool]]


def _features(names: Sequence[str]) -> Iterator[Feature]:
    yield (
        "negative-numbers",
        "a negative number in them",
        lambda args: any(number < 0 for number in _numbers(list(args))),
    )
    yield "nothing-came", "an empty list", lambda args: [] in args
    yield "out-of-order", "events out of order", _is_disordered
    yield "ties", "two events of the same time", _has_ties
    yield (
        "a-single-event",
        "a list of one event",
        lambda args: any(isinstance(item, list) and len(item) == 1 for item in args),
    )
    for place, name in enumerate(names):
        yield f"{name}-is-0".replace("_", "-"), f"{name}=0", _is_zero(place)
        for other, size in enumerate(names):
            if other != place:
                yield from _edges(place, name, other, size)


def _is_zero(place: int) -> Callable[[Args], bool]:
    return lambda args: shapes.is_number(args[place]) and bool(args[place] == 0)


def _edges(place: int, name: str, other: int, size: str) -> Iterator[Feature]:
    def distance(args: Args) -> int | None:
        value, step = args[place], args[other]
        whole = type(value) is int and type(step) is int and step > 1
        return value % step if whole else None

    short_name = name.replace("_", "-")
    yield (
        f"{short_name}-on-an-edge",
        f"{name} at a multiple of {size}",
        lambda args: distance(args) == 0,
    )
    yield (
        f"{short_name}-before-an-edge",
        f"{name} one before a multiple of {size}",
        lambda args: distance(args) is not None and distance(args) == args[other] - 1,
    )
    yield (
        f"{short_name}-equals-another",
        f"{name} equal to {size}",
        lambda args: bool(args[place] == args[other]),
    )


def _numbers(value: Json) -> Iterator[float]:
    if isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif shapes.is_number(value):
        yield value


def _firsts(args: Args) -> Iterator[list[Json]]:
    """Yield, for each list among the arguments, its items or what its rows begin with."""
    for value in args:
        if isinstance(value, list) and not any(isinstance(item, dict) for item in value):
            yield [item[0] if isinstance(item, list) and item else item for item in value]


def _is_disordered(args: Args) -> bool:
    return any(times != sorted(times) for times in _firsts(args))


def _has_ties(args: Args) -> bool:
    return any(len(set(times)) < len(times) for times in _firsts(args))


def _fits(result: Result, value: Json) -> bool:
    return same(value, result.expected)


_LOOKS_AT_TYPES: Final[tuple[_Look, ...]] = (_nothing_returned, _other_type)
_LOOKS: Final[tuple[_Look, ...]] = (_order, _repeats, _amounts, _words)
_LOOKS_AT_ARGUMENTS: Final[tuple[_Look, ...]] = (_given_back, _other_arguments, _told_apart)
