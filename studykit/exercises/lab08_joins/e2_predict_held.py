"""L08.2: predict how many rows a stalled side makes the other keep."""

from __future__ import annotations

from typing import Final

from flink_jobs.engine.joins import IntervalJoin
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

UPPER_MS: Final = 60_000
EVERY_MS: Final = 10_000
STALL_MS: Final = 600_000
END_MS: Final = STALL_MS + 3_600_000


def reference() -> list[int]:
    """Return the ads held when the clicks stall, an hour later, and when they are back."""
    join: IntervalJoin[str, str] = IntervalJoin(0, UPPER_MS)
    held = []
    for time_ms in range(0, END_MS + 1, EVERY_MS):
        join.on_row("left", "all", time_ms, "ad")
        join.on_watermark(min(time_ms, STALL_MS) - 1)
        if time_ms in (STALL_MS, END_MS):
            held.append(join.held("left"))
    join.on_watermark(END_MS - 1)
    return [*held, join.held("left")]


def own_clock() -> list[int]:
    """Free the ads by the clock of the ads."""
    return [7, 7, 7]


def keeps_them() -> list[int]:
    """Believe that what has piled up stays."""
    return [7, 367, 367]


def bound_outside() -> list[int]:
    """Free an ad whose band ends just now."""
    return [6, 366, 6]


def stall_only() -> list[int]:
    """Count the ads of the hour alone."""
    return [7, 360, 7]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the moment, the common watermark there, and the oldest ad that is still held."""
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you predict {len(got)} numbers, and three are asked for"
    moment = ("when the clicks stall", "an hour later", "when the clicks are back")[index]
    watermark_ms = (STALL_MS - 1, STALL_MS - 1, END_MS - 1)[index]
    return (
        f"{moment}: the common watermark is {short(watermark_ms)}; you say {item(got, index)}\n"
        f"an ad at l is free at W = l + {short(UPPER_MS)}"
    )


EXERCISE = Exercise(
    id="L08.2",
    name="predict_held",
    kind="predict",
    minutes=8,
    task="Predict how many ads the join holds before, during and after an hour without clicks.",
    reference=reference,
    cases=((),),
    hidden="the ads whose band the common watermark has not passed, at the three moments",
    trace=trace,
    rule="A row is held until the common watermark has passed its band: the slower side decides.",
    next_step="Which is the common watermark at that moment, and which ads may still get a click?",
    hints=(
        "Which of the two inputs holds the common watermark, at each of the three moments?",
        "Which is the oldest ad whose minute is not over at that watermark?",
        "How many ads are there from that one to the newest, both counted?",
    ),
    discussion=(
        "Seven rows become 367 without a single error, and fall back to seven with one click. A "
        "click stream that is silent at night does this every night. Go further: what would "
        "idleness do to the number held, and what to the clicks that come in the morning?"
    ),
    misconceptions=(
        Misconception(
            name="own-clock",
            answer=own_clock,
            rule="An ad waits for clicks: only the clicks' clock can say that none will come.",
            next_step="Who could tell the join that no click for these ads is under way?",
        ),
        Misconception(
            name="never-frees",
            answer=keeps_them,
            rule="With the first click the watermark jumps, and all rows behind it are freed.",
            next_step="Which watermark do both sides have once the clicks are back?",
        ),
        Misconception(
            name="bound-outside",
            answer=bound_outside,
            rule="The upper bound is inside: at W = l + upper - 1 a click at l + upper may come.",
            next_step="At W = 599_999, may the ad at 540_000 still get a click?",
        ),
        Misconception(
            name="stall-only",
            answer=stall_only,
            rule="The ads that were held when the stall began wait as well.",
            next_step="Which is the oldest ad that is still held, and when was it shown?",
        ),
    ),
)
