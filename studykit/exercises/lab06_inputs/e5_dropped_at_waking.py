"""L06.5: what becomes of the events that a woken input brings."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows, is_closed
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, meeting
from studykit.exercises.wording import short, window


def reference(times: list[int], common_ms: int, bound_ms: int, size_ms: int) -> list[int]:
    """Return the times whose window has fired; the common watermark stays where it is."""
    windows = SlidingWindows.tumbling(size_ms)
    ends = {time: windows.pane_start(time) + size_ms for time in times}
    return [time for time in times if is_closed(ends[time], common_ms)]


def by_its_own(times: list[int], common_ms: int, bound_ms: int, size_ms: int) -> list[int]:
    """Judge by the input's own watermark, which begins anew."""
    dropped, own = [], None
    for time in times:
        if own is not None and time // size_ms * size_ms + size_ms - 1 <= own:
            dropped.append(time)
        mine = time - bound_ms - 1
        own = mine if own is None else max(own, mine)
    return dropped


def first_event_moves_it_back(
    times: list[int], common_ms: int, bound_ms: int, size_ms: int
) -> list[int]:
    """Let the woken input take the common watermark back to its own."""
    dropped, own = [], None
    for time in times:
        watermark = common_ms if own is None else min(common_ms, own)
        if time // size_ms * size_ms + size_ms - 1 <= watermark:
            dropped.append(time)
        mine = time - bound_ms - 1
        own = mine if own is None else max(own, mine)
    return dropped


def behind_is_dropped(times: list[int], common_ms: int, bound_ms: int, size_ms: int) -> list[int]:
    """Drop whatever is behind the watermark."""
    return [time for time in times if time <= common_ms]


def end_itself(times: list[int], common_ms: int, bound_ms: int, size_ms: int) -> list[int]:
    """Compare the watermark with the window's end instead of its last millisecond."""
    return [time for time in times if time // size_ms * size_ms + size_ms <= common_ms]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first event whose fate differs, and its window."""
    times, common_ms, _, size_ms = args
    wrong = [time for time in times if (time in got) != (time in expected)]
    if not wrong:
        return "the events are right, but not in the order in which they came"
    time = wrong[0]
    start = SlidingWindows.tumbling(size_ms).pane_start(time)
    fired = "has fired" if is_closed(start + size_ms, common_ms) else "is still open"
    mine = "dropped" if time in got else "counted"
    return (
        f"the event at {short(time)} belongs to {window(start, start + size_ms)}, which {fired} at "
        f"W={short(common_ms)}; you call it {mine}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the first event whose fate differs, and its window, at the common watermark."""
    times, common_ms, _, size_ms = args
    wrong = [time for time in times if (time in got) != (time in expected)]
    return meeting(wrong[0], common_ms, figure="window_life", size_ms=size_ms) if wrong else None


def random_case(rng: Random) -> Args:
    """Draw what an input brings after a sleep, and a watermark near a window's end."""
    size_ms = rng.choice([5_000, 10_000])
    common_ms = rng.randrange(1, 5) * size_ms + rng.choice([-2, -1, 0, 1_234])
    times = [rng.randrange(-size_ms, 5 * size_ms) for _ in range(rng.randrange(6))]
    times += times[:1] if rng.random() < 0.2 else []
    return times, common_ms, rng.choice([0, 4_000]), size_ms


EXERCISE = Exercise(
    id="L06.5",
    name="dropped_at_waking",
    kind="independent",
    minutes=10,
    task="Return the event times of a woken input that find their window fired, as they come.",
    reference=reference,
    cases=(
        ([8_000, 12_000], 11_999, 4_000, 10_000),
        ([8_000, 9_000, 12_000, 25_000], 18_999, 4_000, 10_000),
        ([8_000, 8_500, 9_500], 9_999, 0, 10_000),
        ([8_000, 12_000, 8_000], 11_999, 4_000, 10_000),
        ([8_000], 9_998, 4_000, 10_000),
        ([12_000, 14_000], 13_999, 4_000, 10_000),
        ([8_000, 12_000, 4_000], 14_999, 4_000, 5_000),
        ([30_000, 8_000], 9_000, 4_000, 10_000),
        ([10_000, 20_000, -1, -3_000], 20_000, 4_000, 10_000),
        ([-1, -3_000], 5_000, 4_000, 10_000),
        ([], 9_999, 4_000, 10_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="The common watermark judges, and it does not go back for an input that wakes.",
    next_step="Which windows have fired at common_ms? What can still be added to one of these?",
    hints=(
        "Which windows have fired while the input was asleep?",
        "Does the watermark that judges change because the input is awake again?",
        "Which comparison with the last millisecond of the event's window decides?",
    ),
    equivalent={
        "bound_ms = 4000": "the bound made the input's own watermark, which judges nothing here",
        "bound_ms = 0": "the bound made the input's own watermark, which judges nothing here",
    },
    discussion=(
        "So idleness buys results at the price of the sleeper's events. The job of this repository "
        "judges by each partition's own watermark instead, and nothing that one partition does can "
        "make another's events late. Go further: what must be true of keys and partitions for that?"
    ),
    misconceptions=(
        Misconception(
            name="wakes-in-the-past",
            answer=by_its_own,
            rule="Windows are shared: those that fired while the input slept have fired for it, "
            "too.",
            next_step="By which watermark did the window of the first event fire?",
        ),
        Misconception(
            name="moves-back",
            answer=first_event_moves_it_back,
            rule="The common watermark never goes back, not even for a whole input that wakes.",
            next_step="What would the second event meet if the watermark stayed where it was?",
        ),
        Misconception(
            name="late-by-event",
            answer=behind_is_dropped,
            rule="An event behind the watermark counts as long as its window is open.",
            next_step="Which of the events that you drop belong to a window that is still open?",
        ),
        Misconception(
            name="fires-at-end",
            answer=end_itself,
            rule="A window fires when the watermark reaches its last millisecond, end - 1.",
            next_step="Which time do you compare with, and is it inside of the window?",
        ),
    ),
)
