"""L11.1: the watermark of a table, with the millisecond."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab11_pyflink.meaning import delay, problem
from studykit.exercises.wording import short


def reference(bound_ms: int) -> str:
    """Return the expression: the bound and one millisecond behind."""
    return f"rt - INTERVAL '{(bound_ms + 1) // 1_000}.{(bound_ms + 1) % 1_000:03}' SECOND"


def forgets_the_millisecond(bound_ms: int) -> str:
    """Write the bound as it is."""
    return f"rt - INTERVAL '{bound_ms // 1_000}.{bound_ms % 1_000:03}' SECOND"


def milliseconds_for_seconds(bound_ms: int) -> str:
    """Write milliseconds, and call them seconds."""
    return f"rt - INTERVAL '{bound_ms + 1}' SECOND"


def a_millisecond_ahead(bound_ms: int) -> str:
    """Take the millisecond off the bound instead of adding it."""
    return f"rt - INTERVAL '{abs(bound_ms - 1) // 1_000}.{abs(bound_ms - 1) % 1_000:03}' SECOND"


def whole_seconds(bound_ms: int) -> str:
    """Lose what is less than a second."""
    return f"rt - INTERVAL '{bound_ms // 1_000}.001' SECOND"


def a_second_more(bound_ms: int) -> str:
    """Add a whole second to be on the safe side."""
    return f"rt - INTERVAL '{bound_ms // 1_000 + 1}.{bound_ms % 1_000:03}' SECOND"


def trace(args: Args, got: Json, expected: Json) -> str:
    """Let an event come that is exactly as old as the bound allows."""
    (bound_ms,) = args
    behind = delay(got)
    if problem(behind):
        return problem(behind)
    if not isinstance(behind, int):
        return "an answer is a text"
    newest = 20_000 + bound_ms
    return (
        f"after an event at {short(newest)} your watermark is {short(newest - behind)}\n"
        f"an event at 20_000 is exactly {short(bound_ms)} ms older, and its millisecond has to be "
        f"ahead of the watermark: that has to be 19_999"
    )


def random_case(rng: Random) -> Args:
    """Draw a bound below a minute, often at the edge of a second."""
    second = rng.randrange(59) * 1_000
    return (second + rng.choice([0, 1, 9, 500, 998, 999]),)


EXERCISE = Exercise(
    id="L11.1",
    name="watermark_sql",
    kind="faded",
    minutes=8,
    task="Write the watermark of a table for a bound in milliseconds.",
    reference=reference,
    cases=((4_000,), (0,), (30_000,), (1_500,), (999,), (59_001,), (12_345,)),
    random_case=random_case,
    hidden="an expression for a watermark of this bound",
    fingerprint=delay,
    meaning="the ms that your watermark is behind",
    trace=trace,
    rule=(
        "SQL subtracts what is written: the bound, "  # claim: flink-sql-watermark-subtracts-no-ms
        "and one millisecond."
    ),
    next_step="Which watermark does your text give after an event at 20_000?",
    hints=(
        "What is the watermark by the rule of lesson 02, after an event at T?",
        "Which part of that rule does the generator of a DataStream add by itself?",
        "How many seconds, and how many milliseconds, are bound_ms + 1?",
    ),
    discussion=(
        "The same agreement is one number in one API and another in the next: 4 s there, 4.001 s "
        "here. Nobody sees a millisecond, and a comparison row by row does. Go further: which "
        "windows differ if it is forgotten, and how often does an event lie there?"
    ),
    misconceptions=(
        Misconception(
            name="forgets-the-millisecond",
            answer=forgets_the_millisecond,
            rule="W says that nothing at or before it is expected. An event exactly at the bound "
            "is.",
            next_step="May an event come that is exactly as old as the bound?",
        ),
        Misconception(
            name="milliseconds-for-seconds",
            answer=milliseconds_for_seconds,
            rule="The unit behind the number says what the number counts: SECOND.",
            next_step="How long is the span of time that your text names?",
        ),
        Misconception(
            name="a-millisecond-ahead",
            answer=a_millisecond_ahead,
            rule="The millisecond makes the watermark later to promise, not earlier.",
            next_step="Is your watermark before or behind that of the rule newest - bound - 1?",
        ),
        Misconception(
            name="whole-seconds",
            answer=whole_seconds,
            rule="A bound of 1.5 s is not one of 1 s: what is cut off makes events late.",
            next_step="What becomes of the 500 ms of a bound of 1_500?",
        ),
        Misconception(
            name="a-second-more",
            answer=a_second_more,
            rule="Too long a bound loses nothing, and makes every window fire later.",
            next_step="By how much is an event at the bound ahead of your watermark?",
        ),
    ),
)
