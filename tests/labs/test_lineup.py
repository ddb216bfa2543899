"""The lineup: what a list of tests is told when it is none, untrue, too weak, or good enough."""

from __future__ import annotations

from typing import Any

import pytest

from studykit.checks import lab as lab_module
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Exercise, Json
from studykit.exercises.lineup import (
    ENOUGH,
    IN_EVERY_LINEUP,
    MALFORMED,
    NO_TEST,
    REJECTS,
    Lineup,
    is_whole,
)

LINEUP = Lineup(
    noun="doubler",
    right=lambda number: 2 * number,
    wrong={"squares": lambda number: number**2, "adds two": lambda number: number + 2},
    well_formed=lambda test: isinstance(test, list) and len(test) == 2 and all(map(is_whole, test)),
    form="a test is a list [number, its double]",
)

OF_TESTS = [
    pytest.param(exercise, id=exercise.id)
    for lab in labs()
    for exercise in lab.exercises
    if exercise.kind == "write tests"
]


@pytest.mark.parametrize(
    ("tests", "problem", "says"),
    [
        (None, MALFORMED, "a list of tests is asked for, not None\na test is a list [number"),
        ([], NO_TEST, "without a test every wrong doubler passes"),
        ([[1, 2], [3, True]], MALFORMED, "your test [3, True] has another form"),
        ([[1, 2.0]], MALFORMED, "your test [1, 2.0] has another form"),
        ([[2**53, 2**54]], MALFORMED, "has another form"),
        ([[1, 2], [3, 7]], REJECTS, "your test [3, 7] rejects the right doubler, which says 6"),
        ([[2, 4]], "squares", "caught: none\nthe one that squares passes your test"),
        (
            [[0, 0], [2, 4]],
            "squares",
            "caught: adds two\nthe one that squares passes all of your 2",
        ),
        ([[1, 2]], ENOUGH, ""),
    ],
)
def test_a_list_of_tests_is_told_its_first_problem(tests: Json, problem: str, says: str) -> None:
    assert LINEUP.first_problem(tests) == problem
    if problem != ENOUGH:
        assert says in LINEUP.trace((), tests, None)


@pytest.mark.parametrize("exercise", OF_TESTS)
@pytest.mark.parametrize(
    ("tests", "name"),
    [
        (None, "nothing-returned"),
        ([], "no-test"),
        (7, "malformed-test"),
        ([[]], "malformed-test"),
        ([None], "malformed-test"),
        ([{"event": 1}], "malformed-test"),
        ([[0.5, "a", True]], "malformed-test"),
    ],
)
def test_what_is_no_test_is_named_in_every_exercise(
    exercise: Exercise, tests: Json, name: str
) -> None:
    assert exercise.misconceptions[: len(IN_EVERY_LINEUP)] == IN_EVERY_LINEUP
    namespace: dict[str, Any] = {exercise.name: lambda: tests}
    judgement = lab_module.check_in(namespace, exercise)
    assert (judgement.status, judgement.name) == ("failed", name)


@pytest.mark.parametrize("exercise", OF_TESTS)
def test_order_and_repetition_of_tests_do_not_count(exercise: Exercise) -> None:
    tests = exercise.reference()
    assert exercise.fingerprint(tests) == ENOUGH
    assert exercise.fingerprint(tests[::-1]) == ENOUGH
    assert exercise.fingerprint(tests * 2) == ENOUGH
