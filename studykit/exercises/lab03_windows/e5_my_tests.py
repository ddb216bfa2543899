"""L03.5: write the tests that catch five wrong assigners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Exercise, Json, Misconception
from studykit.exercises.lineup import IN_EVERY_LINEUP, Lineup, is_whole


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


def _well_formed(test: Json) -> bool:
    return isinstance(test, list) and len(test) == 3 and all(map(is_whole, test)) and test[1] > 0


LINEUP: Final = Lineup(
    noun="assigner",
    right=right,
    wrong=WRONG,
    well_formed=_well_formed,
    form="a test is a list [event_ms, size_ms, start_ms] of whole numbers, with size_ms > 0",
)


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


EXERCISE = Exercise(
    id="L03.5",
    name="my_tests",
    kind="write tests",
    minutes=15,
    task="Write tests that the right assigner passes and five wrong ones do not.",
    reference=reference,
    cases=((),),
    hidden="tests that the right assigner passes and each of the five wrong ones fails",
    fingerprint=LINEUP.first_problem,
    trace=LINEUP.trace,
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
        *IN_EVERY_LINEUP,
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
            name="size-never-decides",
            answer=one_size,
            rule="A function with two arguments is tested with two values of each.",
            next_step="Would your tests notice if size_ms were ignored?",
        ),
        Misconception(
            name="wrong-expectation",
            answer=own_error,
            rule="The right assigner has to pass all tests. Where it fails one, the test is wrong.",
            next_step="Work out by hand: in which window lies the event of the test named above?",
        ),
    ),
)
