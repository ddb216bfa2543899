"""L05.3: which of its windows an event misses."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows, is_purged
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, meeting
from studykit.exercises.wording import short, window


def reference(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int, lateness_ms: int
) -> list[int]:
    """Return the starts of the event's windows that are purged, from the engine's rules."""
    windows = SlidingWindows(size_ms, slide_ms).assign(event_ms)
    return [held.start_ms for held in windows if is_purged(held.end_ms, watermark_ms, lateness_ms)]


def all_or_nothing(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int, lateness_ms: int
) -> list[int]:
    """Miss every window as soon as the event is behind the watermark."""
    last = event_ms // slide_ms * slide_ms
    starts = list(range(last - size_ms + slide_ms, last + 1, slide_ms))
    return starts if event_ms + lateness_ms <= watermark_ms else []


def first_decides(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int, lateness_ms: int
) -> list[int]:
    """Miss every window as soon as the first is purged."""
    last = event_ms // slide_ms * slide_ms
    starts = list(range(last - size_ms + slide_ms, last + 1, slide_ms))
    return starts if starts[0] + size_ms - 1 + lateness_ms <= watermark_ms else []


def no_lateness(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int, lateness_ms: int
) -> list[int]:
    """Miss windows that have fired and still take events."""
    last = event_ms // slide_ms * slide_ms
    starts = range(last - size_ms + slide_ms, last + 1, slide_ms)
    return [start for start in starts if start + size_ms - 1 <= watermark_ms]


def one_longer(
    event_ms: int, watermark_ms: int, size_ms: int, slide_ms: int, lateness_ms: int
) -> list[int]:
    """Keep windows a millisecond too long."""
    last = event_ms // slide_ms * slide_ms
    starts = range(last - size_ms + slide_ms, last + 1, slide_ms)
    return [start for start in starts if start + size_ms - 1 + lateness_ms < watermark_ms]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say of each window of the event when it is purged."""
    event_ms, watermark_ms, size_ms, slide_ms, lateness_ms = args
    windows = SlidingWindows(size_ms, slide_ms).assign(event_ms)
    lines = [f"the event meets W={short(watermark_ms)}"]
    for held in windows:
        purged = short(held.last_ms + lateness_ms)
        fate = "gone" if held.start_ms in expected else "takes it"
        lines.append(f"{window(held.start_ms, held.end_ms)} is purged at W={purged}: {fate}")
    return "\n".join(lines)


def scene(args: Args, _got: Json, _expected: Json) -> Scene | None:
    """Show the windows of the event when it arrives."""
    event_ms, watermark_ms, size_ms, slide_ms, lateness_ms = args
    return meeting(
        event_ms,
        watermark_ms,
        figure="window_life",
        size_ms=size_ms,
        slide_ms=slide_ms,
        lateness_ms=lateness_ms,
    )


def random_case(rng: Random) -> Args:
    """Draw an event and a watermark near the end of one of its windows."""
    slide_ms = rng.choice([1, 2_000, 5_000])
    size_ms = slide_ms * rng.randrange(1, 5)
    event_ms = rng.randrange(-20_000, 40_000)
    lateness_ms = rng.choice([0, 1, 3_000])
    end_ms = event_ms // slide_ms * slide_ms + slide_ms * rng.randrange(1, 6)
    return (
        event_ms,
        end_ms + lateness_ms + rng.choice([-2, -1, 0, 2_000]),
        size_ms,
        slide_ms,
        lateness_ms,
    )


EXERCISE = Exercise(
    id="L05.3",
    name="missed_windows",
    kind="independent",
    minutes=12,
    task="Return the starts of the sliding windows that an event comes too late for.",
    reference=reference,
    cases=(
        (12_000, 9_000, 10_000, 5_000, 0),
        (7_000, 9_999, 10_000, 5_000, 0),
        (7_000, 9_998, 10_000, 5_000, 0),
        (7_000, 9_999, 10_000, 5_000, 3_000),
        (7_000, 12_999, 10_000, 5_000, 3_000),
        (7_000, 14_999, 10_000, 5_000, 0),
        (7_000, 8_000, 10_000, 5_000, 0),
        (7_000, 9_999, 6_000, 2_000, 0),
        (-1, 2_000, 8_000, 4_000, 500),
        (7, 8, 3, 1, 0),
    ),
    equivalent={
        "starts = range(first_start_ms, event_ms + 1, slide_ms)": (
            "The next start after last_start_ms is after the event."
        ),
    },
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="Each window judges for itself: it misses the event once W >= end - 1 + lateness.",
    next_step="Go through the windows of the event one by one. Which of them are purged?",
    hints=(
        "Can one event be on time for one window and too late for another?",
        "Which windows hold the event, and what is the last millisecond of each?",
        "Which of them satisfy watermark_ms >= start + size_ms - 1 + lateness_ms?",
    ),
    discussion=(
        "A window operator that drops the whole event when its first window is gone is simpler, "
        "and makes the open windows wrong without a trace. Go further: in what order do the "
        "windows of an event become too late, and can that make your loop shorter?"
    ),
    misconceptions=(
        Misconception(
            name="all-or-nothing",
            answer=all_or_nothing,
            rule="Lateness is judged per window: the later windows of the event may be open.",
            next_step="Do you compare W with the event, or with the end of each window?",
        ),
        Misconception(
            name="first-decides",
            answer=first_decides,
            rule="That the first window is purged says nothing about those that end later.",
            next_step="Which window of the event ends last, and is it purged?",
        ),
        Misconception(
            name="no-lateness",
            answer=no_lateness,
            rule="A fired window takes late events until its lateness is over.",
            next_step="Where does lateness_ms enter your comparison?",
        ),
        Misconception(
            name="one-ms-longer",
            answer=one_longer,
            rule="A window is purged when W reaches end - 1 + lateness, not one millisecond later.",
            next_step="Is the window purged if W is exactly end - 1 + lateness?",
        ),
    ),
)
