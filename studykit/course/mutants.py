"""Mutants: a solution changed by machine in one place, which a check has to tell from the solution.

A mutant that passes shows that the cases of an exercise do not vary something that the answer
depends on. What changes nothing at all is listed beside the exercise, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.diagnosis.mutation import compiled, mutants
from studykit.checks.hole import solution_of, solved_namespace
from studykit.checks.judging import cases_of
from studykit.checks.running import run_case
from studykit.exercises.definition import Args, Exercise, Json, Lab

DEADLINE_S: Final = 0.5
"""Seconds for all cases of a mutant: one whose loop has lost its end counts as caught."""


@dataclass(frozen=True, slots=True)
class MutantProof:
    """What the check of an exercise made of the mutants of its solution.

    Attributes:
        total: How many mutants there are, without those that are listed as equivalent.
        survivors: The changes that no case tells from the solution.
        stale: Changes that are listed as equivalent, and are none or are caught.
    """

    total: int
    survivors: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Return whether every mutant is caught or listed, and every listed one survives."""
        return not self.survivors and not self.stale


def prove_mutants(lab: Lab) -> dict[str, MutantProof]:
    """Return, by exercise id, what became of the mutants of each solution of a lab."""
    namespace = solved_namespace(lab.number)
    return {exercise.id: prove_exercise(exercise, namespace) for exercise in lab.exercises}


def prove_exercise(exercise: Exercise, namespace: Mapping[str, Any]) -> MutantProof:
    """Run the check's cases against every mutant of an exercise's solution.

    Args:
        exercise: What is checked.
        namespace: What the solution may use: setup, imports and the other answers of its lab.
    """
    cases = cases_of(exercise)
    expected = [exercise.expected(args) for args in cases]
    mine = mutants(solution_of(exercise) or "", exercise)
    survivors = [
        mutant.change
        for mutant in mine
        if survives(exercise, compiled(mutant, exercise, namespace), cases, expected)
    ]
    listed = exercise.equivalent
    stale = [change for change in listed if change not in survivors]
    unlisted = tuple(change for change in survivors if change not in listed)
    return MutantProof(len(mine) - len(listed) + len(stale), unlisted, tuple(stale))


def survives(
    exercise: Exercise,
    function: Callable[..., Json],
    cases: Sequence[Args],
    expected: Sequence[Json],
) -> bool:
    """Return whether a function passes every case in time."""
    try:
        with deadline(DEADLINE_S):
            for args, wanted in zip(cases, expected, strict=True):
                outcome = run_case(function, args)
                if "value" not in outcome or not exercise.accepts(outcome["value"], wanted):
                    return False
    except TooLong:
        return False
    return True
