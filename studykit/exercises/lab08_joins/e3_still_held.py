"""L08.3: which rows a join may forget."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.joins import IntervalJoin, Side
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(
    lefts: list[int],
    rights: list[int],
    left_watermark_ms: int,
    right_watermark_ms: int,
    lower_ms: int,
    upper_ms: int,
) -> list[list[int]]:
    """Return the times of both sides that have not expired at the smaller watermark."""
    join: IntervalJoin[None, None] = IntervalJoin(lower_ms, upper_ms)
    common_ms = min(left_watermark_ms, right_watermark_ms)
    sides: tuple[tuple[Side, list[int]], ...] = (("left", lefts), ("right", rights))
    return [
        [time_ms for time_ms in times if join.expiry_ms(side, time_ms) > common_ms]
        for side, times in sides
    ]


def own_clock(
    lefts: list[int],
    rights: list[int],
    left_watermark_ms: int,
    right_watermark_ms: int,
    lower_ms: int,
    upper_ms: int,
) -> list[list[int]]:
    """Free the rows of a side by the watermark of that side."""
    return [
        [time for time in lefts if time + upper_ms > left_watermark_ms],
        [time for time in rights if time - lower_ms > right_watermark_ms],
    ]


def keeps_all(
    lefts: list[int],
    rights: list[int],
    left_watermark_ms: int,
    right_watermark_ms: int,
    lower_ms: int,
    upper_ms: int,
) -> list[list[int]]:
    """Free nothing."""
    return [list(lefts), list(rights)]


def same_bound(
    lefts: list[int],
    rights: list[int],
    left_watermark_ms: int,
    right_watermark_ms: int,
    lower_ms: int,
    upper_ms: int,
) -> list[list[int]]:
    """Hold both sides for as long as the upper bound."""
    common = min(left_watermark_ms, right_watermark_ms)
    return [
        [time for time in lefts if time + upper_ms > common],
        [time for time in rights if time + upper_ms > common],
    ]


def behind_is_gone(
    lefts: list[int],
    rights: list[int],
    left_watermark_ms: int,
    right_watermark_ms: int,
    lower_ms: int,
    upper_ms: int,
) -> list[list[int]]:
    """Free whatever is behind the watermark, as if no band reached back."""
    common = min(left_watermark_ms, right_watermark_ms)
    return [[time for time in lefts if time > common], [time for time in rights if time > common]]


def a_millisecond_more(
    lefts: list[int],
    rights: list[int],
    left_watermark_ms: int,
    right_watermark_ms: int,
    lower_ms: int,
    upper_ms: int,
) -> list[list[int]]:
    """Wait until the watermark is beyond the last partner."""
    common = min(left_watermark_ms, right_watermark_ms)
    return [
        [time for time in lefts if time + upper_ms >= common],
        [time for time in rights if time - lower_ms >= common],
    ]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first row whose fate differs, with its last partner."""
    lefts, rights, left_watermark_ms, right_watermark_ms, lower_ms, upper_ms = args
    common_ms = min(left_watermark_ms, right_watermark_ms)
    for place, (side, times) in enumerate((("left", lefts), ("right", rights))):
        for time_ms in times:
            if (time_ms in got[place]) != (time_ms in expected[place]):
                last_ms = time_ms + upper_ms if side == "left" else time_ms - lower_ms
                mine = "keep" if time_ms in got[place] else "free"
                return (
                    f"the {side} row at {short(time_ms)} may get a partner up to {short(last_ms)}; "
                    f"the common watermark is {short(common_ms)}; you {mine} it"
                )
    return "the rows are right, but not in the order in which they were given"


def random_case(rng: Random) -> Args:
    """Draw a band, two watermarks, and rows that expire around the smaller one."""
    lower_ms = rng.choice([-4_000, -1, 0, 1_500])
    upper_ms = lower_ms + rng.choice([0, 2_000, 9_000])
    marks = [rng.randrange(-5_000, 20_000), rng.randrange(-5_000, 20_000)]
    near = [mark + step for mark in marks for step in (-1, 0, 1, -3_000, 2_500)]
    lefts = [rng.choice(near) - rng.choice([upper_ms, 0]) for _ in range(rng.randrange(4))]
    rights = [rng.choice(near) + rng.choice([lower_ms, 0]) for _ in range(rng.randrange(4))]
    return lefts, rights, marks[0], marks[1], lower_ms, upper_ms


EXERCISE = Exercise(
    id="L08.3",
    name="still_held",
    kind="independent",
    minutes=12,
    task="Return the times of the left and of the right rows that a join still has to hold.",
    reference=reference,
    cases=(
        ([4_000, 5_000, 20_000], [14_000, 20_000], 14_999, 16_000, 0, 10_000),
        ([4_999, 5_000], [14_999, 15_000], 30_000, 14_999, 0, 10_000),
        ([1_000, 2_000], [1_000, 5_000, 9_000], 9_000, 8_000, -4_000, 2_000),
        ([6_000, 8_000, 8_001], [11_000, 12_000, 12_001], 20_000, 12_000, -4_000, 4_000),
        ([10_000, 10_001], [3_000, 3_001], 5_000, 6_000, 2_000, 3_000),
        ([10_000, 16_001], [12_000, 18_001], 15_000, 20_000, -3_000, -1_000),
        ([0, -3_000], [0, -3_000], 0, -1, 0, 0),
        ([], [], 0, 0, 0, 1_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="A row is free once the smaller watermark has reached the time of its last partner.",
    next_step="Which is the latest partner that this row can have, and can it still come?",
    hints=(
        "At which times may the partners of a left row lie, and at which those of a right row?",
        "Which of the two watermarks promises something about both inputs?",
        "At W = l + upper, may a right row at exactly l + upper still come?",
    ),
    discussion=(
        "A left row waits for right rows alone, so the right watermark would be enough for it. "
        "Flink takes the smaller of the two, "  # claim: flink-minimum-over-inputs
        "which is simpler, never frees too early and may hold for longer. Go further: when does "
        "the simpler rule cost the most?"
    ),
    misconceptions=(
        Misconception(
            name="own-clock",
            answer=own_clock,
            rule="A side's own watermark says nothing about the partners, which are on the other.",
            next_step="Which input do the partners of this row come through?",
        ),
        Misconception(
            name="never-frees",
            answer=keeps_all,
            rule="A row whose last partner can no longer come is dead weight, for ever.",
            next_step="At which watermark may this row be forgotten?",
        ),
        Misconception(
            name="same-for-both",
            answer=same_bound,
            rule="A left row waits up to l + upper, a right row up to r - lower.",
            next_step="Which left rows does this right row wait for?",
        ),
        Misconception(
            name="behind-is-gone",
            answer=behind_is_gone,
            rule="A row behind the watermark may have partners ahead of it: that is what it waits "
            "for.",
            next_step="How far ahead of the row may its last partner be?",
        ),
        Misconception(
            name="a-millisecond-more",
            answer=a_millisecond_more,
            rule="At W nothing at or before W is expected: the last partner is among that.",
            next_step="At W = l + upper, which partner are you still waiting for?",
        ),
    ),
)
