"""Looks at arguments: for which other arguments the results are right, and which cases go wrong."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from studykit.checks.diagnosis import shapes
from studykit.checks.diagnosis.facts import Facts
from studykit.checks.diagnosis.finding import ENOUGH, CaseResult, Diagnosis, Look, wrong_results
from studykit.exercises.definition import Args, Exercise, Json, copy_args, same
from studykit.exercises.wording import short

MOST_WINDOWS: Final = 1_000
"""Other arguments that give an event more windows are not tried."""
LONG: Final = 60
"""Characters of an answer that is too long to be repeated in a sentence."""
RARE: Final = 3
"""What all wrong cases have is told if at most one in so many right cases has it, too."""


def _given_back(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    for place, name in enumerate(_names(exercise)):
        if all(same(result.got, result.args[place]) for result in results):
            yield Diagnosis(
                "argument-given-back", f"your result is {name}, as it came",
                f"What should become of {name} before it is returned?",
            )  # fmt: skip
    first = results[0].got
    answers = {repr(result.expected) for result in results}
    if len(results) > 1 and len(answers) > 1 and all(same(result.got, first) for result in results):
        shown = short(first) if len(short(first)) < LONG else "the same"
        yield Diagnosis(
            "always-the-same", f"your answer is {shown} in every case",
            "Which argument should your answer depend on?",
        )  # fmt: skip


def _for_places(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say that items of an argument stand where their places are asked for, or the reverse."""
    for place, name in enumerate(_names(exercise)):
        if all(_in_places(result.args[place], result.expected, result.got) for result in results):
            yield Diagnosis(
                "items-for-places", f"your list holds what stands in the right places of {name}, "
                "not the places", "What does `enumerate` give besides each item?",
            )  # fmt: skip
        if all(_in_places(result.args[place], result.got, result.expected) for result in results):
            yield Diagnosis(
                "places-for-items", f"your list holds the right places of {name}; what stands "
                "there is asked for", "What does the task ask for: a place, or what stands in it?",
            )  # fmt: skip


def _in_places(items: Json, places: Json, found: Json) -> bool:
    """Return whether `found` is what a list holds in some places, or what its items begin with."""
    return same([_first(items[place]) for place in places], found)


