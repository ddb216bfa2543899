"""L13.6: the training row, point in time."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.operators.serving import Write, stored


def reference(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Return what the store of the course would have served at each moment."""
    for_ever = 2**62
    writes = [
        Write(readable_ms, readable_ms, for_ever, end_ms, revision, value)
        for end_ms, revision, readable_ms, value in rows
    ]
    served = [stored(writes, at_ms) for at_ms in moments]
    return [row.value if row else None for row in served]


def leaks_the_future(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Take the newest row of all."""
    newest = max(rows, default=None)
    return [newest[3] if newest else None for _ in moments]


def window_is_over(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Take the newest row of the windows that were over."""
    found = [[row for row in rows if row[0] <= at_ms] for at_ms in moments]
    return [max(over)[3] if over else None for over in found]


def last_written(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Take the row that was written last."""
    found = [[row for row in rows if row[2] <= at_ms] for at_ms in moments]
    return [max(seen, key=lambda row: row[2])[3] if seen else None for seen in found]


def strictly_before(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Leave out a row that could be read from just now on."""
    found = [[row for row in rows if row[2] < at_ms] for at_ms in moments]
    return [max(seen)[3] if seen else None for seen in found]


def zero_for_unknown(moments: list[int], rows: list[list[int]]) -> list[int | None]:
    """Say 0 where nothing could be read."""
    found = [[row for row in rows if row[2] <= at_ms] for at_ms in moments]
    return [max(seen)[3] if seen else 0 for seen in found]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first label that differs, and the rows that could be read then."""
    moments, rows = args
    index = first_difference(got, expected)
    if index >= len(moments):
        return f"{len(moments)} moments, and {len(got)} answers"
    at_ms = moments[index]
    seen = [
        f"window {short(end_ms)} revision {revision} says {value}"
        for end_ms, revision, readable_ms, value in sorted(rows)
        if readable_ms <= at_ms
    ]
    return (
        f"label {index + 1} at {short(at_ms)}: {item(got, index)} instead of "
        f"{item(expected, index)}\nreadable then: {'; '.join(seen) or 'nothing'}"
    )


def random_case(rng: Random) -> Args:
    """Draw windows and corrections that can be read some time later, and labels around these."""
    rows = [
        [end_ms, revision, end_ms + 10_000 * revision + rng.randrange(1, 40) * 1_000 + place,
         rng.choice([0, 1, 2, 3, 4, 5])]
        for place, (end_ms, revision) in enumerate(
            rng.sample([(e * 60_000, r) for e in range(-1, 4) for r in range(3)], rng.randrange(6))
        )
    ]  # fmt: skip
    around = [row[2] + step for row in rows for step in (-1, 0, 1)] + [row[0] for row in rows]
    moments = [rng.choice([*around, 500_000, -90_000]) for _ in range(rng.randrange(1, 5))]
    return moments, rows


EXERCISE = Exercise(
    id="L13.6",
    name="as_of",
    kind="bug hunt",
    minutes=12,
    task="Return for each label's moment the value that could be read then, None if none could.",
    reference=reference,
    cases=(
        ([283_000, 284_000], [[240_000, 0, 282_000, 5], [240_000, 1, 284_000, 6]]),
        ([300_000], [[240_000, 0, 282_000, 5], [300_000, 0, 342_000, 6]]),
        ([350_000], [[300_000, 0, 342_000, 6], [240_000, 1, 345_000, 7], [240_000, 0, 282_000, 5]]),
        ([281_999, 282_000, 282_001], [[240_000, 0, 282_000, 0]]),
        ([-30_000, -20_000], [[-60_000, 0, -25_000, 3], [-60_000, 1, -20_000, 2]]),
        ([500_000, 0], [[0, 0, 1, 4], [60_000, 0, 100_000, 2]]),
        ([0, 5_000], []),
        ([], [[60_000, 0, 100_000, 2]]),
    ),
    random_case=random_case,
    trace=trace,
    rule="A training row meets what could be read at its moment: the newest row of those.",
    next_step="Which rows could be read at that moment, and which of these is the newest?",
    hints=(
        "Which two times has a row, and which one says that it could be read?",
        "Of two rows that could both be read, which one does the store hold?",
        "Is there a correction in your answer that was written after the label's moment?",
    ),
    discussion=(
        "The join by the window's end is the one that most people write, and it is the one that "
        "leaks corrections: the better the job repairs late events, the better the model looks "
        "offline. Go further: what would the table need if the row could also expire?"
    ),
    misconceptions=(
        Misconception(
            name="leaks-the-future",
            answer=leaks_the_future,
            rule="The newest row of all was not there at the label's moment.",
            next_step="When could the row that you return be read for the first time?",
        ),
        Misconception(
            name="window-is-over",
            answer=window_is_over,
            rule="A window that is over has no row yet, and its correction comes later still.",
            next_step="Which of the two times of a row do you compare with the label's moment?",
        ),
        Misconception(
            name="last-written",
            answer=last_written,
            rule="The correction of an old window comes behind a newer one: the store refuses it.",
            next_step="Of the rows that could be read, which has the greatest end and revision?",
        ),
        Misconception(
            name="strictly-before",
            answer=strictly_before,
            rule="A row can be read from its moment on, that moment included.",
            next_step="What does a reader get at the very moment from which a row is there?",
        ),
        Misconception(
            name="zero-for-unknown",
            answer=zero_for_unknown,
            rule="Where nothing could be read nothing is known: 0 says that the card was silent.",
            next_step="What did the store hold at that moment?",
        ),
    ),
)
