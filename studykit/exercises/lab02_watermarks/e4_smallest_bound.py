"""L02.4: the smallest bound that lets no event of a stream fall behind."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab02_watermarks.e2_watermarks import reference as watermarks
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import short
from studykit.trace.steps import Policy
from studykit.trace.stories import STORY_TIMES_MS


def reference(times_ms: list[int]) -> int:
    """Return the largest distance of an event behind the largest time before it."""
    bound_ms = 0
    highest = times_ms[0]
    for time_ms in times_ms:
        highest = max(highest, time_ms)
        bound_ms = max(bound_ms, highest - time_ms)
    return bound_ms


def neighbours(times_ms: list[int]) -> int:
    """Compare neighbours only."""
    drops = [times_ms[n - 1] - times_ms[n] for n in range(1, len(times_ms))]
    return max([0, *drops])


def one_more(times_ms: list[int]) -> int:
    """Take a millisecond too many."""
    highest = [max(times_ms[: n + 1]) for n in range(len(times_ms))]
    return max(top - time_ms for top, time_ms in zip(highest, times_ms, strict=True)) + 1


def whole_range(times_ms: list[int]) -> int:
    """Span all times, in order or not."""
    return max(times_ms) - min(times_ms)


def mean(times_ms: list[int]) -> int:
    """Wait for the average event."""
    highest = [max(times_ms[: n + 1]) for n in range(len(times_ms))]
    behind = [top - time_ms for top, time_ms in zip(highest, times_ms, strict=True)]
    return sum(behind) // len(behind)


def behind_with(times_ms: list[int], bound_ms: int) -> list[int]:
    """Return the numbers of the events that arrive at or behind the watermark."""
    met = watermarks(times_ms, bound_ms)
    pairs = zip(times_ms[1:], met, strict=False)
    return [number for number, (time_ms, w) in enumerate(pairs, start=2) if time_ms <= w]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Run the engine's generator with the learner's bound, and with the right one."""
    (times_ms,) = args
    if got < 0:
        return "a bound is a distance: it is never negative"
    lost = behind_with(times_ms, got)
    if lost:
        number = lost[0]
        return (
            f"with a bound of {short(got)} event {number} (t={short(times_ms[number - 1])}) meets "
            f"W={short(watermarks(times_ms, got)[number - 2])} and is behind it"
        )
    return f"a bound of {short(got)} keeps every event, and so does a bound of {short(expected)}"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the first event that is behind the watermark of the learner's bound."""
    (times_ms,) = args
    lost = behind_with(times_ms, got) if isinstance(got, int) else []
    if not lost or min(times_ms) < 0:
        return None
    return Scene(
        figure="watermark_stepper",
        events=arriving(times_ms),
        policy=Policy(bound_ms=got),
        number=lost[0],
        about=f"With your bound event #{lost[0]} is behind the watermark that it meets.",
        right_watermarks=tuple(watermarks(times_ms, expected)),
        your_watermarks=tuple(watermarks(times_ms, got)),
    )


def random_case(rng: Random) -> Args:
    """Draw a stream of one to eight events, before or around the epoch or after it."""
    first_ms = rng.choice([-40_000, -15_000, 0])
    return ([first_ms + rng.randrange(30_000) for _ in range(rng.randrange(1, 9))],)


EXERCISE = Exercise(
    id="L02.4",
    name="smallest_bound",
    kind="independent",
    minutes=12,
    task="Return the smallest bound with which no event of the stream is behind the watermark.",
    reference=reference,
    cases=(
        ([1_000, 2_000, 3_000],),
        ([5_000, 2_000],),
        ([9_000, 6_000, 7_000, 4_000, 5_000],),
        (STORY_TIMES_MS,),
        ([7_000],),
        ([-8_000, -7_000],),
        ([-7_000, -8_001],),
        ([0, -3_000],),
    ),
    equivalent={"bound_ms = -1": "The first event is 0 ms behind the largest time, itself."},
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="An event is behind the watermark if its time is at or before W: t <= max - bound - 1.",
    next_step="For each event: how far is it behind the largest time before it?",
    hints=(
        "With which bound is one event, 3 s behind the newest, just not behind the watermark?",
        "If t must be larger than max - bound - 1, how large must the bound be?",
        "Which of these distances, over all events, has the bound to cover?",
    ),
    discussion=(
        "One can also try bounds from 0 upwards with `watermarks` until nothing is behind: right, "
        "and as slow as the bound is large. Measuring is one walk. Go further: the story needs "
        "11 s; a bound of 5 s keeps nine of its ten events. What is the tenth worth to you?"
    ),
    misconceptions=(
        Misconception(
            name="neighbours-only",
            answer=neighbours,
            rule="W follows the largest time so far, and that event may have arrived long before "
            "this one.",
            next_step="How far is this event behind the largest time so far, not behind its "
            "neighbour?",
        ),
        Misconception(
            name="one-too-many",
            answer=one_more,
            rule="The watermark leaves a millisecond already: an event that is exactly the bound "
            "behind the largest time is kept.",
            next_step="If the bound is the distance itself, is the event at or before max - bound "
            "- 1?",
        ),
        Misconception(
            name="whole-range",
            answer=whole_range,
            rule="Events in order need no bound, however much time they span.",
            next_step="What is your answer for a stream without any disorder?",
        ),
        Misconception(
            name="mean",
            answer=mean,
            rule="A bound of the average disorder loses every event that is slower than average.",
            next_step="Which of the distances has to be covered so that no event is lost?",
        ),
    ),
)
