"""L01.2: one unit for the stamps of many producers."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(stamp: int) -> int:
    """Return `stamp` in milliseconds: ten digits are seconds, thirteen ms, sixteen µs."""
    if stamp < 10**11:
        return stamp * 1_000
    return stamp if stamp < 10**14 else stamp // 1_000


def all_ms(stamp: int) -> int:
    """Believe that everybody sends milliseconds."""
    return stamp


def seconds_only(stamp: int) -> int:
    """Know of seconds, but not of microseconds."""
    return stamp * 1_000 if stamp < 10**11 else stamp


def rounds(stamp: int) -> int:
    """Round microseconds to the nearest millisecond."""
    if stamp < 10**11:
        return stamp * 1_000
    return stamp if stamp < 10**14 else round(stamp / 1_000)


def as_float(stamp: int) -> float:
    """Divide with `/`, which makes a float."""
    if stamp < 10**11:
        return stamp * 1_000
    return stamp if stamp < 10**14 else stamp / 1_000


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say which unit the number of digits tells."""
    (stamp,) = args
    unit = {10: "seconds", 13: "milliseconds", 16: "microseconds"}[len(str(stamp))]
    told = f"{short(stamp)} has {len(str(stamp))} digits: {unit}, in the year {_year(expected)}"
    if got == expected:
        return f"{told}\nyour number is right, and its type is not"
    if _year(got) != _year(expected):
        return f"{told}\nyour result, read as milliseconds, lies in the year {_year(got)}"
    side = "too late" if got > expected else "too early"
    return f"{told}\nyour result is {short(abs(got - expected))} ms {side}"


def _year(ms: float) -> int:
    return 1970 + int(ms // 31_556_952_000)


def random_case(rng: Random) -> Args:
    """Draw a stamp between 2001 and 2286 in one of the three units."""
    digits = rng.choice([10, 13, 16])
    return (rng.randrange(10 ** (digits - 1), 10**digits),)


EXERCISE = Exercise(
    id="L01.2",
    name="to_ms",
    kind="faded",
    minutes=8,
    task="Bring stamps in seconds, milliseconds and microseconds to whole milliseconds.",
    reference=reference,
    cases=(
        (1_772_359_200_123,),
        (1_772_359_200,),
        (1_772_359_200_123_000,),
        (1_772_359_200_123_999,),
        (9_999_999_999,),
        (1_000_000_000_000,),
        (9_999_999_999_999,),
        (1_000_000_000_000_000,),
    ),
    equivalent={
        "return stamp if stamp < 10 ** 14 else int(stamp / 1000) // 1": (
            "The quotient of two whole numbers is rounded to far less than a microsecond."
        ),
    }
    | {
        line: "No stamp has eleven, twelve, fourteen or fifteen digits."
        for line in (
            "if stamp <= 10 ** 11:",
            "if stamp < 10 ** 12:",
            "if stamp < 10 ** 10:",
            "if stamp < 11 ** 11:",
            "if stamp < 9 ** 11:",
            "return stamp if stamp <= 10 ** 14 else stamp // 1000",
            "return stamp if stamp < 10 ** 15 else stamp // 1000",
            "return stamp if stamp < 10 ** 13 else stamp // 1000",
            "return stamp if stamp < 11 ** 14 else stamp // 1000",
            "return stamp if stamp < 9 ** 14 else stamp // 1000",
        )
    },
    random_case=random_case,
    trace=trace,
    rule="A stamp means nothing without its unit; inside the system there is one: milliseconds.",
    next_step="Count the digits of this stamp. Which branch of your function takes it?",
    hints=(
        "How many digits has a date of this century in seconds, in milliseconds, in microseconds?",
        "Which number lies between the largest stamp in seconds and the smallest in milliseconds?",
        "Which operator divides whole numbers and keeps the result whole?",
    ),
    discussion=(
        "One can also count len(str(stamp)). It is right and slower, and it breaks on a minus "
        "sign. Guessing a unit is a repair at the border of a system. Go further: which contract "
        "with the producers would make this function unnecessary?"
    ),
    misconceptions=(
        Misconception(
            name="all-ms",
            answer=all_ms,
            rule="Seconds read as milliseconds lie in January 1970; such an event is late for "
            "every window.",
            next_step="Which stamps need a conversion, and how can you tell them by their size?",
        ),
        Misconception(
            name="seconds-only",
            answer=seconds_only,
            rule="Microseconds read as milliseconds lie tens of thousands of years ahead; one "
            "such event moves the watermark there.",
            next_step="Which branch of your function takes a number of sixteen digits?",
        ),
        Misconception(
            name="rounds",
            answer=rounds,
            rule="Rounding up moves an event into a millisecond that had not begun, and sometimes "
            "into the next window.",
            next_step="Which division keeps the millisecond in which the event happened?",
        ),
        Misconception(
            name="as-float",
            answer=as_float,
            rule="A time is a whole number of milliseconds; `/` always makes a float.",
            next_step="Which operator divides and stays whole?",
        ),
    ),
)
