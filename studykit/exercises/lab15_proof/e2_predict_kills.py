"""L15.2: predict how many of three mutants each of five logs kills."""

from __future__ import annotations

from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

LOGS: Final = (
    [1_000, 12_000, 31_000],
    [14_000, 5_000],
    [13_999, 5_000],
    [10_000, 5_000],
    [14_001, 5_000],
)
SIZE_MS: Final = 10_000
JOBS: Final = {"right": (4_001, 1), "early": (4_000, 1), "patient": (4_001, 0), "hasty": (1, 1)}
"""What each job takes from the newest time, and from the end of a window."""


def _late(times_ms: list[int], behind_ms: int, last_ms: int) -> list[int]:
    """Return the places of late payments, as one of the jobs sees them."""
    return [
        place
        for place, time_ms in enumerate(times_ms)
        if place
        and max(times_ms[:place]) - behind_ms >= (time_ms // SIZE_MS + 1) * SIZE_MS - last_ms
    ]


def reference() -> list[int]:
    """Return the numbers, from a run of all four jobs over all five logs."""
    right, *mutants = JOBS.values()
    return [sum(_late(log, *job) != _late(log, *right) for job in mutants) for log in LOGS]


def late_logs_kill() -> list[int]:
    """Believe that a log with a late payment kills, and one without does not."""
    return [0, 3, 0, 0, 3]


def disorder_kills() -> list[int]:
    """Believe that any disorder tells the jobs apart."""
    return [0, 3, 3, 3, 3]


def each_where_it_differs() -> list[int]:
    """Believe that the boundary is the same millisecond for both millisecond mutants."""
    return [0, 2, 1, 1, 0]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first log whose number is wrong."""
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you predict {len(got)} numbers, and five are asked for"
    return f"log {index + 1}, {short(LOGS[index])}: you say {item(got, index)}"


EXERCISE = Exercise(
    id="L15.2",
    name="predict_kills",
    kind="predict",
    minutes=8,
    task="Predict how many of three mutants each of five logs kills.",
    reference=reference,
    cases=((),),
    hidden="how many mutants give another answer than the right job",
    trace=trace,
    rule="A log kills a mutant if the mutant answers it differently from the right job.",
    next_step="Write the watermark of all four jobs beside the first payment of this log.",
    hints=(
        "Which of the four jobs count the payment at 5 s of this log?",
        "Where is the watermark of each after the first payment?",
        "From which watermark on does each call the window [0, 10) complete?",
    ),
    discussion=(
        "The last log is out of order, its payment is late, and it kills nobody: all four agree. "
        "Two logs that differ by a millisecond kill what four others do not. Go further: which "
        "single log of three payments kills all three mutants?"
    ),
    misconceptions=(
        Misconception(
            name="late-logs-kill",
            answer=late_logs_kill,
            rule="What counts is whether the answers differ, not whether something is late.",
            next_step="What do the three mutants make of the last log?",
        ),
        Misconception(
            name="disorder-kills",
            answer=disorder_kills,
            rule="A log out of order may be treated alike by all: then it shows nothing.",
            next_step="Which of the mutants treats this log differently, and where?",
        ),
        Misconception(
            name="same-millisecond",
            answer=each_where_it_differs,
            rule="One mutant fires a millisecond early, one a millisecond late: two boundaries.",
            next_step="Where is the watermark of each mutant after 13_999, and after 14_000?",
        ),
    ),
)
