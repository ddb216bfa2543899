"""L02.3: predict three watermarks of the story."""

from __future__ import annotations

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab02_watermarks.e2_watermarks import reference as watermarks
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.stories import BOUND_MS, STORY_TIMES_MS

ASKED = (4, 6, 10)
"""Numbers of the events after which the watermark is asked for."""


def reference() -> list[int]:
    """Return the watermarks after the fourth, sixth and tenth event of the story."""
    after = watermarks(STORY_TIMES_MS, BOUND_MS)
    return [after[number - 1] for number in ASKED]


def follows_the_event() -> list[int]:
    """Take the event's own time each time."""
    return [-1_001, 9_999, 1_999]


def forgot_1ms() -> list[int]:
    """Leave out the millisecond."""
    return [4_000, 10_000, 13_000]


def met() -> list[int]:
    """Give what the events met."""
    return [3_999, 6_999, 12_999]


def in_seconds() -> list[int]:
    """Answer in seconds."""
    return [3, 9, 12]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Show the largest time at the first prediction that is wrong."""
    index = first_difference(got, expected)
    if index >= len(ASKED):
        return f"{len(ASKED)} watermarks are asked for, {len(got)} came"
    seen = STORY_TIMES_MS[: ASKED[index]]
    return (
        f"events 1 to {ASKED[index]}: the largest time is {short(max(seen))}; "
        f"you predict {item(got, index)}"
    )


EXERCISE = Exercise(
    id="L02.3",
    name="predict_watermarks",
    kind="predict",
    minutes=6,
    task="Write down the watermark after events 4, 6 and 10 of the story, without running code.",
    reference=reference,
    cases=((),),
    hidden="three watermarks in milliseconds",
    trace=trace,
    rule="W is the largest time so far, minus the bound, minus one millisecond.",
    next_step="Which is the largest event time up to and with that event? Start from there.",
    hints=(
        "Does event 4, which is older than event 3, move the watermark?",
        "What is the largest time among the first four, the first six, all ten?",
        "What is 8_000 - 4_000 - 1?",
    ),
    discussion=(
        "After event 10 nothing has moved since event 8: old events never move a watermark, and "
        "neither does waiting. Go further: if no event came for an hour after event 10, where "
        "would the watermark be?"
    ),
    misconceptions=(
        Misconception(
            name="follows-the-event",
            answer=follows_the_event,
            rule="Event 4 (3 s) is older than event 3 (8 s): the watermark stays where it was.",
            next_step="Which of the ten events happened later than all that arrived before them?",
        ),
        Misconception(
            name="forgot-1ms",
            answer=forgot_1ms,
            rule="An event exactly at the bound may still come, so W lies one millisecond before.",
            next_step="After event 4, may an event at exactly 4_000 still come?",
        ),
        Misconception(
            name="met-not-left",
            answer=met,
            rule="The watermark after an event already knows of that event.",
            next_step="Event 6 happened at 14 s. Does your second number know of it?",
        ),
        Misconception(
            name="seconds",
            answer=in_seconds,
            rule="A watermark is in whole milliseconds: in whole seconds its last millisecond is "
            "lost.",
            next_step="How many milliseconds is the bound of 4 s?",
        ),
    ),
)
