"""L05.1: on time, late or dropped."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows, is_closed, is_purged
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, meeting
from studykit.exercises.wording import short, window
from studykit.trace.stories import SIZE_MS


def reference(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    """Judge an arrival by the engine's own rules for its 10 s window."""
    (window,) = SlidingWindows.tumbling(SIZE_MS).assign(event_ms)
    if is_purged(window.end_ms, watermark_ms, lateness_ms):
        return "dropped"
    return "late" if is_closed(window.end_ms, watermark_ms) else "on time"


def by_event(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    """Compare the event with the watermark."""
    if watermark_ms < event_ms:
        return "on time"
    return "late" if watermark_ms < event_ms + lateness_ms else "dropped"


def drops_behind(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    """Drop whatever is behind the watermark."""
    return "on time" if watermark_ms < event_ms else "dropped"


def closes_at_end(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    """Compare with the end instead of the last millisecond."""
    end_ms = event_ms // 10_000 * 10_000 + 10_000
    if watermark_ms < end_ms:
        return "on time"
    return "late" if watermark_ms < end_ms + lateness_ms else "dropped"


def no_lateness(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    """Forget the allowed lateness."""
    last_ms = event_ms // 10_000 * 10_000 + 9_999
    return "on time" if watermark_ms < last_ms else "dropped"


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show when the window fires and is purged, and where the watermark stands."""
    event_ms, watermark_ms, lateness_ms = args
    (mine,) = SlidingWindows.tumbling(SIZE_MS).assign(event_ms)
    behind = "behind" if event_ms <= watermark_ms else "ahead of"
    fires, purged = short(mine.last_ms), short(mine.last_ms + lateness_ms)
    state = {"on time": "still open", "late": "fired, not purged", "dropped": "purged"}[expected]
    return (
        f"the event is {behind} W={short(watermark_ms)}\n"
        f"its window {window(mine.start_ms, mine.end_ms)} fires at W={fires} and is purged at "
        f"W={purged}: {state}"
    )


def scene(args: Args, _got: Json, _expected: Json) -> Scene | None:
    """Show the window and the watermark when the event arrives."""
    event_ms, watermark_ms, lateness_ms = args
    return meeting(
        event_ms,
        watermark_ms,
        figure="watermark_stepper",
        size_ms=SIZE_MS,
        lateness_ms=lateness_ms,
    )


def random_case(rng: Random) -> Args:
    """Draw an event and a watermark near a moment that decides."""
    lateness_ms = rng.choice([0, 1, 3_000, 15_000])
    event_ms = rng.randrange(-20_000, 40_000)
    last_ms = event_ms // SIZE_MS * SIZE_MS + SIZE_MS - 1
    near = rng.choice([event_ms, last_ms, last_ms + lateness_ms, last_ms + 5_000])
    return event_ms, near + rng.choice([-1, 0, 1]), lateness_ms


EXERCISE = Exercise(
    id="L05.1",
    name="verdict",
    kind="faded",
    minutes=10,
    task="Judge an arrival for its 10 s window: on time, late or dropped.",
    reference=reference,
    cases=(
        (14_000, 6_999, 3_000),
        (3_000, 3_999, 3_000),
        (9_000, 9_999, 3_000),
        (9_000, 9_998, 3_000),
        (6_000, 12_998, 3_000),
        (6_000, 12_999, 3_000),
        (9_999, 9_999, 0),
        (-3_000, -2, 500),
        (-3_000, 498, 500),
        (-3_000, 499, 500),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="The window decides: open until W reaches its last ms, purged the lateness after that.",
    next_step="Write down the window's last millisecond. With what do you compare the watermark?",
    hints=(
        "Is the event late, or its window?",
        "When does the window of event 4, [0, 10_000), close?",
        "Which two numbers should be compared with last_ms and with last_ms + lateness_ms?",
    ),
    discussion=(
        "Comparing the event with the watermark is right for windows of one millisecond, and drops "
        "good events in all others: event 4 of the story is behind the watermark and counts. Go "
        "further: what is the price of a larger allowed lateness, if it delays no result?"
    ),
    misconceptions=(
        Misconception(
            name="late-by-event",
            answer=by_event,
            rule="The window's end decides lateness, not the event.",
            next_step="Compute the window's last millisecond. How does W compare with that?",
        ),
        Misconception(
            name="drops-what-is-behind",
            answer=drops_behind,
            rule="Behind the watermark is not lost: while its window is open, the event counts.",
            next_step="Which window does the event belong to, and has it fired yet?",
        ),
        Misconception(
            name="closes-at-end",
            answer=closes_at_end,
            rule="The end is outside: a window fires when W reaches end - 1.",
            next_step="Which is the last millisecond that is still inside?",
        ),
        Misconception(
            name="no-lateness",
            answer=no_lateness,
            rule="A fired window still takes events until the allowed lateness is over.",
            next_step="Where does lateness_ms enter your function?",
        ),
    ),
)
