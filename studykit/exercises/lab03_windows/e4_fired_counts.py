"""L03.4: count the windows that the watermark has completed."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows, is_closed
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import first_difference, item, short, window
from studykit.trace.steps import Policy
from studykit.trace.stories import SIZE_MS, STORY_TIMES_MS


def reference(times_ms: list[int], size_ms: int, watermark_ms: int) -> list[list[int]]:
    """Return [start, count] of the windows that are closed, earliest first."""
    windows = SlidingWindows.tumbling(size_ms)
    starts = [windows.pane_start(time_ms) for time_ms in times_ms]
    closed = sorted({start for start in starts if is_closed(start + size_ms, watermark_ms)})
    return [[start, starts.count(start)] for start in closed]


def fires_at_end(times_ms: list[int], size_ms: int, watermark_ms: int) -> list[list[int]]:
    """Wait for the end itself."""
    starts = [time_ms // size_ms * size_ms for time_ms in times_ms]
    closed = sorted({start for start in starts if watermark_ms >= start + size_ms})
    return [[start, starts.count(start)] for start in closed]


def everything(times_ms: list[int], size_ms: int, watermark_ms: int) -> list[list[int]]:
    """List windows that are still open."""
    starts = [time_ms // size_ms * size_ms for time_ms in times_ms]
    return [[start, starts.count(start)] for start in sorted(set(starts))]


def by_event(times_ms: list[int], size_ms: int, watermark_ms: int) -> list[list[int]]:
    """Count only the events that the watermark has passed."""
    passed = [time_ms for time_ms in times_ms if time_ms <= watermark_ms]
    starts = [time_ms // size_ms * size_ms for time_ms in passed]
    return [[start, starts.count(start)] for start in sorted(set(starts))]


def empty_rows(times_ms: list[int], size_ms: int, watermark_ms: int) -> list[list[int]]:
    """Invent rows of zero between the others."""
    starts = [time_ms // size_ms * size_ms for time_ms in times_ms]
    span = range(min(starts), max(starts) + 1, size_ms) if starts else range(0)
    closed = [start for start in span if watermark_ms >= start + size_ms - 1]
    return [[start, starts.count(start)] for start in closed]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Compare the watermark with the last millisecond of the window that differs."""
    times_ms, size_ms, watermark_ms = args
    index = first_difference(got, expected)
    row = (expected if index < len(expected) else got)[index]
    if index < len(got):
        row = min(row, got[index])
    last_ms = row[0] + size_ms - 1
    state = "complete" if watermark_ms >= last_ms else "still open"
    inside = [short(time) for time in times_ms if row[0] <= time <= last_ms]
    head = f"row {index + 1}: {item(got, index)} instead of {item(expected, index)}"
    mine = window(row[0], last_ms + 1)
    if not inside:
        return f"{head}\nno event is in {mine}"
    return (
        f"{head}\n{mine} has {', '.join(inside)}; its last millisecond is {short(last_ms)}, and "
        f"W={short(watermark_ms)}: {state}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the windows when the watermark stands where it is said to, every event in order.

    Where the learner counts other windows than the right ones, both are shown below each other.
    """
    times_ms, size_ms, watermark_ms = args
    bound_ms = max(times_ms) - watermark_ms - 1
    if bound_ms < 0 or min(times_ms) < 0:
        return None  # no stream of these events leaves such a watermark, or no axis goes there
    right, yours = (
        spans([start, start + size_ms] for start, _ in rows) for rows in (expected, got)
    )
    others = bool(right) and set(right) != set(yours)
    return Scene(
        figure="watermark_stepper",
        events=arriving(sorted(times_ms)),
        policy=Policy(bound_ms=bound_ms, size_ms=size_ms),
        number=len(times_ms),
        moment="followed",
        about="The events of the call, in the order of their times"
        f"{f', with the watermark at {short(watermark_ms)} ms' if others else ''}.",
        right_spans=right if others else (),
        your_spans=yours if others else (),
    )


def random_case(rng: Random) -> Args:
    """Draw events and a watermark that is often beside a boundary."""
    size_ms = rng.choice([1, 3_000, 5_000, 10_000])
    edges = [size_ms * rng.randrange(-2, 5) + rng.choice([-1, 0, 1]) for _ in range(5)]
    times = [rng.choice([*edges, rng.randrange(-10_000, 40_000)]) for _ in range(rng.randrange(9))]
    return times, size_ms, size_ms * rng.randrange(-2, 6) + rng.choice([-2, -1, 0, 1_000])


EXERCISE = Exercise(
    id="L03.4",
    name="fired_counts",
    kind="independent",
    minutes=12,
    task="Count the events of each window that the watermark has completed.",
    reference=reference,
    cases=(
        ([2_000, 5_000, 11_000], 10_000, 9_999),
        ([2_000, 5_000, 11_000], 10_000, 9_998),
        ([2_000, 5_000, 11_000, 14_000], 10_000, 12_000),
        ([2_000, 35_000], 10_000, 39_999),
        (STORY_TIMES_MS, SIZE_MS, 12_999),
        ([-1, -5_000, 3_000], 5_000, -1),
        ([-1, -5_000, 3_000], 5_000, -2),
        ([2_000, 3_999, 9_000], 4_000, 6_000),
        ([], 10_000, 50_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A window fires when the watermark reaches its last millisecond, end - 1; never before.",
    next_step="Write down start, last millisecond and watermark of this window. Is it complete?",
    hints=(
        "What does the watermark claim, and when is it enough to close [0, 10_000)?",
        "Which is the last millisecond inside of [0, 10_000)?",
        "Is 9_999 >= end - 1, and is 9_998?",
    ),
    discussion=(
        "Comparing with the end instead of end - 1 prints every window one event later. In a demo "
        "nobody sees it; in a quiet topic the last window of the day is printed tomorrow. Go "
        "further: why does an empty window have no row, and who could add it?"
    ),
    second="""
def fired_counts(times_ms, size_ms, watermark_ms):
    # all windows that have fired end at or before one boundary: one comparison an event is enough
    boundary_ms = (watermark_ms + 1) // size_ms * size_ms
    starts = [time_ms // size_ms * size_ms for time_ms in times_ms if time_ms < boundary_ms]
    return [[start_ms, starts.count(start_ms)] for start_ms in sorted(set(starts))]
""",
    misconceptions=(
        Misconception(
            name="waits-for-the-end",
            answer=fires_at_end,
            rule="The end is outside: when nothing at or before end - 1 is expected, nothing is "
            "missing.",
            next_step="With which time do you compare the watermark, and is that time inside the "
            "window?",
        ),
        Misconception(
            name="prints-open-windows",
            answer=everything,
            rule="A window that is still open has no result yet: events may be missing.",
            next_step="Where does watermark_ms enter your result?",
        ),
        Misconception(
            name="watermark-as-filter",
            answer=by_event,
            rule="The watermark closes windows; it does not filter the events inside of them.",
            next_step="Do you compare the watermark with each event, or with each window?",
        ),
        Misconception(
            name="rows-of-zero",
            answer=empty_rows,
            rule="A window is made by its first event; where none came, there is none.",
            next_step="Which windows do you list that no event is in?",
        ),
    ),
)