def _other_arguments(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Ask whether the results are right for other arguments: one fixed, or two swapped."""
    names = _names(exercise)
    # B023: each function made in these loops is called before its loop goes on.
    for place, name in enumerate(names):
        if len({repr(result.args[place]) for result in wrong_results(results)}) < ENOUGH:
            continue  # where one value alone goes wrong, nothing shows that others are ignored
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
    yield from _copied_arguments(exercise, results)
    yield from _copied_columns(exercise, results)


def _copied_arguments(exercise: Exercise, results: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Ask whether the results are right for an argument in place of another, or one off."""
    names = _names(exercise)
    for place, name in enumerate(names):
        for other, source in enumerate(names):
            if place != other and _all_fit(exercise, results, _with(place, lambda a: a[other])):  # noqa: B023
                yield Diagnosis(
                    "another-argument", f"your results are right if {name} were {source}",
                    f"Where do you take {source}, and {name} is meant?",
                )  # fmt: skip
        if not all(type(result.args[place]) is int for result in results):
            continue
        for step, words in ((1, "larger"), (-1, "smaller")):
            if _all_fit(exercise, results, _with(place, lambda a: a[place] + step)):  # noqa: B023
                yield Diagnosis(
                    "argument-off-by-one", f"your results are right if {name} were one {words}",
                    f"Which comparison with {name} takes its edge in, and should it?",
                )  # fmt: skip


def _copied_columns(exercise: Exercise, results: Sequence[CaseResult]) -> Iterator[Diagnosis]:
    """Ask whether the results are right for one place of each row in place of another."""
    for place, name in enumerate(_names(exercise)):
        rows = [row for result in results for row in _rows(result.args[place])]
        width = min(map(len, rows), default=0)
        for column in range(width):
            for source in range(width):
                if column != source and _all_fit(
                    exercise, results, _with(place, _copying(place, column, source))
                ):
                    yield Diagnosis(
                        "another-column",
                        f"your results are right if place [{column}] of each of the {name} were "
                        f"place [{source}]",
                        "What does each place of a row hold, and which of them is meant?",
                    )


def _rows(value: Json) -> list[list[Json]]:
    return [row for row in value if isinstance(row, list)] if isinstance(value, list) else []


def _copying(place: int, column: int, source: int) -> Callable[[Args], Json]:
    return lambda args: [[*row[:column], row[source], *row[column + 1 :]] for row in args[place]]


def _with(place: int, make: Callable[[Args], Json]) -> Callable[[Args], Args]:
    """Return what gives an argument the value that `make` makes of all arguments."""
    return lambda args: (*args[:place], make(args), *args[place + 1 :])


def _names(exercise: Exercise) -> list[str]:
    return list(inspect.signature(exercise.reference).parameters)


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


def _without_what_is_behind(items: list[Json]) -> list[Json]:
    """Return the items whose first number is not below that of an item before them."""
    kept: list[Json] = []
    for item in items:
        if not kept or _first(item) >= max(map(_first, kept)):
            kept.append(item)
    return kept


def _not_below_0(value: Json) -> Json:
    return max(value, 0) if shapes.is_number(value) else value


def _first(item: Json) -> Any:  # noqa: ANN401
    return item[0] if isinstance(item, list) else item


_EVENTS: Final[tuple[tuple[str, str, str, Callable[[list[Json]], list[Json]]], ...]] = (
    ("sorts-the-input", "sorted", "In which order does a stream bring its events, and may you wait "
     "for all of them?", sorted),
    ("reads-it-backwards", "from its end to its beginning", "From which end does your loop walk?",
     lambda items: items[::-1]),
    ("stops-after-the-first", "cut after its first item", "Does your loop end, or `return`, before "
     "it has seen every item?", lambda items: items[:1]),
    ("last-item-unseen", "without its last item", "Where does your loop end?",
     lambda items: items[:-1]),
    ("first-item-unseen", "without its first item", "Where does your loop begin?",
     lambda items: items[1:]),
    ("repeats-unseen", "with equal items only once", "Where do equal items become one: a set, a "
     "dict, an `in`?", shapes.without_repeats),
    ("negative-as-zero", "with 0 for each negative number", "Where does your function begin "
     "with 0, take the larger of a number and 0, or cut a division towards 0?",
     lambda items: shapes.converted(items, _not_below_0)),
    ("late-ones-unseen", "without the items behind the largest so far", "Does an item that comes "
     "out of order count here?", _without_what_is_behind),
)  # fmt: skip
"""Name, words, question and change of each list that an answer may have seen instead of its own."""


def _other_events(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Ask whether the results are right for another list: sorted, cut, or without repeats."""
    for place, name in enumerate(_names(exercise)):
        if not all(isinstance(result.args[place], list) for result in results):
            continue
        for kind, words, question, change in _EVENTS:
            if _all_fit(exercise, results, _with(place, lambda a: change(a[place]))):  # noqa: B023
                yield Diagnosis(kind, f"your results are right for {name} {words}", question)


def _all_fit(
    exercise: Exercise, results: Sequence[CaseResult], change: Callable[[Args], Args]
) -> bool:
    names = _names(exercise)
    try:
        for result in results:
            changed = change(copy_args(result.args))
            if _has_too_many_windows(names, changed):
                return False
            if not same(result.got, exercise.expected(changed)):
                return False
    except Exception:  # arguments that the reference was never meant for
        return False
    return True


def _has_too_many_windows(names: Sequence[str], args: Args) -> bool:
    """Return whether an event would be in so many windows that a learner waits for the answer."""
    values = dict(zip(names, args, strict=True))
    size, slide = values.get("size_ms"), values.get("slide_ms")
    return type(size) is int and type(slide) is int and 0 < slide * MOST_WINDOWS < size


def one_for_another(
    _exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say which answer stands wherever the answer is wrong, and for which one it stands."""
    wrong = wrong_results(results)
    if len(wrong) < ENOUGH:
        return
    differing = [
        leaf
        for result in wrong
        for leaf in shapes.leaves(result.got, result.expected) or [shapes.Leaf((), ..., ...)]
        if leaf.got is ... or not same(leaf.got, leaf.expected)
    ]
    pairs = {(repr(leaf.expected), repr(leaf.got)) for leaf in differing}
    if len(pairs) == 1 and differing[0].got is not ... and not _are_numbers(differing[0]):
        mine, asked = short(differing[0].got), short(differing[0].expected)
        yield Diagnosis(
            "one-answer-for-another",
            f"wherever your answer is wrong, it is {mine}, and {asked} is right",
            f"Which way through your function should lead to {asked}, and what keeps it from that?",
        )
    first = wrong[0].got
    if all(same(result.got, first) for result in wrong) and not isinstance(first, bool):
        yield Diagnosis(
            "same-when-wrong", f"whenever your answer is wrong, it is {short(first)}",
            f"Which way through your function ends in {short(first)}?",
        )  # fmt: skip


def _are_numbers(leaf: shapes.Leaf) -> bool:
    return shapes.is_number(leaf.got) and shapes.is_number(leaf.expected)


def _told_apart(
    exercise: Exercise, results: Sequence[CaseResult], _facts: Facts | None
) -> Iterator[Diagnosis]:
    """Say what every wrong case has, and no right one, or hardly any."""
    wrong = wrong_results(results)
    right = [result for result in results if result.right]
    if len(wrong) < ENOUGH or len(right) < ENOUGH:
        return
    found = []
    for name, words, has in _features(_names(exercise)):
        if all(has(result.args) for result in wrong):
            found.append((sum(has(result.args) for result in right), name, words))
    for count, name, words in sorted(found, key=lambda feature: feature[0]):
        if count * RARE <= len(right):
            others = f"none of the {len(right)} others has" if count == 0 else (
                f"of the {len(right)} others, {count} {'has' if count == 1 else 'have'} them"
            )  # fmt: skip
            yield Diagnosis(
                name, f"all {len(wrong)} cases that go wrong have {words}; {others}",
                "What is different for your function in such a case?",
            )  # fmt: skip


Feature: TypeAlias = tuple[str, str, Callable[[Args], bool]]


def _features(names: Sequence[str]) -> Iterator[Feature]:
    yield (
        "negative-numbers",
        "a negative number in them",
        lambda args: any(number < 0 for number in _numbers(list(args))),
    )
    yield "nothing-came", "an empty list", lambda args: [] in args
    for place, name in enumerate(names):
        yield from _of_a_list(place, name)
        yield f"{name}-is-0".replace("_", "-"), f"{name}=0", _is_zero(place)
        for other, size in enumerate(names):
            if other != place:
                yield from _edges(place, name, other, size)


def _of_a_list(place: int, name: str) -> Iterator[Feature]:
    """Yield what may be special in the list that one parameter takes."""
    is_stream = any(word in name for word in ("time", "event", "payment", "moment"))
    disorder = "events out of order" if is_stream else f"{name} that begin with falling numbers"
    ties = "two events of the same time" if is_stream else f"{name} that begin with equal numbers"
    yield "out-of-order", disorder, _of_firsts(place, lambda firsts: firsts != sorted(firsts))
    yield "ties", ties, _of_firsts(place, lambda firsts: len(set(firsts)) < len(firsts))
    yield (
        "a-single-item",
        f"a single item in {name}",
        lambda args: isinstance(args[place], list) and len(args[place]) == 1,
    )
    yield "several-items", f"several items in {name}", lambda args: (
        isinstance(args[place], list) and len(args[place]) > 1
    )  # fmt: skip
    yield "a-key-again", f"a key more than once in {name}", lambda args: _has_key_again(args[place])
    yield "equal-items", f"two equal items in {name}", lambda args: (
        isinstance(args[place], list) and len(set(map(json.dumps, args[place]))) < len(args[place])
    )  # fmt: skip
    yield "a-zero", f"a 0 in {name}", lambda args: (
        isinstance(args[place], list) and 0 in _numbers(args[place])
    )  # fmt: skip


def _has_key_again(rows: Json) -> bool:
    """Return whether a text stands twice in the same place of rows."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return False
    texts = [(place, part) for row in rows for place, part in enumerate(row)
             if isinstance(part, str)]  # fmt: skip
    return len(set(texts)) < len(texts)


def _is_zero(place: int) -> Callable[[Args], bool]:
    return lambda args: shapes.is_number(args[place]) and bool(args[place] == 0)


def _edges(place: int, name: str, other: int, size: str) -> Iterator[Feature]:
    def distance(args: Args) -> int | None:
        value, step = args[place], args[other]
        whole = type(value) is int and type(step) is int and step > 1
        return value % step if whole else None

    def compared(args: Args, side: int) -> bool:
        left, right = args[place], args[other]
        return shapes.is_number(left) and shapes.is_number(right) and (left - right) * side > 0

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
    yield f"{short_name}-is-smaller", f"{name} < {size}", lambda args: compared(args, -1)


def _numbers(value: Json) -> Iterator[float]:
    if isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif shapes.is_number(value):
        yield value


def _of_firsts(place: int, has: Callable[[list[float]], bool]) -> Callable[[Args], bool]:
    """Return a feature of the numbers that the items of a list are, or begin with."""

    def feature(args: Args) -> bool:
        value = args[place]
        if not isinstance(value, list) or any(isinstance(item, dict) for item in value):
            return False
        firsts = [_first(item) for item in value if item != []]
        return all(map(shapes.is_number, firsts)) and has(firsts)

    return feature


LOOKS_AT_ARGUMENTS: Final[tuple[Look, ...]] = (
    _given_back,
    _for_places,
    _other_arguments,
    _other_events,
    one_for_another,
)
LOOKS_AT_CASES: Final[tuple[Look, ...]] = (_told_apart,)
