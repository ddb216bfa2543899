"""L01.5: find out why a replay gives other balances."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import short


def reference(events: list[list[Json]]) -> dict[str, int]:
    """Return the latest value of each key by event time; of a tie, the larger value."""
    ordered = sorted(events, key=lambda event: (event[0], event[2]))
    return {key: value for _, key, value in ordered}


def last_arrival(events: list[list[Json]]) -> dict[str, int]:
    """Let the last arrival win."""
    return {key: value for _, key, value in events}


def first_arrival(events: list[list[Json]]) -> dict[str, int]:
    """Keep what came first."""
    return {key: value for _, key, value in reversed(events)}


def largest_value(events: list[list[Json]]) -> dict[str, int]:
    """Keep the largest value."""
    return {key: value for _, key, value in sorted(events, key=lambda event: event[2])}


def ties_by_arrival(events: list[list[Json]]) -> dict[str, int]:
    """Compare event times, and leave ties to the order of arrival."""
    return {key: value for _, key, value in sorted(events, key=lambda event: event[0])}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the events of the first key that differs."""
    (events,) = args
    if got.keys() != expected.keys():
        return f"keys {sorted(got)} instead of {sorted(expected)}"
    key = next(key for key in sorted(expected) if got[key] != expected[key])
    mine = ", ".join(f"t={short(t)} value {value}" for t, owner, value in events if owner == key)
    return f"key {key!r} in the order of arrival: {mine}; you kept {short(got[key])}"


def random_case(rng: Random) -> Args:
    """Draw a few events whose times often tie, of accounts that may be overdrawn."""
    count = rng.randrange(8)
    return (
        [
            [1_000 * rng.randrange(-2, 3), rng.choice("ab"), 10 * rng.randrange(-5, 6)]
            for _ in range(count)
        ],
    )


EXERCISE = Exercise(
    id="L01.5",
    name="latest_by_key",
    kind="bug hunt",
    minutes=12,
    task="Repair the balance job, so that every order of arrival gives the same balances.",
    reference=reference,
    cases=(
        ([[1_000, "a", 50], [2_000, "a", 70]],),
        ([[2_000, "a", 70], [1_000, "a", 50]],),
        ([[1_000, "a", 90], [2_000, "a", 40], [1_500, "a", 60], [500, "b", 10]],),
        ([[3_000, "a", 20], [3_000, "a", 30]],),
        ([[3_000, "a", 30], [3_000, "a", 20]],),
        ([[0, "b", -5]],),
        ([[-2_000, "b", -5], [-1_000, "b", -9]],),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    rule="A replay must not change an answer: only what is in the events may decide who wins.",
    next_step="Run your function on these events backwards. Which comparison lets order decide?",
    hints=(
        "What does the job keep when an old event arrives after a new one?",
        "What has to be remembered with each value, to know whether the next is newer?",
        "If two events have the same time, what in them, and not their order, can break the tie?",
    ),
    discussion=(
        "Sorting everything is the shortest answer, and no stream can do it, as it never ends. "
        "Keeping (event time, value) by key and taking max() gives the same and needs one entry "
        "a key. Go further: what would you put into the event so that ties never depend on values?"
    ),
    misconceptions=(
        Misconception(
            name="last-arrival-wins",
            answer=last_arrival,
            rule="The last event to arrive need not be the last that happened.",
            next_step="What do you have to remember with each balance, to see that an event is "
            "older?",
        ),
        Misconception(
            name="first-arrival-wins",
            answer=first_arrival,
            rule="A newer event has to replace an older one, whichever came first.",
            next_step="When does your function replace a value that it already has?",
        ),
        Misconception(
            name="largest-value-wins",
            answer=largest_value,
            rule="A balance can fall: the time decides, and the value only breaks a tie.",
            next_step="Which part of two events do you compare first, and which only in a tie?",
        ),
        Misconception(
            name="ties-by-arrival",
            answer=ties_by_arrival,
            rule="Two events of the same millisecond can arrive in either order, so the order "
            "cannot choose between them.",
            next_step="What else is in the event that is the same in every replay?",
        ),
    ),
)
