"""L09.8: what a worker does next, so that it may be killed at any moment.

The function decides and does nothing itself. So the same answer can be asked here, for every
situation there is, and can drive a real worker on a real broker in the notebook: see
`studykit.services.kills`. A mark needs the first only.
"""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(read: int, written: int, committed: int, every: int) -> list[Json]:
    """Return the action: read until a checkpoint is due, then write, and commit last."""
    is_due = read >= committed + every
    if is_due and read > written:
        return ["write", read]
    return ["commit", read] if is_due else ["read", read]


def commits_first(read: int, written: int, committed: int, every: int) -> list[Json]:
    """Commit as soon as it is due, and write what is then behind the commit."""
    if read - committed >= every:
        return ["commit", read]
    if written < read and committed == read:
        return ["write", read]
    return ["read", read]


def commits_what_was_written(read: int, written: int, committed: int, every: int) -> list[Json]:
    """Commit what is written so far, and write afterwards."""
    if read - committed >= every:
        return ["commit", written] if written > committed else ["write", read]
    return ["read", read]


def never_commits(read: int, written: int, committed: int, every: int) -> list[Json]:
    """Write when it is due, and leave the commit to others."""
    if read - committed >= every and written < read:
        return ["write", read]
    return ["read", read]


def at_every_record(read: int, written: int, committed: int, every: int) -> list[Json]:
    """Write and commit after each record."""
    if written < read:
        return ["write", read]
    if committed < read:
        return ["commit", read]
    return ["read", read]


def by_the_clock(read: int, written: int, committed: int, every: int) -> list[Json]:
    """Take it for due at round numbers, wherever the last checkpoint was."""
    if read and read % every == 0 and committed < read:
        return ["write", read] if written < read else ["commit", read]
    return ["read", read]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Kill the worker right after the learner's action, and say what is then lost or stuck."""
    read, written, committed, every = args
    action, number = got[0], got[1] + 0
    known = (
        f"{read} read, {written} of them written, {committed} committed, "  # no claim: ours
        f"a checkpoint after every {every}"
    )
    if action == "commit" and number > written:
        end = (
            f"killed after your commit: the next worker begins at {number}, and the rows "
            f"{written + 1} to {number} are written by nobody"
        )
    elif action == "commit" and number <= committed:
        end = f"your commit says {number} again: the worker never gets on"
    elif action == expected[0]:
        end = f"the action is right, and its number is not: {short(number)}"
    else:
        behind = read - committed
        is_due = "is due" if behind >= every else "is not due yet"
        end = f"{behind} read since the last commit: a checkpoint {is_due}"  # no claim: ours
    return f"{known}\n{end}"


def random_case(rng: Random) -> Args:
    """Draw a situation that a worker can be in, often just when a checkpoint is due."""
    every = rng.choice([1, 2, 5])
    committed = rng.randrange(12)
    read = committed + rng.choice([0, max(every - 1, 0), every, every + 1])
    return read, rng.randrange(committed, read + 1), committed, every


EXERCISE = Exercise(
    id="L09.8",
    name="next_action",
    kind="independent",
    minutes=15,
    task="Say what a worker does next: read, write or commit, and up to which record.",
    reference=reference,
    cases=(
        (0, 0, 0, 5),
        (4, 0, 0, 5),
        (5, 0, 0, 5),
        (5, 5, 0, 5),
        (5, 5, 5, 5),
        (9, 5, 5, 5),
        (10, 7, 5, 5),
        (8, 3, 3, 2),
        (8, 8, 3, 2),
        (7, 3, 3, 4),
        (8, 8, 7, 2),
        (3, 2, 2, 1),
    ),
    random_case=random_case,
    trace=trace,
    rule=(
        "Read until a checkpoint is due; then "  # no claim: ours
        "write everything that was read, and commit last."
    ),
    next_step="If the worker is killed right after this action, which rows does nobody write?",
    hints=(
        "When is a checkpoint due? Which two numbers say so?",
        "It is due, and some rows are not written. What must not happen before they are?",
        "What is done in each of three cases: not due; due with rows to write; due, all written?",
    ),
    equivalent={
        "return ['commit', written]": "all that was read is written there",
    },
    discussion=(
        "Commit first and a kill loses rows; write first and a kill repeats them. No order of two "
        "steps does neither, so the rows have to bear a repetition: each has its number, and the "
        "same number has the same total. Go further: the kill comes while the rows are on their "
        "way. What must a producer do before the worker may commit?"
    ),
    misconceptions=(
        Misconception(
            name="commits-before-writing",
            answer=commits_first,
            rule="A commit says that all before it has been dealt with. Unwritten rows have not.",
            next_step="Which rows are behind your commit, and are written by nobody after a kill?",
        ),
        Misconception(
            name="commits-the-half",
            answer=commits_what_was_written,
            rule=(
                "When a checkpoint is due all rows "  # no claim: ours
                "are written, and then all are committed."
            ),
            next_step="How far has the worker read, and how far does your commit say?",
        ),
        Misconception(
            name="never-commits",
            answer=never_commits,
            rule="Without a commit every restart begins where the first one did.",
            next_step="All rows are written. Who tells the next worker where to begin?",
        ),
        Misconception(
            name="commits-every-record",
            answer=at_every_record,
            rule="A commit is a round trip: it is due after `every` records, not after each.",
            next_step="How many records have been read since the last commit?",
        ),
        Misconception(
            name="at-round-numbers",
            answer=by_the_clock,
            rule=(
                "A checkpoint is due `every` records "  # no claim: ours
                "after the last one, wherever that was."
            ),
            next_step="How many records lie between the last commit and what was read?",
        ),
    ),
)
