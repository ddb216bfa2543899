"""L01.1: from text with a time zone to epoch milliseconds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def reference(text: str) -> int:
    """Return the milliseconds between the epoch and the instant that `text` names."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def cut_zone(text: str) -> int:
    """Read the digits and forget the offset behind them."""
    moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def seconds(text: str) -> int:
    """Count seconds."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(seconds=1)


def whole_seconds(text: str) -> int:
    """Lose the digits behind the second."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000


def through_float(text: str) -> int:
    """Go through a float, which cannot hold most fractions of a second."""
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the instant in UTC, the one that the result stands for, and how far they are apart."""
    (text,) = args
    off_ms = got - expected
    side = "too late" if off_ms > 0 else "too early"
    return (
        f"{text} is {_in_utc(expected)} in UTC\n"
        f"your result stands for {_in_utc(got)}: {short(abs(off_ms))} ms {side}"
    )


def _in_utc(time_ms: Json) -> str:
    """Return an instant as people write it; some numbers are in no year that a calendar has."""
    try:
        moment = EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return "a year that no calendar has"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1_000:03}"


def random_case(rng: Random) -> Args:
    """Draw an instant of this century, or beside the epoch, in a zone of whole quarter hours."""
    zone = timezone(timedelta(minutes=15 * rng.randrange(-48, 57)))
    near_ms = rng.randrange(-(10**5), 10**5)
    time_ms = rng.choice([near_ms, rng.randrange(2 * 10**12)])
    moment = EPOCH + timedelta(milliseconds=time_ms)
    return (moment.astimezone(zone).isoformat(timespec="milliseconds"),)


EXERCISE = Exercise(
    id="L01.1",
    name="to_epoch_ms",
    kind="faded",
    minutes=8,
    task="Turn a text with a time zone into whole milliseconds since 1970-01-01 00:00 UTC.",
    reference=reference,
    cases=(
        ("1970-01-01T00:00:01+00:00",),
        ("2026-03-01T10:00:00+00:00",),
        ("2026-03-01T10:00:00+05:30",),
        ("2026-03-01T00:30:00-08:00",),
        ("2026-03-01T10:00:00.250+00:00",),
        ("1970-01-01T00:00:01.001+00:00",),
        ("1969-12-31T23:59:59.999+00:00",),
    ),
    random_case=random_case,
    trace=trace,
    rule="An event time is one instant, counted in whole milliseconds from 1970-01-01 00:00 UTC.",
    next_step="How long is it from EPOCH to this moment? Subtract the two and count milliseconds.",
    hints=(
        "Do 10:00+05:30 and 10:00+00:00 name the same instant?",
        "What do you get when you subtract EPOCH from a moment that knows its zone?",
        "How many times does timedelta(milliseconds=1) fit into that difference, with `//`?",
    ),
    discussion=(
        "round(moment.timestamp() * 1000) gives the same numbers. It goes through a float all the "
        "same, and counted in nanoseconds it would not. Go further: what does your function do "
        "with a text that has no zone, and what should it do?"
    ),
    misconceptions=(
        Misconception(
            name="cut-zone",
            answer=cut_zone,
            rule="The offset is part of the time: 10:00+05:30 happened five and a half hours "
            "before 10:00+00:00.",
            next_step="Which step of yours forgets what stands behind the + or -?",
        ),
        Misconception(
            name="seconds",
            answer=seconds,
            rule="Every time in this course is in milliseconds. A result in seconds is a thousand "
            "times too small.",
            next_step="Which unit does your division count?",
        ),
        Misconception(
            name="whole-seconds",
            answer=whole_seconds,
            rule="Milliseconds count: two events of the same second can be in different windows.",
            next_step="Which step of yours drops the digits behind the second?",
        ),
        Misconception(
            name="through-float",
            answer=through_float,
            rule="A float holds most fractions of a second only nearly, and int() cuts off the "
            "rest: sometimes a millisecond is lost.",
            next_step="Can you stay with timedelta and `//`, which are exact?",
        ),
    ),
)
