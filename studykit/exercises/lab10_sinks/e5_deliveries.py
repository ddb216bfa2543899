"""L10.5: repair an outbox that loses rows, and only when it is killed."""

from __future__ import annotations

from itertools import chain
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item

Batches = list[list[str]]
STEPS = ("send", "flush", "commit")


def reference(batches: Batches, killed_after: int) -> list[str]:
    """Return the rows that the broker gets from both processes."""
    if not 0 < killed_after <= len(STEPS) * len(batches):
        return list(chain(*batches))
    committed, step = divmod(killed_after, len(STEPS))
    flushed = committed + (step >= 2)
    return [*chain(*batches[:flushed]), *chain(*batches[committed:])]


def commits_before_flush(batches: Batches, killed_after: int) -> list[str]:
    """Commit when the rows are sent, and flush afterwards."""
    delivered: list[str] = []
    place = done = 0
    while place < len(batches):
        memory: list[str] = []
        batch = batches[place]
        for step in ("send", "commit", "flush"):
            if step == "send":
                memory += batch
            elif step == "commit":
                place += 1
            else:
                delivered += memory
            done += 1
            if done == killed_after:
                break
    return delivered


def commits_first(batches: Batches, killed_after: int) -> list[str]:
    """Commit what was read before anything is sent."""
    delivered: list[str] = []
    place = done = 0
    while place < len(batches):
        memory: list[str] = []
        batch = batches[place]
        for step in ("commit", "send", "flush"):
            if step == "send":
                memory += batch
            elif step == "commit":
                place += 1
            else:
                delivered += memory
            done += 1
            if done == killed_after:
                break
    return delivered


def from_the_start(batches: Batches, killed_after: int) -> list[str]:
    """Begin at the first batch after a kill."""
    delivered: list[str] = []
    place = done = 0
    while place < len(batches):
        for step in ("send", "flush", "commit"):
            if step == "flush":
                delivered += batches[place]
            done += 1
            if done == killed_after:
                place = -1
                break
        place += 1
    return delivered


def memory_survives(batches: Batches, killed_after: int) -> list[str]:
    """Keep the outbox over the kill, and send the batch again all the same."""
    delivered: list[str] = []
    memory: list[str] = []
    place = done = 0
    while place < len(batches):
        for step in ("send", "flush", "commit"):
            if step == "send":
                memory += batches[place]
            elif step == "flush":
                delivered += memory
                memory = []
            else:
                place += 1
            done += 1
            if done == killed_after:
                break
    return delivered


def nothing_twice(batches: Batches, killed_after: int) -> list[str]:
    """Believe that what the broker has got is not sent again."""
    return [row for batch in batches for row in batch]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say which step the kill follows, and name the first row that differs."""
    batches, killed_after = args
    index = first_difference(got, expected)
    mine, right = item(got, index), item(expected, index)
    if not 0 < killed_after <= len(STEPS) * len(batches):
        return f"nothing is killed; delivered {index + 1}: {mine} instead of {right}"
    batch, step = divmod(killed_after - 1, len(STEPS))
    return (
        f"the first process is killed after step {step + 1} of batch {batch + 1}, which should be "
        f"its {STEPS[step]}\n"
        f"delivered {index + 1}: {mine} instead of {right}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to four batches of up to three rows, each row once, and a kill at any step."""
    names = iter("abcdefghijkl")
    batches = [[next(names) for _ in range(rng.randrange(4))] for _ in range(rng.randrange(5))]
    return batches, rng.randrange(3 * len(batches) + 2)


EXERCISE = Exercise(
    id="L10.5",
    name="deliveries",
    kind="bug hunt",
    minutes=12,
    task="Repair the outbox: whichever step it is killed after, no row may be missing.",
    reference=reference,
    cases=(
        ([["a", "b"], ["c"]], 0),
        ([["a", "b"], ["c"]], 2),
        ([["a", "b"], ["c"]], 1),
        ([["a", "b"], ["c"]], 3),
        ([["a"], ["b"], ["c"]], 4),
        ([["a"], ["b", "c"], ["d"]], 5),
        ([["a"], [], ["b"]], 8),
        ([["a"]], 7),
        ([], 1),
    ),
    random_case=random_case,
    trace=trace,
    rule="Outputs first, then the place in the input: what is in memory dies with the process.",
    next_step="At the moment of the kill: what has been delivered, and where does the next begin?",
    hints=(
        "Where are the rows of a batch between `send` and `flush`?",
        "What does a new process know of the old one?",
        "After which step may the old process be killed, so that a row is nowhere?",
    ),
    discussion=(
        "Rows may come twice now, and never not at all: *at least once*. With the guarded upsert "
        "of exercise 2 behind it, twice does no harm. The bug in production could be seen in no "
        "log: each run that ended by itself was right. Go further: with which order of the three "
        "would every row come at most once?"
    ),
    equivalent={
        "for step in ('send!', 'flush', 'commit'):": "in the right order the memory always holds "
        "the batch, so that the step needs no name",
    },
    misconceptions=(
        Misconception(
            name="flush-after-commit",
            answer=commits_before_flush,
            rule="Sent is not delivered: a commit before the flush forgets what is in memory.",
            next_step="Killed between commit and flush: who still has the rows of this batch?",
        ),
        Misconception(
            name="commits-first",
            answer=commits_first,
            rule="A place that is committed says: all before it is delivered. It was only read.",
            next_step="Where does the next process begin, and what of that was delivered?",
        ),
        Misconception(
            name="from-the-start",
            answer=from_the_start,
            rule="A new process begins at the commit, not at the first batch.",
            next_step="Which batches had been committed when the process was killed?",
        ),
        Misconception(
            name="memory-survives",
            answer=memory_survives,
            rule="The outbox is memory of the process: after the kill it is empty.",
            next_step="What is in the outbox of a process that has just started?",
        ),
        Misconception(
            name="nothing-twice",
            answer=nothing_twice,
            rule="Nobody knows whether a flush went through, so the batch is sent again.",
            next_step="Killed between flush and commit: what does the new process do with it?",
        ),
    ),
)
