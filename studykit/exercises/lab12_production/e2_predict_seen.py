"""L12.2: predict when rows can be seen, and how often."""

from __future__ import annotations

from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import wrong_number

EVERY_S: Final = 10
KILLED_S: Final = 27
_NAMES: Final = (
    "seen by the careful reader at 9.5 s",
    "seen by it at 25.5 s",
    "read by the careless reader in the end",
    "read twice by the careful reader",
)


def reference() -> list[int]:
    """Return the four numbers: rows show with the checkpoint that commits them."""
    committed = KILLED_S // EVERY_S * EVERY_S
    again = KILLED_S - committed
    return [9 // EVERY_S * EVERY_S, 25 // EVERY_S * EVERY_S, KILLED_S + again, 0]


def at_once() -> list[int]:
    """Believe that a row can be read once it is written."""
    return [9, 25, 34, 0]


def careless_is_fine() -> list[int]:
    """Believe that a row that was taken back cannot be read."""
    return [0, 20, 27, 0]


def all_again() -> list[int]:
    """Believe that a restart begins at the beginning."""
    return [0, 20, 54, 0]


def careful_gets_them_twice() -> list[int]:
    """Believe that nobody is spared what is written twice."""
    return [0, 20, 34, 7]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first number that is wrong."""
    return wrong_number(_NAMES, got, expected)


EXERCISE = Exercise(
    id="L12.2",
    name="predict_seen",
    kind="predict",
    minutes=6,
    task="Predict what two readers see of a job that is killed once.",
    reference=reference,
    cases=((),),
    hidden="what the two readers see",
    trace=trace,
    rule="A row is in a transaction until the next checkpoint commits it.",  # no claim: ours
    next_step="Which transaction is this row in, and what has become of that?",
    hints=(
        "At which seconds does anything become visible to the careful reader?",
        "Which rows were written and not committed when the job was killed?",
        "Which rows does the second life write again, and in which transaction?",
    ),
    discussion=(
        "Exactly once is a promise to careful readers, and they pay with up to one interval of "
        "delay. A careless one sees rows sooner, and some of them twice. Go further: what does an "
        "interval of 1 s cost, and what one of 10 minutes?"
    ),
    misconceptions=(
        Misconception(
            name="at-once",
            answer=at_once,
            rule=(
                "Written is not committed: until the checkpoint a careful "  # no claim: ours
                "reader waits."
            ),
            next_step="When is the first checkpoint?",
        ),
        Misconception(
            name="careless-is-fine",
            answer=careless_is_fine,
            rule="Who reads uncommitted rows has read them, whatever becomes of them.",
            next_step="Which rows are in the log twice, once of each life?",
        ),
        Misconception(
            name="all-again",
            answer=all_again,
            rule=(
                "A restart goes on from the newest checkpoint, not from the "  # no claim: ours
                "beginning."
            ),
            next_step="What has the checkpoint at 20 s remembered?",
        ),
        Misconception(
            name="careful-gets-them-twice",
            answer=careful_gets_them_twice,
            rule="The first writing of these rows was never committed: it is aborted.",
            next_step="What becomes of the open transaction of a job that was killed?",
        ),
    ),
)
