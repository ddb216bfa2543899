"""L03.3: predict five starts."""

from __future__ import annotations

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, short, window

TIMES = (9_999, 10_000, -1, -10_000, -10_001)
SIZE_MS = 10_000


def reference() -> list[int]:
    """Return the start of the window of each time."""
    windows = SlidingWindows.tumbling(SIZE_MS)
    return [windows.pane_start(time_ms) for time_ms in TIMES]


def cuts() -> list[int]:
    """Cut towards zero."""
    return [0, 10_000, 0, -10_000, -10_000]


def closed_end() -> list[int]:
    """Let windows hold their ends."""
    return [0, 0, -10_000, -20_000, -20_000]


def rounds() -> list[int]:
    """Take the nearest."""
    return [10_000, 10_000, 0, -10_000, -10_000]


def numbers() -> list[int]:
    """Number the windows."""
    return [0, 1, -1, -1, -2]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Point at the first start that is wrong."""
    index = first_difference(got, expected)
    if index >= min(len(got), len(TIMES)):
        return f"{len(TIMES)} starts are asked for, {len(got)} came"
    start_ms, told = got[index], f"for the event at {short(TIMES[index])} you predict"
    if start_ms % SIZE_MS:
        return f"{told} {short(start_ms)}, which is no multiple of {short(SIZE_MS)}"
    last_ms = start_ms + SIZE_MS - 1
    return (
        f"{told} {window(start_ms, last_ms + 1)}, which holds {short(start_ms)} to {short(last_ms)}"
    )


EXERCISE = Exercise(
    id="L03.3",
    name="predict_starts",
    kind="predict",
    minutes=5,
    task="Write down the starts of the 10 s windows that hold five times, without running code.",
    reference=reference,
    cases=((),),
    hidden="five starts, each a multiple of 10_000",
    trace=trace,
    rule="The start is the last multiple of the size at or before the event, on both sides of 0.",
    next_step="Draw the line from -20_000 to 20_000. In which half-open piece does this time lie?",
    hints=(
        "Which of the five times lie exactly on a boundary?",
        "Does a boundary belong to the window that ends there, or to the one that begins?",
        "Between which two multiples of 10_000 lies -1?",
    ),
    discussion=(
        "Three of the five sit on or beside a boundary: there the assigners differ, and nowhere "
        "else. Remember them for exercise 5. Go further: which single time would tell the most "
        "wrong assigners apart?"
    ),
    misconceptions=(
        Misconception(
            name="cuts-towards-zero",
            answer=cuts,
            rule="-1 happened before 0, so its window begins before 0.",
            next_step="Does the window that you name hold -1, or does it begin after it?",
        ),
        Misconception(
            name="closed-end",
            answer=closed_end,
            rule="A boundary belongs to the window that begins there.",
            next_step="Is 10_000 inside [0, 10_000), or inside [10_000, 20_000)?",
        ),
        Misconception(
            name="rounds",
            answer=rounds,
            rule="One millisecond before the end is still inside.",
            next_step="Is 9_999 smaller than 10_000, and does that make it part of [0, 10_000)?",
        ),
        Misconception(
            name="numbers-not-starts",
            answer=numbers,
            rule="The start is a time in milliseconds; running numbers are not asked for.",
            next_step="By what do you multiply the number of a window?",
        ),
    ),
)
