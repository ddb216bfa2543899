"""What every exercise has, so that its check can teach."""

from __future__ import annotations

import json
from random import Random

import pytest

from studykit.checks.judging import cases_of, judge
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Exercise, Lab, copy_args, same

ALL = [pytest.param(exercise, id=exercise.id) for lab in labs() for exercise in lab.exercises]


def test_a_lab_has_five_exercises_one_to_predict_and_one_to_hunt(lab: Lab) -> None:
    kinds = [exercise.kind for exercise in lab.exercises]
    assert len(kinds) >= 5
    assert kinds[0] == "faded"
    assert "predict" in kinds
    assert {"bug hunt", "write tests"} & set(kinds)


def test_ids_count_up_and_names_are_unique(lab: Lab) -> None:
    ids = [exercise.id for exercise in lab.exercises]
    assert ids == [f"L{lab.number}.{n}" for n in range(1, len(ids) + 1)]
    assert len({exercise.name for exercise in lab.exercises}) == len(ids)


def test_there_are_three_misconceptions_an_exercise_on_average(lab: Lab) -> None:
    counts = [len(exercise.misconceptions) for exercise in lab.exercises]
    assert sum(counts) >= 3 * len(counts)
    assert min(counts) >= 1


@pytest.mark.parametrize("exercise", ALL)
def test_hints_and_next_steps_ask(exercise: Exercise) -> None:
    assert [hint for hint in exercise.hints if not hint.endswith("?")] == []
    assert len(set(exercise.hints)) == 3
    assert "Go further" in exercise.discussion


@pytest.mark.parametrize("exercise", ALL)
def test_cases_and_results_are_json(exercise: Exercise) -> None:
    for args in [*exercise.cases, *exercise.random_cases(Random(1), 50)]:
        assert same(list(copy_args(args)), json.loads(json.dumps(args)))
        exercise.expected(args)


@pytest.mark.parametrize("exercise", ALL)
def test_public_cases_alone_tell_the_misconceptions_apart(exercise: Exercise) -> None:
    seen = set()
    for function in [exercise.reference, *(bad.answer for bad in exercise.misconceptions)]:
        results = [exercise.fingerprint(function(*args)) for args in exercise.public_cases()]
        seen.add(json.dumps(results))
    assert len(seen) == 1 + len(exercise.misconceptions)


@pytest.mark.parametrize("exercise", ALL)
@pytest.mark.parametrize("seed", range(5))
def test_the_reference_passes_any_random_case(exercise: Exercise, seed: int) -> None:
    for args in exercise.random_cases(Random(seed), 100):
        expected = exercise.expected(args)
        assert exercise.accepts(exercise.expected(args), expected)


@pytest.mark.parametrize("exercise", ALL)
@pytest.mark.parametrize("value", [None, True, -1, 0.5, "", "x", [], [1], [[1]], [None], {}])
def test_nonsense_is_explained_without_a_traceback(exercise: Exercise, value: object) -> None:
    cases = cases_of(exercise)
    verdict = judge(exercise, cases, [{"value": value}] * len(cases))
    assert verdict.status == "failed"
    assert verdict.message is not None
    assert "Traceback" not in verdict.text
    assert verdict.message.trace
