"""L08.4: the pairs that a window join cannot see."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy


def reference(lefts: list[int], rights: list[int], size_ms: int, within_ms: int) -> list[list[int]]:
    """Return the pairs of the band that lie in two windows."""
    start = SlidingWindows.tumbling(size_ms).pane_start
    return [
        [left_ms, right_ms]
        for left_ms in lefts
        for right_ms in rights
        if 0 <= right_ms - left_ms <= within_ms and start(left_ms) != start(right_ms)
    ]


def none(lefts: list[int], rights: list[int], size_ms: int, within_ms: int) -> list[list[int]]:
    """Believe that a window join misses nothing that is close enough."""
    return []


def all_apart(lefts: list[int], rights: list[int], size_ms: int, within_ms: int) -> list[list[int]]:
    """Return every pair in two windows, however far apart."""
    return [[t, u] for t in lefts for u in rights if t <= u and t // size_ms != u // size_ms]


def closed_end(
    lefts: list[int], rights: list[int], size_ms: int, within_ms: int
) -> list[list[int]]:
    """Let a window hold its end."""
    return [
        [t, u]
        for t in lefts
        for u in rights
        if 0 <= u - t <= within_ms and (t - 1) // size_ms != (u - 1) // size_ms
    ]


def window_at_the_left_row(
    lefts: list[int], rights: list[int], size_ms: int, within_ms: int
) -> list[list[int]]:
    """Let every left row open a window of its own."""
    return [[t, u] for t in lefts for u in rights if size_ms <= u - t <= within_ms]


def both_directions(
    lefts: list[int], rights: list[int], size_ms: int, within_ms: int
) -> list[list[int]]:
    """Take clicks before their ad for pairs, too."""
    return [
        [t, u]
        for t in lefts
        for u in rights
        if abs(u - t) <= within_ms and t // size_ms != u // size_ms
    ]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first pair that differs, with its two windows."""
    _, _, size_ms, within_ms = args
    index = first_difference(got, expected)
    mine, right = item(got, index), item(expected, index)
    left_ms, right_ms = expected[index] if index < len(expected) else got[index]
    start = SlidingWindows.tumbling(size_ms).pane_start
    return (
        f"pair {index + 1}: {mine} instead of {right}\n{short(left_ms)} is in the window from "
        f"{short(start(left_ms))}, {short(right_ms)} in that from {short(start(right_ms))}; they "
        f"are {short(right_ms - left_ms)} apart, {short(within_ms)} are allowed"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the windows of the two rows of the first pair that differs."""
    _, _, size_ms, _ = args
    index = first_difference(got, expected)
    first_ms, second_ms = sorted(expected[index] if index < len(expected) else got[index])
    if first_ms < 0:
        return None
    return Scene(
        figure="window_life",
        events=arriving((first_ms, second_ms)),
        policy=Policy(bound_ms=4_000, size_ms=size_ms),
        number=2,
        about="Events 1 and 2 are the two rows of the pair.",
    )


def random_case(rng: Random) -> Args:
    """Draw rows around the ends of windows."""
    size_ms = rng.choice([5_000, 10_000])
    edges = [edge * size_ms + step for edge in range(-1, 3) for step in (-2_000, -1, 0, 1, 1_500)]
    lefts = rng.sample(edges, rng.randrange(4))
    rights = rng.sample(edges, rng.randrange(4))
    return lefts, rights, size_ms, rng.choice([0, 1, 2, 1_500, 2_000, 12_000])


EXERCISE = Exercise(
    id="L08.4",
    name="missed_by_windows",
    kind="independent",
    minutes=10,
    task="Return the pairs within the band that a join of tumbling windows misses.",
    reference=reference,
    cases=(
        ([2_000], [4_000], 10_000, 3_000),
        ([9_000], [11_000], 10_000, 3_000),
        ([9_999], [10_000], 10_000, 1),
        ([10_000], [10_001], 10_000, 3_000),
        ([9_000], [13_000], 10_000, 3_000),
        ([11_000], [9_000], 10_000, 3_000),
        ([4_000, 9_000], [5_000, 10_500], 5_000, 1_500),
        ([-1_000], [500, 2_000], 10_000, 3_000),
        ([0, 2_000], [12_000, 14_000], 10_000, 12_000),
        ([10_000], [9_999], 10_000, 3_000),
        ([4_000], [6_000], 10_000, 3_000),
        ([], [1_000], 10_000, 3_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A window join pairs rows of one window: two rows beside an edge never meet.",
    next_step="In which window is each of the two rows?",
    hints=(
        "Which rows does a window join ever compare?",
        "How many milliseconds before an edge does a pair of 1 ms have to begin to be cut?",
        "Which two conditions does a missed pair satisfy at once?",
    ),
    equivalent={
        f"pairs = [[left, right] for left in lefts for right in rights if {least} right - left <= "
        "within_ms]": ("two rows of one time are in one window")
        for least in ("0 <", "1 <=")
    },
    discussion=(
        "With windows of ten times the band about one pair in twenty is cut, at random, and no "
        "counter counts it. A larger window cuts less and holds more; an interval join cuts "
        "nothing. Go further: would sliding windows help, and what would you have to remove then?"
    ),
    misconceptions=(
        Misconception(
            name="across-the-edge",
            answer=none,
            rule="Windows lie where the clock puts them, not around your rows: an edge can cut any "
            "pair.",
            next_step="Which edge lies between the two rows?",
        ),
        Misconception(
            name="however-far-apart",
            answer=all_apart,
            rule="Missed is what the band asks for: rows too far apart are no pair at all.",
            next_step="Are the two rows within within_ms?",
        ),
        Misconception(
            name="closed-end",
            answer=closed_end,
            rule="A window holds its start and not its end: the edge belongs to the next one.",
            next_step="To which window does a row exactly at the edge belong?",
        ),
        Misconception(
            name="window-at-the-row",
            answer=window_at_the_left_row,
            rule="A tumbling window begins at a multiple of its size, whichever row comes.",
            next_step="Where does the window of this left row begin?",
        ),
        Misconception(
            name="both-directions",
            answer=both_directions,
            rule="The band is 0 to within_ms: a right row before the left one is no pair.",
            next_step="Which of the two rows happened first?",
        ),
    ),
)
