"""L03.5: write the tests that catch five wrong assigners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def right(event_ms: int, size_ms: int) -> int:
    """Return the start, from the engine's own windows."""
    return SlidingWindows.tumbling(size_ms).pane_start(event_ms)


WRONG: Final[dict[str, Callable[[int, int], int]]] = {
    "always begins at 0": lambda event_ms, size_ms: 0,
    "holds its end": lambda event_ms, size_ms: (event_ms - 1) // size_ms * size_ms,
    "rounds": lambda event_ms, size_ms: (event_ms + size_ms // 2) // size_ms * size_ms,
    "cuts towards zero": lambda event_ms, size_ms: int(event_ms / size_ms) * size_ms,
    "knows 10 s windows only": lambda event_ms, size_ms: event_ms // 10_000 * 10_000,
}
"""The wrong assigners, by what is wrong with them."""

ENOUGH: Final = "catches all"
NO_TEST: Final = "no test"
MALFORMED: Final = "malformed"


def first_problem(tests: Json) -> str:
    """Return what is wrong with a list of tests: a bad one, or the first assigner it lets pass."""
    if not isinstance(tests, list) or not all(map(_well_formed, tests)):
        return MALFORMED
    if not tests:
        return NO_TEST
    for test in tests:
        if right(test[0], test[1]) != test[2]:
            return "rejects the right one"
    return next((name for name in WRONG if _survives(name, tests)), ENOUGH)


def _well_formed(test: Json) -> bool:
    return (
        isinstance(test, list)
        and len(test) == 3
        and all(type(number) is int and abs(number) < 2**53 for number in test)
        and test[1] > 0
    )


def _survives(name: str, tests: list[list[int]]) -> bool:
    return all(WRONG[name](event_ms, size_ms) == start for event_ms, size_ms, start in tests)


def reference() -> list[list[int]]:
    """Return three tests that catch all five, and of which none can be left out."""
    return [
        [10_000, 10_000, 10_000],
        [-1, 10_000, -10_000],
        [7_000, 5_000, 5_000],
    ]


def first_window_only() -> list[list[int]]:
    """Stay inside the first window."""
    return [[1_000, 10_000, 0], [2_000, 10_000, 0]]


def only_middles() -> list[list[int]]:
    """Test the first half of windows, far from a boundary."""
    return [[2_000, 10_000, 0], [12_000, 10_000, 10_000], [-9_000, 10_000, -10_000]]


def no_second_half() -> list[list[int]]:
    """Test starts, and nothing near an end."""
    return [[0, 10_000, 0], [10_000, 10_000, 10_000], [20_000, 10_000, 20_000]]


def no_negative() -> list[list[int]]:
    """Test boundaries after 1970 only."""
    return [[10_000, 10_000, 10_000], [9_999, 10_000, 0], [7_000, 5_000, 5_000]]


def one_size() -> list[list[int]]:
    """Test one size."""
    return [[10_000, 10_000, 10_000], [9_999, 10_000, 0], [-1, 10_000, -10_000]]


def own_error() -> list[list[int]]:
    """Expect the wrong thing at the boundary."""
    return [[10_000, 10_000, 0], [9_999, 10_000, 0], [-1, 10_000, -10_000], [7_000, 5_000, 5_000]]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the test that is wrong, or the assigner that no test catches."""
    problem = first_problem(got)
    if problem == MALFORMED:
        return "a test is a list [event_ms, size_ms, start_ms] of whole numbers, with size_ms > 0"
    if problem == NO_TEST:
        return "without a test every wrong assigner passes"
    for test in got:
        event_ms, size_ms, start_ms = test
        if right(event_ms, size_ms) != start_ms:
            return (
                f"your test {short(test)} rejects the right assigner: it gives "
                f"{short(right(event_ms, size_ms))} there"
            )
    caught = [name for name in WRONG if not _survives(name, got)]
    return (
        f"caught: {', '.join(caught) or 'none'}\n"
        f"the one that {problem!r} passes {'your test' if len(got) == 1 else 'all of your tests'}"
    )


EXERCISE = Exercise(
    id="L03.5",
    name="my_tests",
    kind="write tests",
    minutes=15,
    task="Write tests that the right assigner passes and five wrong ones do not.",
    reference=reference,
    cases=((),),
    hidden="tests that the right assigner passes and each of the five wrong ones fails",
    fingerprint=first_problem,
    trace=trace,
    rule="A test catches a wrong answer only where that differs from the right one: at boundaries.",
    next_step="Which event would the wrong assigner named above put somewhere else?",
    hints=(
        "At which times do two assigners ever disagree?",
        "Which of your tests has a time before 1970, and which another size?",
        "What do the five give for 9_999, 10_000 and -1 with 10_000, and for 7_000 with 5_000?",
    ),
    discussion=(
        "Two tests are enough, because one of them can catch four of the five. A hundred random "
        "times catch most, but the one that holds its end only now and then: boundaries are rare "
        "among random numbers. Go further: write a sixth wrong assigner that passes your tests."
    ),
    misconceptions=(
        Misconception(
            name="first-window-only",
            answer=first_window_only,
            rule="In the first window after 0 even an assigner that always says 0 is right.",
            next_step="Which of your tests expects a start other than 0?",
        ),
        Misconception(
            name="no-boundary",
            answer=only_middles,
            rule="Whether a window holds its end shows only in an event exactly at the end.",
            next_step="Which event lies exactly where one window ends and the next begins?",
        ),
        Misconception(
            name="nothing-before-an-end",
            answer=no_second_half,
            rule="An assigner that rounds is right in the first half of every window.",
            next_step="Which event lies in the second half of its window?",
        ),
        Misconception(
            name="nothing-before-1970",
            answer=no_negative,
            rule="Cutting towards zero and flooring are the same for positive numbers.",
            next_step="What do the two give for -1, and which of your times is negative?",
        ),
        Misconception(
            name="one-size",
            answer=one_size,
            rule="A function with two arguments is tested with two values of each.",
            next_step="Would your tests notice if size_ms were ignored?",
        ),
        Misconception(
            name="wrong-expectation",
            answer=own_error,
            rule="The right assigner has to pass all tests. Where it fails one, the test is wrong.",
            next_step="In which window lies an event at exactly 10_000?",
        ),
    ),
)
