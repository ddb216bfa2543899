"""L01.3: predict which events are out of order."""

from __future__ import annotations

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

TIMES_S = (4, 9, 6, 7, 12, 10, 11, 13)
"""Event times in seconds, in the order of arrival."""


def reference() -> list[int]:
    """Return the numbers, from 1, of the events that are older than one before them."""
    seen = 0
    numbers = []
    for number, time_s in enumerate(TIMES_S, start=1):
        if time_s < seen:
            numbers.append(number)
        seen = max(seen, time_s)
    return numbers


def neighbours() -> list[int]:
    """Compare with the event just before, only."""
    return [3, 6]


def from_zero() -> list[int]:
    """Number the events from 0."""
    return [2, 3, 5, 6]


def times() -> list[int]:
    """Give times, not numbers."""
    return [6, 7, 10, 11]


def overtaking() -> list[int]:
    """Name the events that overtook others."""
    return [2, 5]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Walk to the first event that is judged wrongly, and show the largest time before it."""
    if not set(got) <= set(range(1, len(TIMES_S) + 1)):
        return f"the events have the numbers 1 to {len(TIMES_S)}; your list is {short(got)}"
    if set(got) == set(expected):
        return "the right events, in another order or more than once"
    number = min(set(got) ^ set(expected))
    told = "you list it" if number in got else "you do not list it"
    before = max(TIMES_S[: number - 1], default=None)
    seen = "nothing before it" if before is None else f"{before} s as the largest time so far"
    return f"event {number} ({TIMES_S[number - 1]} s) finds {seen}; {told}"


EXERCISE = Exercise(
    id="L01.3",
    name="predict_out_of_order",
    kind="predict",
    minutes=6,
    task="Without running anything, name the events that arrive after one that happened later.",
    reference=reference,
    cases=((),),
    hidden="the arrival numbers of four events",
    trace=trace,
    rule="An event is out of order if any event before it, not only its neighbour, happened later.",
    next_step="Walk along the list with one finger on the largest time so far. What lies behind?",
    hints=(
        "Which clock puts the events into this order, and which clock are the numbers from?",
        "What is the largest time you have seen when 7 arrives?",
        "Which of the eight times are smaller than the largest time before them?",
    ),
    discussion=(
        "Comparing neighbours finds two of the four. The largest time so far is all one needs to "
        "remember, and it is what a watermark is made of. Go further: which event would have to "
        "arrive two places later to put events 3 and 4 in order?"
    ),
    misconceptions=(
        Misconception(
            name="neighbours-only",
            answer=neighbours,
            rule="Behind 9, both 6 and 7 are out of order, although 7 is later than 6.",
            next_step="Which is the largest time so far when 7 arrives? Compare with that, not "
            "with 6.",
        ),
        Misconception(
            name="numbers-from-zero",
            answer=from_zero,
            rule="The events are numbered from 1, as in the table.",
            next_step="Which number does the first event have in the table?",
        ),
        Misconception(
            name="times-not-numbers",
            answer=times,
            rule="You found the right events; their places in the order of arrival are asked for.",
            next_step="At which place does each of your times arrive?",
        ),
        Misconception(
            name="the-overtakers",
            answer=overtaking,
            rule="Events 2 and 5 overtook others. Out of order are the older ones that arrive "
            "after them.",
            next_step="Which events have a smaller time than one that arrived before them?",
        ),
    ),
)
