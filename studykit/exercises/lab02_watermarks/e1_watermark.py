"""L02.1: the watermark, from the largest time seen."""

from __future__ import annotations

from random import Random

from flink_jobs.utils.watermarks import bounded_watermark
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def forgot_1ms(max_seen_ms: int, bound_ms: int) -> int:
    """Say that even an event exactly at the bound will not come."""
    return max_seen_ms - bound_ms


def one_too_many(max_seen_ms: int, bound_ms: int) -> int:
    """Move the millisecond to the wrong side."""
    return max_seen_ms - bound_ms + 1


def added(max_seen_ms: int, bound_ms: int) -> int:
    """Add the bound."""
    return max_seen_ms + bound_ms - 1


def no_bound(max_seen_ms: int, bound_ms: int) -> int:
    """Trust the order of arrival."""
    return max_seen_ms - 1


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the oldest event that may still come, and what the result says of it."""
    max_seen_ms, bound_ms = args
    oldest = max_seen_ms - bound_ms
    claim = "it will not" if got >= oldest else "less than is known: it can be later"
    return (
        f"{short(max_seen_ms)} - {short(bound_ms)} = {short(oldest)}: an event at {short(oldest)} "
        f"may still come\nW={short(got)} says {claim}"
    )


def random_case(rng: Random) -> Args:
    """Draw a time and a bound."""
    time_ms = rng.choice([0, rng.randrange(-100_000, 100_000), rng.randrange(2 * 10**12)])
    return time_ms, rng.choice([0, 1, rng.randrange(100_000)])


EXERCISE = Exercise(
    id="L02.1",
    name="watermark",
    kind="faded",
    minutes=6,
    task="Return the watermark that stands once max_seen_ms is the largest event time seen.",
    reference=bounded_watermark,
    cases=(
        (14_000, 4_000),
        (8_000, 4_000),
        (2_000, 4_000),
        (10_000, 0),
        (4_000, 4_000),
        (-7_000, 500),
    ),
    random_case=random_case,
    trace=trace,
    rule="A watermark W says: no event at or before W is expected any more.",
    next_step="Which is the oldest event that may still come? W has to be just before it.",
    hints=(
        "How old can an event at most be, if the disorder is never more than the bound?",
        "May an event at exactly max_seen_ms - bound_ms still come?",
        "If 10_000 may still come, what is the largest W for which nothing at or before W is due?",
    ),
    discussion=(
        "Without the last millisecond everything looks right in a demo, as long as no event sits "
        "exactly on the bound. "
        "Flink takes it off as you do. "  # claim: flink-bounded-watermark-subtracts-1-ms
        "Go further: what does a bound of 0 still allow?"
    ),
    misconceptions=(
        Misconception(
            name="forgot-1ms",
            answer=forgot_1ms,
            rule="A watermark t says: nothing at or before t is expected. An event exactly at the "
            "bound still is.",
            next_step="Could an event at exactly max_seen_ms - bound_ms still be within the bound?",
        ),
        Misconception(
            name="one-too-many",
            answer=one_too_many,
            rule="The watermark is earlier than the oldest event that may still come, not later.",
            next_step="Do you add a millisecond to max_seen_ms - bound_ms, or take one off?",
        ),
        Misconception(
            name="added-the-bound",
            answer=added,
            rule="The bound says how much older than the newest an event may be, so W stays that "
            "far back.",
            next_step="Should a larger bound move the watermark forward, or hold it back?",
        ),
        Misconception(
            name="no-bound",
            answer=no_bound,
            rule="Only the bound keeps events that are out of order ahead of the watermark.",
            next_step="Where does bound_ms enter your result?",
        ),
    ),
)
