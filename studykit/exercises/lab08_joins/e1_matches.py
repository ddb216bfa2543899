"""L08.1: which rows of two streams are a pair."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.joins import IntervalJoin
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(
    lefts: list[list[int]], rights: list[list[int]], lower_ms: int, upper_ms: int
) -> list[list[int]]:
    """Return the pairs that the engine's join finds, by left row and then by right row."""
    join: IntervalJoin[int, int] = IntervalJoin(lower_ms, upper_ms)
    for place, (time_ms, _) in enumerate(lefts):
        join.on_row("left", "all", time_ms, place)
    for place, (time_ms, _) in enumerate(rights):
        join.on_row("right", "all", time_ms, place)
    places = sorted((match.left or 0, match.right or 0) for match in join.take())
    return [[lefts[left][1], rights[right][1]] for left, right in places]


def upper_open(
    lefts: list[list[int]], rights: list[list[int]], lower_ms: int, upper_ms: int
) -> list[list[int]]:
    """Leave the upper bound out, as in a window."""
    return [[a, b] for t, a in lefts for u, b in rights if lower_ms <= u - t < upper_ms]


def no_lower(
    lefts: list[list[int]], rights: list[list[int]], lower_ms: int, upper_ms: int
) -> list[list[int]]:
    """Look at the upper bound only."""
    return [[a, b] for t, a in lefts for u, b in rights if u - t <= upper_ms]


def distance(
    lefts: list[list[int]], rights: list[list[int]], lower_ms: int, upper_ms: int
) -> list[list[int]]:
    """Take the distance, whichever row is first."""
    return [[a, b] for t, a in lefts for u, b in rights if lower_ms <= abs(u - t) <= upper_ms]


def left_minus_right(
    lefts: list[list[int]], rights: list[list[int]], lower_ms: int, upper_ms: int
) -> list[list[int]]:
    """Subtract the wrong way round."""
    return [[a, b] for t, a in lefts for u, b in rights if lower_ms <= t - u <= upper_ms]


def first_partner(
    lefts: list[list[int]], rights: list[list[int]], lower_ms: int, upper_ms: int
) -> list[list[int]]:
    """Give each left row one partner."""
    pairs = []
    for t, a in lefts:
        found = [b for u, b in rights if lower_ms <= u - t <= upper_ms]
        pairs += [[a, found[0]]] if found else []
    return pairs


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first pair that differs, and how far its rows are apart."""
    lefts, rights, lower_ms, upper_ms = args
    index = first_difference(got, expected)
    mine, right = item(got, index), item(expected, index)
    pair = expected[index] if index < len(expected) else got[index]
    apart = "no such rows"
    times = {value: time_ms for time_ms, value in rights}
    for time_ms, value in lefts:
        if value == pair[0] and pair[1] in times:
            apart = f"right - left = {short(times[pair[1]] - time_ms)}"
    return (
        f"pair {index + 1}: {mine} instead of {right}\n"
        f"{short(pair)}: {apart}; the band is {short(lower_ms)} to {short(upper_ms)}, both inside"
    )


def random_case(rng: Random) -> Args:
    """Draw two short lists with times that often lie exactly at a bound."""
    lower_ms = rng.choice([-3_000, -1, 0, 2_000])
    upper_ms = lower_ms + rng.choice([0, 1, 4_000])
    ids = rng.sample(range(10, 90), 10)
    lefts = [[rng.randrange(-4, 9) * 1_000, ids[place]] for place in range(rng.randrange(5))]
    near = [lower_ms - 1, lower_ms, lower_ms + 1, upper_ms - 1, upper_ms, upper_ms + 1]
    starts = [time_ms for time_ms, _ in lefts] or [0]
    rights = [
        [rng.choice(starts) + rng.choice(near), ids[5 + place]] for place in range(rng.randrange(5))
    ]
    return lefts, rights, lower_ms, upper_ms


EXERCISE = Exercise(
    id="L08.1",
    name="matches",
    kind="faded",
    minutes=8,
    task="Return the pairs of left and right rows whose times lie in the band.",
    reference=reference,
    cases=(
        ([[5_000, 1]], [[9_000, 7]], 0, 10_000),
        ([[5_000, 1]], [[15_000, 7], [15_001, 8]], 0, 10_000),
        ([[5_000, 1]], [[5_000, 7], [4_999, 8]], 0, 10_000),
        ([[5_000, 1], [6_000, 2]], [[6_500, 7], [7_000, 8]], 0, 10_000),
        ([[5_000, 2], [6_000, 1]], [[6_500, 8], [7_000, 7]], 0, 10_000),
        ([[5_000, 1]], [[3_000, 7], [2_999, 8], [7_000, 9]], -2_000, 1_000),
        ([[5_000, 1]], [[8_000, 7], [7_999, 8], [2_000, 9]], 3_000, 3_000),
        ([[-5_000, 0], [0, 1]], [[-1_000, 7], [0, 8]], 0, 4_000),
        ([[5_000, 1]], [], 0, 10_000),
        ([], [[5_000, 1]], -1, 1),
    ),
    random_case=random_case,
    trace=trace,
    rule="A pair is lower <= right - left <= upper: a signed difference, both bounds inside.",
    next_step="What is right - left for this pair, and is it between the bounds?",
    hints=(
        "Which of the two times do you subtract from which?",
        "Can one left row have two partners, and one right row, too?",
        "Which comparisons take a difference that is exactly a bound?",
    ),
    discussion=(
        "Here both bounds are inside, while of a window the end is outside. The two are asked for "
        "different things: windows must not overlap, and a band says how long is still related. Go "
        "further: with a thousand rows on each side this compares a million times. What would "
        "lists sorted by time save?"
    ),
    second=(
        "def matches(lefts, rights, lower_ms, upper_ms):\n"
        "    pairs = []\n"
        "    for left_ms, left in lefts:\n"
        "        first_ms, last_ms = left_ms + lower_ms, left_ms + upper_ms\n"
        "        pairs += [[left, right] for time_ms, right in rights\n"
        "                  if first_ms <= time_ms <= last_ms]\n"
        "    return pairs\n"
    ),
    misconceptions=(
        Misconception(
            name="open-bound",
            answer=upper_open,
            rule="BETWEEN has both of its bounds inside: a row exactly at upper is a pair.",
            next_step="Which rows are exactly the upper bound apart?",
        ),
        Misconception(
            name="one-sided",
            answer=no_lower,
            rule="A band has two ends. Without the lower one a click before the ad is a pair.",
            next_step="Where does your code say that a right row may be too early?",
        ),
        Misconception(
            name="distance",
            answer=distance,
            rule="A band looks in one direction: 3 s later is not the same as 3 s earlier.",
            next_step="Which of the two rows of this pair happened first?",
        ),
        Misconception(
            name="left-minus-right",
            answer=left_minus_right,
            rule="The difference is right - left: positive if the right row happened later.",
            next_step="Is your difference positive if the click comes after the ad?",
        ),
        Misconception(
            name="one-partner",
            answer=first_partner,
            rule="A join gives every pair: an ad that was clicked twice has two.",
            next_step="How many right rows lie in the band of this left row?",
        ),
    ),
)
