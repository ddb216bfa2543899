"""L02.2: a watermark generator over a whole stream."""

from __future__ import annotations

from random import Random

from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy
from studykit.trace.stories import BOUND_MS, STORY_TIMES_MS


def reference(times_ms: list[int], bound_ms: int) -> list[int]:
    """Return the watermark after each event, from the engine's own generator."""
    clock = BoundedOutOfOrderness(bound_ms)
    after = []
    for time_ms in times_ms:
        clock.observe(time_ms)
        after.append(clock.watermark_ms)
    return after


def moves_back(times_ms: list[int], bound_ms: int) -> list[int]:
    """Follow each event, old ones too."""
    return [time_ms - bound_ms - 1 for time_ms in times_ms]


def met_by_the_event(times_ms: list[int], bound_ms: int) -> list[int]:
    """Give the watermark that each event met, not the one that it left."""
    highest = [max(times_ms[:n] or times_ms[:1]) for n in range(len(times_ms))]
    return [time_ms - bound_ms - 1 for time_ms in highest]


def only_advances(times_ms: list[int], bound_ms: int) -> list[int]:
    """List the watermark only where it moved."""
    after: list[int] = []
    for time_ms in times_ms:
        if not after or time_ms - bound_ms - 1 > after[-1]:
            after.append(time_ms - bound_ms - 1)
    return after


def knows_the_end(times_ms: list[int], bound_ms: int) -> list[int]:
    """Look at events that have not arrived yet."""
    return [max(times_ms) - bound_ms - 1 for _ in times_ms]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the stream up to the event after which the results differ."""
    times_ms, _ = args
    index = first_difference(got, expected)
    if index >= len(times_ms):
        return f"{len(times_ms)} events came, and you return {len(got)} watermarks"
    before = ", ".join(short(time) for time in times_ms[: index + 1])
    return (
        f"event times so far: {before}; the largest is {short(max(times_ms[: index + 1]))}\n"
        f"after event {index + 1} (t={short(times_ms[index])}) you have {item(got, index)} "
        f"instead of {item(expected, index)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the watermark after the event at which the results differ."""
    times_ms, bound_ms = args
    number = first_difference(got, expected) + 1
    if number > len(times_ms) or min(times_ms) < 0:
        return None
    return Scene(
        figure="watermark_stepper",
        events=arriving(times_ms),
        policy=Policy(bound_ms=bound_ms),
        number=number,
        moment="followed",
        right_watermarks=tuple(expected),
        your_watermarks=tuple(value + 0 for value in got),
    )


def random_case(rng: Random) -> Args:
    """Draw a stream of up to eight events, before or around the epoch or after it."""
    first_ms = rng.choice([-60_000, -30_000, 0])
    times = [first_ms + rng.randrange(60) * 1_000 for _ in range(rng.randrange(9))]
    times = [0, *times[1:]] if times and rng.random() < 0.2 else times
    return times, rng.choice([0, 1, rng.randrange(10_000)])


EXERCISE = Exercise(
    id="L02.2",
    name="watermarks",
    kind="independent",
    minutes=10,
    task="Return the watermark that stands after each event of a stream.",
    reference=reference,
    cases=(
        ([5_000], 4_000),
        ([1_000, 2_000, 3_000], 0),
        ([3_000, 2_000, 1_000], 0),
        ([2_000, 8_000, 3_000, 11_000], 4_000),
        (STORY_TIMES_MS, BOUND_MS),
        ([-8_000], 4_000),
        ([-8_000, -9_000, -7_000], 500),
        ([0, 0], 1),
        ([0, -5_000], 1_000),
        ([], 4_000),
    ),
    equivalent=dict.fromkeys(
        (
            "seen_ms = times_ms[0] if times_ms else 1",
            "seen_ms = times_ms[0] if times_ms else -1",
        ),
        "Without an event nothing is appended, whatever the start is.",
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A watermark follows the largest time seen so far, and never moves back.",
    next_step="What do you remember from one event to the next, and when does it change?",
    hints=(
        "What does an old event say about how far event time has come?",
        "Which single number do you have to carry from event to event?",
        "What is max(seen so far, this event), and what does your L02.1 make of it?",
    ),
    discussion=(
        "max(times_ms[: n + 1]) for each n is right, and it walks the stream again for each event: "
        "a million events are half a million million steps. One number carried along is enough. Go "
        "further: what has to be saved, so that a restarted job goes on with the same watermark?"
    ),
    second="""
from itertools import accumulate

def watermarks(times_ms, bound_ms):
    # accumulate(…, max) is the one number carried along, from the standard library
    return [highest_ms - bound_ms - 1 for highest_ms in accumulate(times_ms, max)]
""",
    misconceptions=(
        Misconception(
            name="moves-back",
            answer=moves_back,
            rule="What a watermark has said, it never takes back: an old event does not move it.",
            next_step="What should happen to the largest time seen when an older event arrives?",
        ),
        Misconception(
            name="met-not-left",
            answer=met_by_the_event,
            rule="The watermark after an event already knows of that event.",
            next_step="In which order do you look at the event and write down the watermark?",
        ),
        Misconception(
            name="only-advances",
            answer=only_advances,
            rule="There is a watermark after every event: an old event leaves it where it was.",
            next_step="How many watermarks do you return, and for how many events?",
        ),
        Misconception(
            name="knows-the-end",
            answer=knows_the_end,
            rule="After an event only that event and those before it are known.",
            next_step="Which events have arrived when the first watermark is written down?",
        ),
    ),
)
