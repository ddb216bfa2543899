"""L10.3: predict when each of three readers sees a row, and how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import wrong_number
from studykit.trace.operators.sinks import RunningTotal, SinkStep, sunk

SECONDS: Final = 15
"""A second is a write: eight in the first life, seven in the second."""
EVERY: Final = 5
KILLED_AFTER: Final = 8
ASKED: Final = 7
_NAMES: Final = (
    "the second in which a reader of uncommitted records first sees row 7",
    "the second in which a reader of committed records first sees row 7",
    "the second in which the store first holds row 7",
    "the records that a reader of uncommitted records has got in the end",
    "the records that a reader of committed records has got in the end",
    "the rows that the store holds in the end",
)


def reference() -> list[int]:
    """Return the six numbers, from the steps of the job."""
    steps = sunk([1] * SECONDS, every=EVERY, killed_after=KILLED_AFTER).steps
    writes = [number for number, step in enumerate(steps) if step.kind == "write"]
    steps = steps[: writes[SECONDS - 1] + 1]
    last = steps[-1]

    def first(seen: Callable[[SinkStep], Sequence[RunningTotal]]) -> int:
        at = next(n for n, step in enumerate(steps) if any(r.revision == ASKED for r in seen(step)))
        return sum(number <= at for number in writes)

    written = first(lambda step: step.uncommitted)
    told = first(lambda step: step.committed)
    held = last.held.revision if last.held else 0
    return [written, told, written, len(last.uncommitted), len(last.committed), held]


def committed_at_once() -> list[int]:
    """Believe that a record is committed when it is written."""
    return [7, 7, 7, 15, 15, 12]


def store_waits() -> list[int]:
    """Believe that the store is part of the transaction."""
    return [7, 13, 13, 15, 10, 10]


def aborted_vanish() -> list[int]:
    """Believe that what is taken back disappears from the log."""
    return [7, 13, 7, 12, 10, 12]


def commits_at_the_end() -> list[int]:
    """Believe that all that is written is committed sooner or later."""
    return [7, 13, 7, 15, 12, 12]


def clock_commits() -> list[int]:
    """Believe that a checkpoint comes every five seconds, killed or not."""
    return [7, 10, 7, 15, 15, 12]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first number that is wrong."""
    return wrong_number(_NAMES, got, expected)


EXERCISE = Exercise(
    id="L10.3",
    name="predict_readers",
    kind="predict",
    minutes=10,
    task="Predict when three readers see row 7, and how many rows each has got in the end.",
    reference=reference,
    cases=((),),
    hidden="what the three readers have got, second by second",
    trace=trace,
    rule="Uncommitted and the store see a row at its write, committed at its commit, once.",
    next_step="Write the fifteen writes in a line, and draw in it where something is committed.",
    hints=(
        "Which rows are written in seconds 1 to 15, one after the other?",
        "After which of these writes is something committed, and what exactly?",
        "What becomes of rows 6 to 8 of the first life, in a log that only grows?",
    ),
    discussion=(
        "Rows 11 and 12 are in the log and in the store, and the careful reader waits for them: at "
        "the end of a stream that has not ended, something is always on its way. Go further: which "
        "of the six numbers change if the kill comes after row 10, just before its commit?"
    ),
    misconceptions=(
        Misconception(
            name="committed-at-once",
            answer=committed_at_once,
            rule="A written record is in the log. It is committed with its transaction, later.",
            next_step="Which rows does the transaction hold that is open after row 8?",
        ),
        Misconception(
            name="multi-is-2pc",
            answer=store_waits,
            rule="Nobody tells the store of a commit: what is written there is seen at once.",
            next_step="Who would tell the store that a transaction was committed?",
        ),
        Misconception(
            name="aborted-vanish",
            answer=aborted_vanish,
            rule="A log only grows: what is taken back stays, and careless readers get it.",
            next_step="Which records of the first life are in the log after the restart?",
        ),
        Misconception(
            name="all-is-committed",
            answer=commits_at_the_end,
            rule="What was written after the last commit is not committed yet.",
            next_step="Which rows were written after the commit that follows row 10?",
        ),
        Misconception(
            name="clock-commits",
            answer=clock_commits,
            rule="A killed job commits nothing; its open transaction is taken back.",
            next_step="Who would have committed in second 10, and which rows?",
        ),
    ),
)
