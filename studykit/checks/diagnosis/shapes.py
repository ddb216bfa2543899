"""How two results differ: by type, by order, by number, or by the same amount everywhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from studykit.exercises.definition import Json, same
from studykit.exercises.wording import short, with_article

MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A plain value of a result beside the expected one; `path` is where, as in `[2][0]`."""

    path: tuple[int | str, ...]
    got: Json
    expected: Json

    @property
    def column(self) -> str:
        """Return the last step of a path, which the leaves of one column share."""
        last = self.path[-1] if len(self.path) > 1 or (self.path and _is_key(self.path[0])) else ""
        return str(last)


def leaves(got: Json, expected: Json, path: tuple[int | str, ...] = ()) -> list[Leaf] | None:
    """Return the plain values of two results, pair by pair; None where their shapes differ."""
    if isinstance(expected, list) and isinstance(got, list) and len(got) == len(expected):
        parts = [
            leaves(mine, wanted, (*path, place))
            for place, (mine, wanted) in enumerate(zip(got, expected, strict=True))
        ]
    elif isinstance(expected, dict) and isinstance(got, dict) and got.keys() == expected.keys():
        parts = [leaves(got[name], expected[name], (*path, name)) for name in expected]
    elif isinstance(expected, list | dict) or isinstance(got, list | dict):
        return None
    else:
        return [Leaf(path, got, expected)]
    found: list[Leaf] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def is_number(value: Json) -> bool:
    """Return whether a value is a number; `True`, which Python takes for 1, is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def wrong_type(got: Json, expected: Json) -> str | None:
    """Say where a result has another type than the expected one; None where it has not.

    >>> wrong_type([1, "2"], [1, 2]), wrong_type(3, [3])
    ("place [1] holds '2', a text; a whole number is asked for", 'a list is asked for, not 3')
    """
    for path, mine, wanted in _pairs(got, expected, ""):
        if _kind(mine) != _kind(wanted):
            asked = with_article(_kind(wanted)) if wanted is not None else "None"
            if not path:
                return f"{asked} is asked for, not {short(mine)}"
            return f"place {path} holds {short(mine)}, {_named(mine)}; {asked} is asked for"
    return None


def is_about_none(got: Json, expected: Json) -> bool:
    """Return whether the first part of another type is None on one side, and plain on the other.

    As a whole, a result may be None where a list is asked for elsewhere.
    """
    for path, mine, wanted in _pairs(got, expected, ""):
        if _kind(mine) != _kind(wanted):
            return None in (mine, wanted) and not (path and isinstance(mine or wanted, list | dict))
    return False


def holds_none(value: Json) -> bool:
    """Return whether a value is None, or has None inside."""
    if isinstance(value, list | dict):
        return any(map(holds_none, value.values() if isinstance(value, dict) else value))
    return value is None


def _named(value: Json) -> str:
    return "nothing" if value is None else with_article(_kind(value))


def _kind(value: Json) -> str:
    kinds = {int: "whole number", float: "float", str: "text", bool: "truth value"}
    return "None" if value is None else kinds.get(type(value), type(value).__name__)


def _pairs(got: Json, expected: Json, path: str) -> Iterator[tuple[str, Json, Json]]:
    yield path, got, expected
    if isinstance(got, list) and isinstance(expected, list):
        for place, (mine, wanted) in enumerate(zip(got, expected, strict=False)):
            yield from _pairs(mine, wanted, f"{path}[{place}]")
    elif isinstance(got, dict) and isinstance(expected, dict):
        for name in sorted(got.keys() & expected.keys()):
            yield from _pairs(got[name], expected[name], f"{path}[{name!r}]")


def converted(value: Json, convert: Callable[[Json], Json]) -> Json:
    """Return a value with each plain part converted; a part that cannot be stays as it is."""
    if isinstance(value, list):
        return [converted(part, convert) for part in value]
    if isinstance(value, dict):
        return {name: converted(part, convert) for name, part in value.items()}
    try:
        return convert(value)
    except (TypeError, ValueError, OverflowError):
        return value


def whole(value: Json) -> Json:
    """Return a float that is whole, or a truth value, as an int.

    Raises:
        ValueError: The value is neither.
    """
    if isinstance(value, bool | float) and value == int(value):
        return int(value)
    raise ValueError(value)


def number_of_text(value: Json) -> Json:
    """Return the whole number that a text writes.

    Raises:
        ValueError: The value is no text, or the text writes no whole number.
    """
    if isinstance(value, str):
        return int(value.replace("_", ""))
    raise ValueError(value)


def sorted_by_text(values: Sequence[Json]) -> list[Json]:
    """Return a list in an order that does not depend on the given one."""
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def same_items(got: Json, expected: Json) -> bool:
    """Return whether two results hold the same items, in whatever order, at every level."""
    if isinstance(got, list) and isinstance(expected, list):
        return same(sorted_by_text(got), sorted_by_text(expected))
    if isinstance(got, dict) and isinstance(expected, dict) and got.keys() == expected.keys():
        return all(same_items(got[name], expected[name]) for name in got)
    return same(got, expected)


def ordered(value: Json) -> Json:
    """Return a value with its lists, and those inside, in an order of their own.

    >>> ordered([2, [3, 1]]) == ordered([[1, 3], 2])
    True
    """
    return sorted_by_text(list(map(ordered, value))) if isinstance(value, list) else value


def without_repeats(values: Sequence[Json]) -> list[Json]:
    """Return each item once, in the order in which they first appear."""
    kept: list[Json] = []
    for value in values:
        if not any(same(value, other) for other in kept):
            kept.append(value)
    return kept


def without(values: Sequence[Json], others: Sequence[Json]) -> list[Json]:
    """Return the values that are left when each of `others` has taken an equal one away.

    >>> without([1, 2, 2, 3], [2, 3])
    [1, 2]
    """
    gone = Counter(json.dumps(other, sort_keys=True) for other in others)
    left = []
    for value in values:
        text = json.dumps(value, sort_keys=True)
        if gone[text] > 0:
            gone[text] -= 1
        else:
            left.append(value)
    return left


def flat(value: Json) -> list[Json]:
    """Return the plain values inside of lists, from the first to the last.

    >>> flat([1, [2, []], "a"])
    [1, 2, 'a']
    """
    if isinstance(value, list):
        return [part for inner in value for part in flat(inner)]
    return [value]


def kinds_of(value: Json, depth: int = 0) -> set[tuple[int, str]]:
    """Return the type of each plain part of a value, with how deep inside of lists it is."""
    if isinstance(value, list):
        return set().union(*(kinds_of(part, depth + 1) for part in value))
    return {(depth, _kind(value))}


def _is_key(step: int | str) -> bool:
    return isinstance(step, str)
