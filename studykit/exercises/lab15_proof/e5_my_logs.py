"""L15.5: write the logs that kill six mutants of a windowed job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import counted, short

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

ENOUGH: Final = "kills all"
NO_TEST: Final = "no test"
MALFORMED: Final = "malformed"
REJECTS: Final = "rejects the right one"


def first_problem(tests: Json) -> str:
    """Return what is wrong with a list of tests: a bad one, or the first mutant that survives."""
    if not isinstance(tests, list) or not all(map(_well_formed, tests)):
        return MALFORMED
    if not tests:
        return NO_TEST
    if any(right(times_ms) != expected for times_ms, expected in tests):
        return REJECTS
    return next((name for name in WRONG if _survives(name, tests)), ENOUGH)


def _well_formed(test: Json) -> bool:
    return (
        isinstance(test, list)
        and len(test) == 2
        and all(
            isinstance(part, list) and all(type(n) is int and abs(n) < 2**53 for n in part)
            for part in test
        )
    )


def _survives(name: str, tests: list[Json]) -> bool:
    return all(_judged(times_ms, WRONG[name]) == expected for times_ms, expected in tests)


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


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the log that is wrong, or the mutant that no log kills."""
    problem = first_problem(got)
    if problem == MALFORMED:
        return "a test is a list [times_ms, late_places], as in [[14_000, 5_000], [1]]"
    if problem == NO_TEST:
        return "without a test every mutant survives"
    for times_ms, wanted in got:
        if right(times_ms) != wanted:
            return f"on {short(times_ms)} the right job says {short(right(times_ms))}"
    killed = [name for name in WRONG if not _survives(name, got)]
    return (
        f"killed: {', '.join(killed) or 'none'}\n"
        f"the one that {problem} survives {counted(len(got), 'log')}, all that you have"
    )


EXERCISE = Exercise(
    id="L15.5",
    name="my_logs",
    kind="write tests",
    minutes=15,
    task="Write logs that the right job passes and that kill six mutants.",
    reference=reference,
    cases=((),),
    hidden="logs that the right job passes and each of the six mutants fails",
    fingerprint=first_problem,
    trace=trace,
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
        Misconception(
            name="in-order",
            answer=in_order,
            rule="In order nothing is late: nearly every mistake about lateness is hidden then.",
            next_step="Which of your payments comes after a newer one?",
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
            name="newest-last",
            answer=newest_last,
            rule="As long as the newest payment comes last, its maximum need not be remembered.",
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
            next_step="Is the window of this payment complete when it comes?",
        ),
    ),
)
