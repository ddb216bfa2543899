"""L02.5: the smallest bound that keeps a share of the events."""

from __future__ import annotations

from random import Random
from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab02_watermarks.e2_watermarks import reference as watermarks
from studykit.exercises.lab02_watermarks.e4_smallest_bound import behind_with
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import short
from studykit.trace.steps import Policy

STREAM = [10_000, 9_000, 12_000, 8_000, 13_000, 13_500, 7_000, 14_000, 15_000, 14_600]


HALF_LATE = [1_000 * n - (1_700 + n if n % 2 else 0) for n in range(25)]
"""Of 25 events 56 % are exactly 14, which a float makes a little more."""


def reference(times_ms: list[int], percent: int) -> int:
    """Return the smallest bound with which at most 100 - percent percent are behind."""
    distances = sorted(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))
    needed = -(-len(times_ms) * percent // 100)
    return distances[needed - 1]


def everything(times_ms: list[int], percent: int) -> int:
    """Keep every event, whatever is asked."""
    return max(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))


def share_of_bound(times_ms: list[int], percent: int) -> int:
    """Take a share of the largest distance."""
    largest = max(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))
    return largest * percent // 100


def one_short(times_ms: list[int], percent: int) -> int:
    """Round the number of events down."""
    distances = sorted(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))
    needed = len(times_ms) * percent // 100
    return distances[max(needed, 1) - 1]


def only_disordered(times_ms: list[int], percent: int) -> int:
    """Count only the events that are out of order."""
    distances = sorted(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))
    late = [distance for distance in distances if distance > 0] or [0]
    return late[-(-len(late) * percent // 100) - 1]


MOST_BESIDE: Final = 12
"""Up to so many events two watermarks can be told apart in a picture."""


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say how many events the learner's bound keeps, by the engine's generator."""
    times_ms, percent = args
    if got < 0:
        return "a bound is a distance: it is never negative"
    count = len(times_ms)
    needed = -(-count * percent // 100)
    kept, right = (count - len(behind_with(times_ms, bound)) for bound in (got, expected))
    distances = sorted(max(times_ms[: n + 1]) - time for n, time in enumerate(times_ms))
    return (
        f"{percent} % of {count} events: keep at least {needed}\n"
        f"how far each is behind the largest before it, sorted: {short(distances)[1:-1]}\n"
        f"a bound of {short(got)} keeps {kept}, a bound of {short(expected)} keeps {right}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the watermark of the learner's bound beside that of the right one.

    The event that decides is the first that only one of the two bounds keeps. Of a long stream the
    figure shows what the learner's bound keeps, and what every other would.
    """
    times_ms, _ = args
    if type(got) is not int or got < 0 or min(times_ms) < 0:
        return None
    events, policy = arriving(times_ms), Policy(bound_ms=got)
    lost = set(behind_with(times_ms, got)) ^ set(behind_with(times_ms, expected))
    if len(events) > MOST_BESIDE or not lost:
        return Scene(figure="bound_tradeoff", events=events, policy=policy, number=len(events))
    return Scene(
        figure="watermark_stepper",
        events=events,
        policy=policy,
        number=min(lost),
        moment="judged",
        right_watermarks=tuple(watermarks(times_ms, expected)),
        your_watermarks=tuple(watermarks(times_ms, got)),
    )


def random_case(rng: Random) -> Args:
    """Draw up to thirty events whose disorder varies, and a share from 1 to 100 percent."""
    count = rng.choice([1, 3, 9, 25, rng.randrange(1, 31)])
    first_ms = rng.choice([-20_000, 0, 9_500])
    times = [first_ms + 1_000 * n - rng.choice([0, rng.randrange(9_000)]) for n in range(count)]
    return times, rng.choice([1, 34, 56, 67, 100, rng.randrange(1, 101)])


EXERCISE = Exercise(
    id="L02.5",
    name="bound_for_share",
    kind="independent",
    minutes=15,
    task="Return the smallest bound with which at least `percent` percent are not behind.",
    reference=reference,
    cases=(
        ([5_000, 2_000], 100),
        ([5_000, 2_000], 50),
        (STREAM, 100),
        (STREAM, 90),
        (STREAM, 85),
        (STREAM, 60),
        (STREAM, 1),
        ([-5_000, -9_000, -7_000], 67),
        (HALF_LATE, 56),
    ),
    equivalent={
        "needed = (len(distances) * percent + 99) // 100": "Each event has one distance.",
    },
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A bound is bought with time: sort the distances, and pay for as many events as asked.",
    next_step="How many events have to be kept, and which distance is the last one among them?",
    hints=(
        "Which events does a bound of 1 s keep, and which one of 2 s?",
        "If you sort all distances, in-order events with 0 too, what does the n-th one mean?",
        "How many events are at least 85 percent of ten?",
    ),
    discussion=(
        "numpy.percentile interpolates between two distances, and so invents a bound at which no "
        "event lies; it can keep too few. Go further: the bound delays every result, the last "
        "percent of events as much as the first. Who should decide how much that is worth?"
    ),
    misconceptions=(
        Misconception(
            name="keeps-everything",
            answer=everything,
            rule="Your bound waits for the slowest event of all, although some may be given up.",
            next_step="Where does `percent` enter your result?",
        ),
        Misconception(
            name="share-of-the-bound",
            answer=share_of_bound,
            rule="A share of the largest distance does not keep that share of the events.",
            next_step="How many of the sorted distances does your bound cover, and how many are "
            "asked for?",
        ),
        Misconception(
            name="one-event-short",
            answer=one_short,
            rule="85 % of ten events is 8.5, and eight would be too few: at least nine are kept.",
            next_step="Do you round the number of events up, or down?",
        ),
        Misconception(
            name="disordered-only",
            answer=only_disordered,
            rule="Events in order are kept by any bound, and they count among the percent.",
            next_step="What is the distance of an event that is in order, and do you count it?",
        ),
    ),
)
