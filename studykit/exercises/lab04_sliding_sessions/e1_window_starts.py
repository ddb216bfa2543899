"""L04.1: all sliding windows that hold an event."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import short, window
from studykit.trace.steps import Policy


def reference(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
    """Return the starts, from the engine's own windows."""
    return [window.start_ms for window in SlidingWindows(size_ms, slide_ms).assign(event_ms)]


def one_too_many(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
    """Take the window that ends at the last slide, too."""
    last = event_ms // slide_ms * slide_ms
    return list(range(last - size_ms, last + 1, slide_ms))


def only_last(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
    """Think of tumbling windows."""
    return [event_ms // slide_ms * slide_ms]


def from_the_event(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
    """Count back from the event instead of from a slide."""
    return list(range(event_ms - size_ms + slide_ms, event_ms + 1, slide_ms))


def newest_first(event_ms: int, size_ms: int, slide_ms: int) -> list[int]:
    """Walk backwards, and leave it so."""
    last = event_ms // slide_ms * slide_ms
    return list(range(last, last - size_ms, -slide_ms))


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name a window that came and is none, or one that is missing."""
    event_ms, size_ms, slide_ms = args
    for start in got:
        yours = window(start, start + size_ms)
        if start % slide_ms:
            return f"{yours} is no window: {short(start)} is no multiple of {short(slide_ms)}"
        if start not in expected:
            last_ms = start + size_ms - 1
            return f"{yours} holds {short(start)} to {short(last_ms)}, and not {short(event_ms)}"
    missing = [start for start in expected if start not in got]
    if missing:
        return f"{window(missing[0], missing[0] + size_ms)} holds {short(event_ms)} and is missing"
    return "the right windows, in another order or more than once"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the windows that hold the event, where they overlap and the axis has room for them."""
    event_ms, size_ms, slide_ms = args
    if slide_ms == size_ms or event_ms < size_ms - slide_ms or size_ms < 1_000:
        return None
    return Scene(
        figure="assigners",
        events=arriving([event_ms]),
        policy=Policy(size_ms=size_ms, slide_ms=slide_ms),
        number=1,
        right_spans=spans([start, start + size_ms] for start in expected),
        your_spans=spans([start, start + size_ms] for start in got),
    )


def random_case(rng: Random) -> Args:
    """Draw a time, often on a slide."""
    slide_ms = rng.choice([1, 2, 1_000, 3_000, 5_000])
    event_ms = slide_ms * rng.randrange(-5, 9) + rng.choice([-1, 0, 1, 400])
    return event_ms, slide_ms * rng.randrange(1, 6), slide_ms


EXERCISE = Exercise(
    id="L04.1",
    name="window_starts",
    kind="faded",
    minutes=10,
    task="Return the starts of all sliding windows that hold an event, earliest first.",
    reference=reference,
    cases=(
        (7_000, 10_000, 10_000),
        (7_000, 10_000, 5_000),
        (10_000, 10_000, 5_000),
        (9_999, 10_000, 5_000),
        (12_345, 60_000, 15_000),
        (-1, 10_000, 5_000),
        (0, 4_000, 1_000),
        (7, 3, 1),
    ),
    equivalent={
        "return list(range(last_ms - size_ms + slide_ms, event_ms + 1, slide_ms))": (
            "The next start after last_ms is after the event."
        ),
    },
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="An event is in size / slide windows: those that start at a slide and have not ended.",
    next_step="Which is the last start at or before the event, and how many slides lead back?",
    hints=(
        "Which windows of 10 s that start every 5 s hold the time 7?",
        "Which multiple of the slide is the last start that can hold the event?",
        "Does the window hold the event if it starts exactly one size before the last start?",
    ),
    discussion=(
        "A test of every start between event - size and event finds the same windows, and "
        "looks at size many instead of size / slide. Go further: with windows of 24 h every "
        "15 min, how many copies of each event would a job keep that stores events by window?"
    ),
    misconceptions=(
        Misconception(
            name="one-too-many",
            answer=one_too_many,
            rule="A window that starts one size before the last start ends there: its end is "
            "outside.",
            next_step="How many windows are in your list, and what is size / slide?",
        ),
        Misconception(
            name="only-the-last",
            answer=only_last,
            rule="Sliding windows overlap: an event is in size / slide of them.",
            next_step="Which window that started one slide earlier is still open for this event?",
        ),
        Misconception(
            name="from-the-event",
            answer=from_the_event,
            rule="Windows start at multiples of the slide, wherever the events are.",
            next_step="To which multiple of the slide does this event belong?",
        ),
        Misconception(
            name="newest-first",
            answer=newest_first,
            rule="The windows are right; they are asked for in the order of their starts.",
            next_step="In which order does your loop walk?",
        ),
    ),
)
