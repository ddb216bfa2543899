"""What a diagnosis is: a result beside the expected one, and what results have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from studykit.checks.diagnosis import shapes
from studykit.checks.diagnosis.facts import Facts
from studykit.exercises.definition import Args, Exercise, Json

ENOUGH: Final = 2
"""Least number of right cases, and of wrong ones, from which a difference between them follows."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case, what the learner's function returned, and what the reference returns."""

    args: Args
    got: Json
    expected: Json
    right: bool


Look: TypeAlias = "Callable[[Exercise, Sequence[CaseResult], Facts | None], Iterator[Diagnosis]]"


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


def seen(
    look: Look, exercise: Exercise, results: Sequence[CaseResult], facts: Facts | None
) -> list[Diagnosis]:
    """Return what a look finds first; nothing where results have a shape that it cannot read."""
    try:
        for found in look(exercise, results, facts):
            return [found]
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError):
        pass
    return []


def leaves_of(results: Sequence[CaseResult]) -> list[list[shapes.Leaf]] | None:
    """Return the plain values of each result; None where one has another shape than is expected."""
    found = [shapes.leaves(result.got, result.expected) for result in results]
    whole = [leaves for leaves in found if leaves is not None]
    return whole if len(whole) == len(found) else None


def telling_first(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Return the results with those first that tell most at least cost: short wrong ones."""
    return sorted(results, key=lambda result: (result.right, len(repr(result.args))))


def wrong_results(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Return the wrong results."""
    return [result for result in results if not result.right]
