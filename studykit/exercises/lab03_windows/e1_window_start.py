"""L03.1: the start of the tumbling window that holds an event."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import short, window
from studykit.trace.steps import Policy


def reference(event_ms: int, size_ms: int) -> int:
    """Return the start, from the engine's own windows."""
    return SlidingWindows.tumbling(size_ms).pane_start(event_ms)


def truncates(event_ms: int, size_ms: int) -> int:
    """Cut towards zero, as Java's `%` does."""
    return int(event_ms / size_ms) * size_ms


def rounds(event_ms: int, size_ms: int) -> int:
    """Take the nearest start."""
    return round(event_ms / size_ms) * size_ms


def closed_end(event_ms: int, size_ms: int) -> int:
    """Let a window hold its end."""
    return (event_ms - 1) // size_ms * size_ms


def window_number(event_ms: int, size_ms: int) -> int:
    """Number the windows."""
    return event_ms // size_ms


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say whether the window that the learner chose holds the event."""
    event_ms, size_ms = args
    held = f"{window(got, got + size_ms)} holds {short(got)} to {short(got + size_ms - 1)}"
    if got <= event_ms < got + size_ms:
        return f"{held}, but no window starts at {short(got)}, no multiple of {short(size_ms)}"
    return f"{held}, and not {short(event_ms)}\n{window(expected, expected + size_ms)} holds it"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the window of the learner's start beside the right one."""
    event_ms, size_ms = args
    if event_ms < 0 or size_ms < 1_000:
        return None
    return Scene(
        figure="assigners",
        events=arriving([event_ms]),
        policy=Policy(size_ms=size_ms),
        number=1,
        right_spans=spans([[expected, expected + size_ms]]),
        your_spans=spans([[got, got + size_ms]]),
    )


def random_case(rng: Random) -> Args:
    """Draw a time, often on a boundary, before or after 1970."""
    size_ms = 1_000 * rng.randrange(1, 20)
    return size_ms * rng.randrange(-5, 6) + rng.choice([-1, 0, 1, rng.randrange(size_ms)]), size_ms


EXERCISE = Exercise(
    id="L03.1",
    name="window_start",
    kind="faded",
    minutes=8,
    task="Return the start of the tumbling window that holds an event.",
    reference=reference,
    cases=(
        (12_000, 10_000),
        (9_999, 10_000),
        (10_000, 10_000),
        (7_000, 10_000),
        (-1, 10_000),
        (-10_000, 10_000),
    ),
    random_case=random_case,
    scene=scene,
    trace=trace,
    rule="A window [start, end) holds its start and not its end; starts are multiples of the size.",
    next_step="Which multiple of size_ms is the last one at or before the event?",
    hints=(
        "Which multiples of 10_000 lie around the event, and which of them is not after it?",
        "How far behind that multiple is the event, in one operator?",
        "What is -1 % 10_000 in Python, and what is -1 - (-1 % 10_000)?",
    ),
    discussion=(
        "event_ms // size_ms * size_ms is the same, because Python's // floors. "
        "In Java both / and % cut towards zero, "  # no claim: other
        "and an assigner written there has to take care of that. Go further: "
        "which of your times will ever be negative, and does a test for it still pay?"
    ),
    misconceptions=(
        Misconception(
            name="cuts-towards-zero",
            answer=truncates,
            rule="Before 1970, too, a window starts at or before its event: round down, not to "
            "zero.",
            next_step="Which is the last multiple of the size that is not after -1?",
        ),
        Misconception(
            name="rounds",
            answer=rounds,
            rule="An event stays in its window until the end: one in the second half is not in the"
            " next.",
            next_step="May the start of a window be after one of its events?",
        ),
        Misconception(
            name="closed-end",
            answer=closed_end,
            rule="A window holds its start, never its end: an event at the end is in the next one.",
            next_step="What do you get for 9_999, 10_000 and 10_001? Which two are in the same "
            "window?",
        ),
        Misconception(
            name="number-not-start",
            answer=window_number,
            rule="A window is named by its first millisecond, not by a running number.",
            next_step="How do you come from the number of a window to its start?",
        ),
    ),
)
