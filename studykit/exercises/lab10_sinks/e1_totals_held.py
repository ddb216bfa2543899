"""L10.1: repair a job whose store counts the replay."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, values
from studykit.exercises.wording import counted, first_difference, item, short


def _lives(values: list[int], every: int, killed_after: int) -> tuple[list[int], int]:
    """Return the places of the payments in the order in which they are read, and the checkpoint.

    The checkpoint is that of the restart, or 0.
    """
    if not 0 < killed_after <= len(values):
        return list(range(len(values))), 0
    saved = (killed_after - 1) // every * every
    return [*range(killed_after), *range(saved, len(values))], saved


def reference(values: list[int], every: int, killed_after: int) -> list[int]:
    """Return what the store holds after each write, in both lives."""
    places, _ = _lives(values, every, killed_after)
    return [sum(values[: place + 1]) for place in places]


def adds(values: list[int], every: int, killed_after: int) -> list[int]:
    """Add each payment to what the store holds, also the second time."""
    held: list[int] = []
    total = place = saved = 0
    while place < len(values):
        total += values[place]
        held.append(total)
        place += 1
        if place == killed_after:
            killed_after, place = 0, saved
        elif place % every == 0:
            saved = place
    return held


def state_lost(values: list[int], every: int, killed_after: int) -> list[int]:
    """Go back to the place of the checkpoint, and begin with a total of 0."""
    held: list[int] = []
    total = place = saved = 0
    while place < len(values):
        total += values[place]
        held.append(total)
        place += 1
        if place == killed_after:
            killed_after, place, total = 0, saved, 0
        elif place % every == 0:
            saved = place
    return held


def from_the_start(values: list[int], every: int, killed_after: int) -> list[int]:
    """Begin at the first payment again, with a total of 0."""
    held: list[int] = []
    total = place = 0
    while place < len(values):
        total += values[place]
        held.append(total)
        place += 1
        if place == killed_after:
            killed_after, place, total = 0, 0, 0
    return held


def goes_on(values: list[int], every: int, killed_after: int) -> list[int]:
    """Take the total of the checkpoint, and go on after the last payment that was read."""
    held: list[int] = []
    total, place, saved = 0, 0, 0
    while place < len(values):
        total += values[place]
        held.append(total)
        place += 1
        if place == killed_after:
            killed_after, total = 0, saved
        elif place % every == 0:
            saved = total
    return held


def trace(args: Args, got: Json, expected: Json) -> str:
    """Say in which life the first wrong write is, and what the job had counted there."""
    values, every, killed_after = args
    places, saved = _lives(values, every, killed_after)
    index = first_difference(got, expected)
    if index == len(places):
        return f"there are {counted(len(places), 'write')}; you return {len(got)}"
    is_second = 0 < killed_after <= index
    life = "second life" if is_second else "first life"
    begun = f", which began after payment {saved}" if is_second else ""
    return (
        f"write {index + 1} is of payment {places[index] + 1} ({short(values[places[index]])}) in "
        f"the {life}{begun}\nyou say {item(got, index)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show what the store holds after each write, in both lives."""
    return values(
        expected, got, "What the store holds after each write.", axis="held", marks="writes"
    )


def random_case(rng: Random) -> Args:
    """Draw up to eight payments and returns of payments, and a kill around a checkpoint."""
    values = [rng.randrange(-3, 10) for _ in range(rng.randrange(9))]
    return values, rng.randrange(1, 5), rng.randrange(len(values) + 2)


EXERCISE = Exercise(
    id="L10.1",
    name="totals_held",
    kind="faded",
    minutes=10,
    task="Repair the job: after a kill the store must hold what it would have held without one.",
    reference=reference,
    cases=(
        ([5, 3, 4], 2, 0),
        ([5, 3, 4], 2, 3),
        ([5, 3, 4, 7], 2, 2),
        ([5, 3, 4], 5, 2),
        ([5, -5, 0, 4, 7], 1, 3),
        ([2, 2, 2, 2, 2, 2], 3, 5),
        ([9], 1, 1),
        ([], 3, 1),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="What a restart reads again is written again: write the total, not the step.",
    next_step="What does the store hold when this payment is written for the second time?",
    hints=(
        "Which payments are read twice, and what has the store been told of them?",
        "What does the job know after a restart that the store does not have to know?",
        "Which write gives the same however often it comes?",
    ),
    discussion=(
        "The store goes back for a moment: after a total of 12 it holds 8 again. A guard refuses "
        "that, see exercise 2. Go further: could adding be right, if the store remembered for each "
        "total how far in the input it has come?"
    ),
    misconceptions=(
        Misconception(
            name="increment-on-replay",
            answer=adds,
            rule="A payment that is read again is added again: the store knows of no restart.",
            next_step="How often has this payment been added to what the store holds?",
        ),
        Misconception(
            name="state-lost",
            answer=state_lost,
            rule="A checkpoint is a place *and* the state at that place.",  # no claim: name
            next_step="What had the job counted when it was at this place for the first time?",
        ),
        Misconception(
            name="from-the-start",
            answer=from_the_start,
            rule="A restart goes on from the place that was saved last, not from the beginning.",
            next_step="Which payments has the job done for good before it was killed?",
        ),
        Misconception(
            name="goes-on",
            answer=goes_on,
            rule="What was counted since the last save died with the process: read it again.",
            next_step="Who has counted the payments between the checkpoint and the kill?",
        ),
    ),
)
