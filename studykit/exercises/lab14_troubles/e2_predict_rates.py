"""L14.2: predict what a repair of the wrong operator brings."""

from __future__ import annotations

from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import wrong_number

ABLE: Final = {"source": 900, "decode": 600, "window": 450, "score": 300, "sink": 800}
_NAMES: Final = (
    "what the sink gets, a second",
    "how many operators are held up",
    "what the sink gets with decode twice as fast",
    "what the sink gets with score twice as fast",
)


def reference() -> list[int]:
    """Return the four numbers: the slowest operator decides."""
    slowest = min(ABLE.values())
    held_up = list(ABLE.values()).index(slowest)
    return [
        slowest,
        held_up,
        min((ABLE | {"decode": 2 * ABLE["decode"]}).values()),
        min((ABLE | {"score": 2 * ABLE["score"]}).values()),
    ]


def those_behind() -> list[int]:
    """Believe that those behind the slow one are held up."""
    return [300, 1, 300, 450]


def repairs_the_red() -> list[int]:
    """Believe that a faster operator always brings something."""
    return [300, 3, 600, 450]


def twice_is_twice() -> list[int]:
    """Believe that there is only one limit."""
    return [300, 3, 300, 600]


def last_decides() -> list[int]:
    """Believe that the sink decides what comes out."""
    return [800, 3, 800, 800]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first number that is wrong."""
    return wrong_number(_NAMES, got, expected)


EXERCISE = Exercise(
    id="L14.2",
    name="predict_rates",
    kind="predict",
    minutes=6,
    task="Predict four numbers of a chain of five operators.",
    reference=reference,
    cases=((),),
    hidden="what the chain does",
    trace=trace,
    rule="The slowest operator decides for all; those before it wait, those behind it are idle.",
    next_step="Which of the five is the slowest, before the repair and after it?",
    hints=(
        "Which number would tell you what the whole chain lets through?",
        "Which operators have too much to do, and which too little?",
        "After the repair, which operator is the slowest?",
    ),
    discussion=(
        "A repair of the slowest brings as much as the second slowest allows, so look at both "
        "before you promise a factor. Go further: decode and score share a machine. What does a "
        "faster score do to decode?"
    ),
    misconceptions=(
        Misconception(
            name="those-behind-wait",
            answer=those_behind,
            rule="Behind the slow one there is too little to do; before it there is no room.",
            next_step="Who is it that finds no room for its records?",
        ),
        Misconception(
            name="repairs-the-red",
            answer=repairs_the_red,
            rule="Who is held up gains nothing by being faster: it would only wait for longer.",
            next_step="What does decode do with the time that it has gained?",
        ),
        Misconception(
            name="twice-is-twice",
            answer=twice_is_twice,
            rule="After the repair another operator is the slowest, and decides.",
            next_step="Which operator is slower than 600 a second?",
        ),
        Misconception(
            name="last-decides",
            answer=last_decides,
            rule="A sink can write no more than it gets.",
            next_step="How many records a second does score hand to the sink?",
        ),
    ),
)
