"""L13.1: how many payments a card has made, as of each payment."""

from __future__ import annotations

from bisect import bisect_right
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, values
from studykit.exercises.wording import first_difference, item, short


def reference(times: list[int], within_ms: int) -> list[int]:
    """Return for each payment how many lie in the interval that ends with it."""
    ordered = sorted(times)
    return [
        bisect_right(ordered, time_ms) - bisect_right(ordered, time_ms - within_ms)
        for time_ms in times
    ]


def window_for_interval(times: list[int], within_ms: int) -> list[int]:
    """Count the payments of the same tumbling window, up to this one."""
    return [
        sum(other // within_ms == now // within_ms and other <= now for other in times)
        for now in times
    ]


def current_excluded(times: list[int], within_ms: int) -> list[int]:
    """Leave the payment itself out."""
    return [sum(now - within_ms < other < now for other in times) for now in times]


def start_inside(times: list[int], within_ms: int) -> list[int]:
    """Let the interval begin at its start."""
    return [sum(now - within_ms <= other <= now for other in times) for now in times]


def by_arrival(times: list[int], within_ms: int) -> list[int]:
    """Count only what has arrived before."""
    return [
        sum(now - within_ms < other <= now for other in times[: place + 1])
        for place, now in enumerate(times)
    ]


def both_sides(times: list[int], within_ms: int) -> list[int]:
    """Count what is near, before and after."""
    return [sum(abs(other - now) < within_ms for other in times) for now in times]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first payment whose count differs, and which payments lie in its interval."""
    times, within_ms = args
    index = first_difference(got, expected)
    if index >= len(times):
        return f"{len(times)} payments, and {len(got)} counts"
    now_ms = times[index]
    inside = [time_ms for time_ms in sorted(times) if now_ms - within_ms < time_ms <= now_ms]
    return (
        f"payment {index + 1} at {short(now_ms)}: {item(got, index)} instead of "
        f"{item(expected, index)}\n"
        f"in ({short(now_ms - within_ms)}, {short(now_ms)}] lie {short(inside)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the count of each payment, in the order in which they arrived."""
    return values(
        expected, got, "The count of each payment, as they arrived.",
        axis="payments counted", marks="payments",
    )  # fmt: skip


def random_case(rng: Random) -> Args:
    """Draw payments in any order, many exactly one interval apart, or at one time."""
    within_ms = rng.choice([1_000, 5_000, 60_000])
    steps = [0, 1, within_ms - 1, within_ms, within_ms + 1, within_ms // 2]
    times = [rng.choice([-within_ms, 0, 7_000])]
    for _ in range(rng.randrange(7)):
        times.append(rng.choice(times) + rng.choice(steps))
    rng.shuffle(times)
    return times[: rng.randrange(len(times) + 1)], within_ms


EXERCISE = Exercise(
    id="L13.1",
    name="velocity",
    kind="faded",
    minutes=8,
    task="Return for each payment how many the card has made in the interval that ends with it.",
    reference=reference,
    cases=(
        ([50_000, 58_000, 62_000, 70_000], 60_000),
        ([0, 60_000, 119_999, 120_000], 60_000),
        ([10_000, 70_000, 69_999], 60_000),
        ([5_000, 9_000, 7_000], 5_000),
        ([-3_000, -8_000, 0], 5_000),
        ([4_000, 4_000, 4_000], 1_000),
        ([7_000], 60_000),
        ([], 60_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="As of a payment at t, the interval is (t - within, t]: its start outside, itself inside.",
    next_step="Which payments lie in the interval that ends with this one?",
    hints=(
        "Where does the interval of this payment begin, and where does it end?",
        "Is the payment itself one of those that the card has made?",
        "Which comparisons leave the start out and keep the end?",
    ),
    discussion=(
        "A window answers for the edges of the clock, an interval for this payment. The window is "
        "cheap, because all cards share its edges; the interval needs the times themselves. Go "
        "further: a payment arrives late. Which counts that were served already change with it?"
    ),
    second=(
        "def velocity(times, within_ms):\n"
        "    from bisect import bisect_right\n"
        "    ordered = sorted(times)\n"
        "    return [bisect_right(ordered, now_ms) - bisect_right(ordered, now_ms - within_ms)\n"
        "            for now_ms in times]\n"
    ),
    misconceptions=(
        Misconception(
            name="window-for-interval",
            answer=window_for_interval,
            rule="A tumbling window has the edges of the clock: it cuts a burst in two.",
            next_step="Which payments just before this one lie on the other side of an edge?",
        ),
        Misconception(
            name="current-excluded",
            answer=current_excluded,
            rule="The payment that is judged is one of those that the card has made: it counts.",
            next_step="What is the least count that a payment can have?",
        ),
        Misconception(
            name="start-inside",
            answer=start_inside,
            rule="With both ends inside the interval is a millisecond too long.",
            next_step="Does a payment exactly one interval before belong to this interval?",
        ),
        Misconception(
            name="by-arrival",
            answer=by_arrival,
            rule="The list is in order of arrival. What happened before may stand behind.",
            next_step="Which payment of the list happened before this one and arrived after it?",
        ),
        Misconception(
            name="both-sides",
            answer=both_sides,
            rule="What comes after the payment was not known: counting it leaks the future.",
            next_step="Did all of the payments that you count happen at or before this one?",
        ),
    ),
)
