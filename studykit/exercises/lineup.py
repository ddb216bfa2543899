"""A lineup: one right implementation among wrong ones, which a learner's tests have to tell apart.

Exercises that ask for tests are judged here. A test is a list `[*arguments, expected]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from studykit.exercises.definition import Args, Json, Misconception, same
from studykit.exercises.wording import counted, short

ENOUGH: Final = "catches all"
NO_TEST: Final = "no test"
MALFORMED: Final = "malformed"
REJECTS: Final = "rejects the right one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineup:
    """The implementations that tests are tried on, and what a test looks like.

    Attributes:
        noun: What the implementations are, such as `assigner`.
        right: The implementation that passes every true test.
        wrong: The others, by what is wrong with them, in words that follow "the one that".
        well_formed: Whether a JSON value is a test that the implementations can be tried on.
        form: A sentence that says what a test looks like.
    """

    noun: str
    right: Callable[..., Json]
    wrong: Mapping[str, Callable[..., Json]]
    well_formed: Callable[[Json], bool]
    form: str

    def first_problem(self, tests: Json) -> str:
        """Return what is wrong with a list of tests; `ENOUGH` where nothing is.

        The name of a wrong implementation is returned where that is the first one to pass every
        test. Any JSON value may come in: this is the fingerprint of an exercise.
        """
        if not isinstance(tests, list) or not all(map(self.well_formed, tests)):
            return MALFORMED
        if not tests:
            return NO_TEST
        if any(True for _ in self._untrue(tests)):
            return REJECTS
        return next(iter(self._uncaught(tests)), ENOUGH)

    def trace(self, _args: Args, got: Json, _expected: Json) -> str:
        """Name the test that is malformed or untrue, or the wrong one that no test catches."""
        problem = self.first_problem(got)
        if problem == MALFORMED:
            return f"{self._misfit(got)}{self.form}"
        if problem == NO_TEST:
            return f"without a test every wrong {self.noun} passes"
        for test in self._untrue(got):
            *args, wanted = test
            return (
                f"your test {short(test)} rejects the right {self.noun}, which says "
                f"{short(self.right(*args))} there, not {short(wanted)}"
            )
        uncaught = self._uncaught(got)
        caught = [name for name in self.wrong if name not in uncaught]
        tests = "your test" if len(got) == 1 else f"all of your {counted(len(got), 'test')}"
        return f"caught: {', '.join(caught) or 'none'}\nthe one that {problem} passes {tests}"

    def _misfit(self, tests: Json) -> str:
        if not isinstance(tests, list):
            return f"a list of tests is asked for, not {short(tests)}\n"
        misfit = next(test for test in tests if not self.well_formed(test))
        return f"your test {short(misfit)} has another form\n"

    def _untrue(self, tests: list[Json]) -> Iterator[Json]:
        """Yield the tests that the right implementation fails."""
        return (test for test in tests if not same(self.right(*test[:-1]), test[-1]))

    def _uncaught(self, tests: list[Json]) -> list[str]:
        """Return the names of the wrong implementations that pass every test."""
        return [
            name
            for name, wrong in self.wrong.items()
            if all(same(wrong(*test[:-1]), test[-1]) for test in tests)
        ]


def is_whole(value: Json) -> bool:
    """Return whether a value is a whole number that every implementation can compute with.

    Beyond 2**53 an implementation that divides floats fails for another reason than its own.
    """
    return type(value) is int and abs(value) < 2**53


def without_tests() -> list[Json]:
    """Return no test at all."""
    return []


def in_words() -> list[Json]:
    """Return what is no test of any lineup."""
    return ["it should fail at the boundary"]


IN_EVERY_LINEUP: Final = (
    Misconception(
        name="no-test",
        answer=without_tests,
        rule="Whoever asks nothing catches nobody.",
        next_step="Which example of a test does the task give? Begin with that one.",
    ),
    Misconception(
        name="malformed-test",
        answer=in_words,
        rule="A test is arguments and what the right one says to them, and nothing else.",
        next_step="Compare your test with the example of the task, bracket by bracket.",
    ),
)
