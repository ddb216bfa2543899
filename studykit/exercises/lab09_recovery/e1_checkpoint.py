"""L09.1: a checkpoint is the state and the offset that belongs to it."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(values: list[int], fetched: int, counted: int) -> list[int]:
    """Return the offset to read on from, and the total of all before it."""
    total = 0
    for value in values[:counted]:
        total += value
    return [counted, total]


def offset_read(values: list[int], fetched: int, counted: int) -> list[int]:
    """Note how far the reader is."""
    return [fetched, sum(values[:counted])]


def both_read(values: list[int], fetched: int, counted: int) -> list[int]:
    """Take what was fetched for counted."""
    return [fetched, sum(values[:fetched])]


def last_counted(values: list[int], fetched: int, counted: int) -> list[int]:
    """Note the record that was counted last, and not the next one."""
    return [max(counted - 1, 0), sum(values[:counted])]


def state_only(values: list[int], fetched: int, counted: int) -> list[int]:
    """Keep the total, and read the log from its beginning."""
    return [0, sum(values[:counted])]


def offset_only(values: list[int], fetched: int, counted: int) -> list[int]:
    """Keep the place, and begin to add up anew."""
    return [counted, 0]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Restart from the learner's checkpoint, and say what the total is in the end."""
    values, _, counted = args
    offset, total = got[0] + 0, got[1] + 0
    if not 0 <= offset <= len(values):
        return f"a log of {len(values)} records has no offset {offset}"
    end = total + sum(values[offset:])
    if end == sum(values):
        return (
            f"your total of {short(total)} knows records that only wait: the job has counted "
            f"{counted} of them, and has {short(sum(values[:counted]))}"
        )
    wrong = [f"{short(values[at])} at offset {at} is lost" for at in range(counted, offset)]
    wrong += [f"{short(values[at])} at offset {at} comes twice" for at in range(offset, counted)]
    told = f"; {', '.join(wrong[:2])}" if wrong else ""
    return (
        f"a restart reads on at offset {offset} with {short(total)}, and ends with {short(end)} "
        f"instead of {short(sum(values))}{told}"
    )


def random_case(rng: Random) -> Args:
    """Draw a short log, how much of it has been fetched, and how much of that counted."""
    values = [rng.randrange(-5, 30) for _ in range(rng.randrange(9))]
    fetched = rng.randrange(len(values) + 1)
    return values, fetched, rng.randrange(fetched + 1)


EXERCISE = Exercise(
    id="L09.1",
    name="checkpoint",  # no claim: ours
    kind="faded",
    minutes=8,
    task="Return the offset to read on from after a restart, and the total that belongs to it.",
    reference=reference,
    cases=(
        ([5, 9, 3, 4], 4, 2),
        ([5, 9, 3, 4], 3, 1),
        ([5, 9, 3, 4], 4, 4),
        ([5, -5, 8, 1], 3, 2),
        ([5, 9, 3], 2, 0),
        ([], 0, 0),
    ),
    random_case=random_case,
    trace=trace,
    rule=(
        "A checkpoint is one moment: the total of "  # no claim: ours
        "the records before an offset, and that offset."
    ),
    next_step="Which record is the first that your total does not know?",
    hints=(
        "Where are the records that were fetched and not counted, once the process is dead?",
        "Which records does your total know?",
        "Is the offset that of the last record that was counted, or of the next one?",
    ),
    discussion=(
        "A reader fetches in batches, so its own position is always ahead of what was counted. A "
        "library that commits that position on a timer commits the wrong one: it is right only "
        "when nobody is killed. Go further: which of the two numbers may be missing if the total "
        "can be computed anew from the whole log, and what would that cost?"
    ),
    misconceptions=(
        Misconception(
            name="offset-read-not-processed",
            answer=offset_read,
            rule="What was fetched and not counted is in memory only, and dies with the process.",
            next_step="Who counts the records between `counted` and `fetched` after a restart?",
        ),
        Misconception(
            name="counts-what-is-fetched",
            answer=both_read,
            rule="The state is what was counted; records that still wait are not in it.",
            next_step="Has the job counted the record that was fetched last?",
        ),
        Misconception(
            name="last-instead-of-next",
            answer=last_counted,
            rule=(
                "The offset of a checkpoint is that of "  # no claim: ours
                "the next record, not of the last one."
            ),
            next_step="Is the record at your offset in your total already?",
        ),
        Misconception(
            name="state-only",
            answer=state_only,
            rule="A total without its place in the log counts records again.",
            next_step="Which records does the restart read that your total knows already?",
        ),
        Misconception(
            name="offset-only",
            answer=offset_only,
            rule="A place in the log without its total forgets all that came before it.",
            next_step="Where is the sum of the records before your offset?",
        ),
    ),
)
