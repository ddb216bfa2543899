"""L02.1: the watermark, from the largest time seen."""

from __future__ import annotations

from random import Random

from flink_jobs.utils.watermarks import bounded_watermark
from studykit.exercise import Args, Exercise, Json, Misconception
from studykit.formats import short


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
    claim = "is not expected, you say" if got >= oldest else "is expected, and more than that"
    return (
        f"largest time {short(max_seen_ms)}, minus bound {short(oldest)}: an event at "
        f"{short(oldest)} may still come\nwith W={short(got)} it {claim}"
    )


def random_case(rng: Random) -> Args:
    """Draw a time and a bound."""
    return rng.randrange(-100_000, 2_000_000_000_000), rng.randrange(100_000)


EXERCISE = Exercise(
    id="L02.1",
    name="watermark",
    kind="faded",
    minutes=6,
    task="Return the watermark that stands once max_seen_ms is the largest event time seen.",
    reference=bounded_watermark,
    cases=((14_000, 4_000), (8_000, 4_000), (2_000, 4_000), (10_000, 0), (4_000, 4_000)),
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
        "Flink writes the same: `maxTimestamp - outOfOrdernessMillis - 1`. Without the last "
        "millisecond everything looks right in a demo, as long as no event sits exactly on the "
        "bound. Go further: what does a bound of 0 still allow?"
    ),
    misconceptions=(
        Misconception(
            name="forgot-1ms",
            answer=forgot_1ms,
            rule="W(t) says: nothing at or before t is expected; the event just at the bound is.",
            next_step="Could an event at exactly max_seen_ms - bound_ms still be within the bound?",
        ),
        Misconception(
            name="one-too-many",
            answer=one_too_many,
            rule="The watermark lies before the oldest event that may come, not behind it.",
            next_step="To which side of max_seen_ms - bound_ms does the millisecond belong?",
        ),
        Misconception(
            name="added-the-bound",
            answer=added,
            rule="The bound is how far behind the newest event an old one may be; W waits for it.",
            next_step="Does a larger bound let the watermark wait longer, or shorter?",
        ),
        Misconception(
            name="no-bound",
            answer=no_bound,
            rule="Without a bound every event that is out of order is behind the watermark.",
            next_step="Where does bound_ms enter your result?",
        ),
    ),
)
