"""L09.2: predict what four designs have counted after one kill."""

from __future__ import annotations

from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item

VALUES: Final = (1, 2, 4, 8, 16)
SAVED: Final = 2
KILLED: Final = 4
"""The checkpoint is made after two records, and the job is killed when it has counted four."""


def reference() -> list[int]:
    """Return the totals of the four designs."""
    state, whole = sum(VALUES[:SAVED]), sum(VALUES)
    return [state + sum(VALUES[SAVED:]), state + sum(VALUES[KILLED:]), sum(VALUES[SAVED:]),
            state + whole]  # fmt: skip


def all_right() -> list[int]:
    """Believe that a checkpoint of any kind brings back everything."""
    return [31, 31, 31, 31]


def since_is_lost() -> list[int]:
    """Believe that what came after the last checkpoint is lost in any case."""
    return [19, 19, 28, 34]


def total_survives() -> list[int]:
    """Believe that the total comes back by itself."""
    return [31, 19, 31, 34]


def reads_on() -> list[int]:
    """Believe that a reader never reads a record twice."""
    return [31, 19, 28, 31]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first design whose total is wrong."""
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you predict {len(got)} totals, and four are asked for"
    names = ("total and offset", "total, reading on where the reader was", "offset only",
             "total, reading from the beginning")  # fmt: skip
    return f"design {index + 1} ({names[index]}): you say {item(got, index)}"


EXERCISE = Exercise(
    id="L09.2",
    name="predict_kill",
    kind="predict",
    minutes=6,
    task="Predict the total at the end for four designs, each killed once.",
    reference=reference,
    cases=((),),
    hidden="the total of the checkpoint, and the records that are read after it",  # no claim: ours
    trace=trace,
    rule="The total at the end is the one that was saved, and all records that are read after it.",
    next_step="Which total does this design begin with, and which records does it read?",
    hints=(
        "What is left of a total that was only in memory?",
        "Which records does the second run read: from which one on?",
        "What do you get if you add the total that was saved and the records read afterwards?",
    ),
    discussion=(
        "The values are powers of two, so each total tells which records are in it: 19 lacks 4 and "
        "8, 34 has 1 and 2 twice. Do the same in your own tests: a sum of ones says that something "
        "is missing, and not what. Go further: which design is right if the kill comes just after "
        "the checkpoint, so that a test may take it for sound?"
    ),
    misconceptions=(
        Misconception(
            name="any-checkpoint-will-do",  # no claim: ours
            answer=all_right,
            rule=(
                "Half a checkpoint is none: state "  # no claim: ours
                "and offset are of use together only."
            ),
            next_step="Which design forgets something that nobody can compute again?",
        ),
        Misconception(
            name="since-the-checkpoint-is-lost",  # no claim: ours
            answer=since_is_lost,
            rule=(
                "What was counted since the checkpoint is "  # no claim: ours
                "read again, if the offset was saved."
            ),
            next_step="Where are the records 4 and 8 after the kill: in memory, or in the log?",
        ),
        Misconception(
            name="state-survives",
            answer=total_survives,
            rule="A total that nobody saved is gone: a kill leaves no time to tidy up.",
            next_step="Where does the second run find the total, if only the offset was saved?",
        ),
        Misconception(
            name="never-read-twice",
            answer=reads_on,
            rule="A log does not know what you have counted: it gives a record as often as asked.",
            next_step="Which records are in the saved total, and are read again?",
        ),
    ),
)
