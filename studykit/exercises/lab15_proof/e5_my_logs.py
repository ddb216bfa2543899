"""L15.5: write the logs that kill six mutants of a windowed job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from studykit.exercises.definition import Exercise, Json, Misconception
from studykit.exercises.lineup import IN_EVERY_LINEUP, Lineup, is_whole

Times = list[int]
SIZE_MS: Final = 10_000
BOUND_MS: Final = 4_000


def _judged(times_ms: Times, is_late: Callable[[Times, int], bool]) -> list[int]:
    return [
        place
        for place, time_ms in enumerate(times_ms)
        if place and is_late(times_ms[:place], time_ms)
    ]


def _last_ms(time_ms: int) -> int:
    return (time_ms // SIZE_MS + 1) * SIZE_MS - 1


def right(times_ms: Times) -> list[int]:
    """Return the places of the late payments."""
    return _judged(times_ms, lambda log, now: max(log) - BOUND_MS - 1 >= _last_ms(now))


WRONG: Final[dict[str, Callable[[Times, int], bool]]] = {
    "waits for no bound": lambda log, now: max(log) - 1 >= _last_ms(now),
    "judges the payment": lambda log, now: max(log) - BOUND_MS - 1 >= now,
    "is a millisecond early": lambda log, now: max(log) - BOUND_MS >= _last_ms(now),
    "is a millisecond late": lambda log, now: max(log) - BOUND_MS - 1 > _last_ms(now),
    "lets the watermark go back": lambda log, now: log[-1] - BOUND_MS - 1 >= _last_ms(now),
    "holds the end inside": lambda log, now: max(log) - BOUND_MS - 1 >= _last_ms(now - 1),
}
"""The mutants, by what is wrong with them."""


def _well_formed(test: Json) -> bool:
    return (
        isinstance(test, list)
        and len(test) == 2
        and all(isinstance(part, list) and all(map(is_whole, part)) for part in test)
    )


def _job(is_late: Callable[[Times, int], bool]) -> Callable[[Times], list[int]]:
    return lambda times_ms: _judged(times_ms, is_late)


LINEUP: Final = Lineup(
    noun="job",
    right=right,
    wrong={name: _job(is_late) for name, is_late in WRONG.items()},
    well_formed=_well_formed,
    form="a test is a list [times_ms, late_places], as in [[14_000, 5_000], [1]]",
)


def reference() -> list[Json]:
    """Return three logs that kill all six."""
    return [[[13_999, 5_000], []], [[14_000, 12_000, 9_000], [2]], [[14_000, 10_000], []]]


def in_order() -> list[Json]:
    """Have payments in order only."""
    return [[[1_000, 12_000, 31_000], []]]


def no_boundary() -> list[Json]:
    """Stay away from the boundaries."""
    return [[[12_000, 5_000], []], [[30_000, 12_000, 5_000], [1, 2]]]


def one_side() -> list[Json]:
    """Try the millisecond before, and not the one at which it is decided."""
    return [[[13_999, 5_000], []]]


def newest_last() -> list[Json]:
    """Have the newest payment come last before the late one."""
    return [[[13_999, 5_000], []], [[14_000, 9_999], [1]]]


def no_end() -> list[Json]:
    """Have no payment exactly on an end."""
    return [[[13_999, 5_000], []], [[14_000, 12_000, 9_000], [2]]]


def own_error() -> list[Json]:
    """Expect a payment behind the watermark to be late."""
    return [[[17_000, 12_000], [1]]]


EXERCISE = Exercise(
    id="L15.5",
    name="my_logs",
    kind="write tests",
    minutes=15,
    task="Write logs that the right job passes and that kill six mutants.",
    reference=reference,
    cases=((),),
    hidden="logs that the right job passes and each of the six mutants fails",
    fingerprint=LINEUP.first_problem,
    trace=LINEUP.trace,
    rule="A test is worth the mutants that it kills. One that kills none proves nothing.",
    next_step="On which log does the mutant named above answer differently?",
    hints=(
        "After which payment is the watermark of two of the mutants on two sides of an end - 1?",
        "Which of your logs has something older between the newest and the late payment?",
        "Which of your payments lies exactly on an end?",
    ),
    discussion=(
        "Three logs of two or three payments kill all six. In earnest a machine draws the logs, on "
        "the edges, and an oracle says what is right. But whether the drawn ones are good is seen "
        "in the same way: on mutants. Go further: which seventh mutant passes your logs?"
    ),
    misconceptions=(
        *IN_EVERY_LINEUP,
        Misconception(
            name="bound-never-decides",
            answer=in_order,
            rule="The bound shows only in a payment whose window ended less than the bound before "
            "the newest payment.",
            next_step="Which payment of yours follows one that has just left its window?",
        ),
        Misconception(
            name="no-boundary",
            answer=no_boundary,
            rule="A mistake of a millisecond shows at one millisecond only: on the edge.",
            next_step="How far exactly is the end of the first window and the bound?",
        ),
        Misconception(
            name="one-side",
            answer=one_side,
            rule="An edge has two sides: the last time that is still early, and the first that is "
            "not.",
            next_step="What does the right job say one millisecond later?",
        ),
        Misconception(
            name="maximum-never-needed",
            answer=newest_last,
            rule="If the newest payment comes just before the late one, no maximum is needed.",
            next_step="Which older payment can come between the newest and the late one?",
        ),
        Misconception(
            name="no-end",
            answer=no_end,
            rule="A window holds its start and not its end: only a payment on the end shows it.",
            next_step="Which of your payments lies exactly at the end of a window?",
        ),
        Misconception(
            name="wrong-expectation",
            answer=own_error,
            rule="The right job has to pass all tests. Where it fails one, the test is wrong.",
            next_step="By hand: has the watermark reached the window's last millisecond?",
        ),
    ),
)
