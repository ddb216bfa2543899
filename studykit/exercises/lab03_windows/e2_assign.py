"""L03.2: windows that do not begin at full hours."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import short
from studykit.trace.steps import Policy


def reference(event_ms: int, size_ms: int, offset_ms: int) -> list[int]:
    """Return [start, end), from the engine's own windows."""
    (window,) = SlidingWindows.tumbling(size_ms, offset_ms).assign(event_ms)
    return [window.start_ms, window.end_ms]


def no_offset(event_ms: int, size_ms: int, offset_ms: int) -> list[int]:
    """Align with the epoch, whatever was asked."""
    start_ms = event_ms // size_ms * size_ms
    return [start_ms, start_ms + size_ms]


def shifts_after(event_ms: int, size_ms: int, offset_ms: int) -> list[int]:
    """Find the window first, and shift it then."""
    start_ms = event_ms // size_ms * size_ms + offset_ms
    return [start_ms, start_ms + size_ms]


def wrong_way(event_ms: int, size_ms: int, offset_ms: int) -> list[int]:
    """Shift to the other side."""
    start_ms = (event_ms + offset_ms) // size_ms * size_ms - offset_ms
    return [start_ms, start_ms + size_ms]


def last_millisecond(event_ms: int, size_ms: int, offset_ms: int) -> list[int]:
    """Give the last millisecond for the end."""
    start_ms = (event_ms - offset_ms) // size_ms * size_ms + offset_ms
    return [start_ms, start_ms + size_ms - 1]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say where windows of this offset begin, and what is wrong with the one that came."""
    event_ms, size_ms, offset_ms = args
    start_ms, end_ms = got
    starts = ", ".join(short(offset_ms + n * size_ms) for n in (-1, 0, 1))
    faults = []
    if (start_ms - offset_ms) % size_ms:
        faults.append(f"{short(start_ms)} is no start")
    if end_ms - start_ms != size_ms:
        faults.append(f"yours is {short(end_ms - start_ms)} ms long")
    if not start_ms <= event_ms < end_ms:
        faults.append(f"yours does not hold {short(event_ms)}")
    return f"windows begin at ..., {starts}, ...; {'; '.join(faults)}"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the learner's window beside the right one."""
    event_ms, size_ms, _ = args
    if not 0 <= event_ms < 20 * size_ms or not 1_000 <= size_ms < 100_000:
        return None  # no axis has room for a window and an event that far apart
    return Scene(
        figure="assigners",
        events=arriving([event_ms]),
        policy=Policy(size_ms=size_ms),
        number=1,
        right_spans=spans([expected]),
        your_spans=spans([got]),
    )


def random_case(rng: Random) -> Args:
    """Draw a time, a size and an offset between minus and plus one size."""
    size_ms = 1_000 * rng.randrange(2, 20)
    offset_ms = rng.randrange(-size_ms + 1, size_ms)
    return (
        offset_ms + size_ms * rng.randrange(-4, 5) + rng.choice([-1, 0, 1, 700]),
        size_ms,
        offset_ms,
    )


EXERCISE = Exercise(
    id="L03.2",
    name="assign",
    kind="faded",
    minutes=8,
    task="Return [start, end] of the window that holds an event, for windows with an offset.",
    reference=reference,
    cases=(
        (12_000, 10_000, 0),
        (12_000, 10_000, 3_000),
        (13_000, 10_000, 3_000),
        (82_800_000, 86_400_000, -3_600_000),
        (82_799_999, 86_400_000, -3_600_000),
        (2_999, 10_000, 3_000),
    ),
    random_case=random_case,
    scene=scene,
    trace=trace,
    rule="Windows start at offset + n * size: take the offset off, align, and put it back.",
    next_step="How far is the event behind the last start, if one start is at offset_ms?",
    hints=(
        "Where do days begin in a country that is one hour ahead of UTC?",
        "If all windows moved by the offset, where would the event be in windows without one?",
        "What is (event_ms - offset_ms) % size_ms the distance from?",
    ),
    discussion=(
        "An offset of -1 h gives days from 23:00 UTC, which are days in Berlin in winter only: "
        "with daylight saving a day can have 23 or 25 hours, and no fixed size is right. Go "
        "further: what would you group by instead, if reports must follow the local calendar?"
    ),
    misconceptions=(
        Misconception(
            name="ignores-offset",
            answer=no_offset,
            rule="With an offset windows begin at offset + n * size, and no longer at n * size.",
            next_step="Where does offset_ms enter your result?",
        ),
        Misconception(
            name="shifts-afterwards",
            answer=shifts_after,
            rule="A window that is moved after it was chosen may no longer hold its event.",
            next_step="What if you shift the event first, align it, and then shift back?",
        ),
        Misconception(
            name="wrong-way",
            answer=wrong_way,
            rule="An offset of +3_000 moves every start 3_000 later, not earlier.",
            next_step="Is offset_ms itself a start of one of your windows?",
        ),
        Misconception(
            name="last-for-end",
            answer=last_millisecond,
            rule="The end is the first millisecond that is outside: end - start is the size.",
            next_step="What is the end of one window, compared with the start of the next?",
        ),
    ),
)
