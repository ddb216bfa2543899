"""A smaller case: a failing case without the items that the failure does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.running import run_cases
from studykit.exercises.definition import Args, Exercise, Json, copy_args

SEARCH_S: Final = 1.0
"""Seconds for the whole search."""


def smaller(exercise: Exercise, args: Args, function: Callable[..., Json]) -> Args | None:
    """Return a case with fewer items in its lists for which `function` is still wrong.

    None is returned where every item is needed, or where the time was too short to find one that
    is not.
    """
    best = copy_args(args)
    try:
        with deadline(SEARCH_S):
            while (found := next(_failing(exercise, best, function), None)) is not None:
                best = found
    except TooLong:
        pass
    return None if list(best) == list(args) else best


def _failing(exercise: Exercise, args: Args, function: Callable[..., Json]) -> Iterator[Args]:
    for case in _without_one_item(args):
        try:
            expected = exercise.expected(case)
        except Exception:  # the exercise is not asked of such a case
            continue
        (outcome,) = run_cases(function, [case])
        if "value" not in outcome or not exercise.accepts(outcome["value"], expected):
            yield case


def _without_one_item(args: Args) -> Iterator[Args]:
    for place, value in enumerate(args):
        if isinstance(value, list):
            for item in range(len(value)):
                rest = value[:item] + value[item + 1 :]
                yield (*args[:place], rest, *args[place + 1 :])
