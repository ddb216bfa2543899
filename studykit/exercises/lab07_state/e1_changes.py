"""L07.1: a state for each key."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(events: list[list[Json]]) -> list[int | None]:
    """Return by how much each event differs from the one before of its key."""
    found: list[int | None] = []
    for place, (key, value) in enumerate(events):
        before = [other for name, other in events[:place] if name == key]
        found.append(value - before[-1] if before else None)
    return found


def one_state(events: list[list[Json]]) -> list[Json]:
    """Keep one value for all keys."""
    found: list[Json] = []
    last = None
    for _, value in events:
        found.append(None if last is None else value - last)
        last = value
    return found


def first_kept(events: list[list[Json]]) -> list[Json]:
    """Keep the first value of each key, and never change it."""
    state: dict[str, int] = {}
    found = []
    for key, value in events:
        found.append(value - state[key] if key in state else None)
        state.setdefault(key, value)
    return found


def zero_at_first(events: list[list[Json]]) -> list[Json]:
    """Begin every key with 0."""
    state: dict[str, int] = {}
    found = []
    for key, value in events:
        found.append(value - state.get(key, 0))
        state[key] = value
    return found


def empty_if_zero(events: list[list[Json]]) -> list[Json]:
    """Take a value of 0 for no state."""
    state: dict[str, int] = {}
    found = []
    for key, value in events:
        before = state.get(key)
        found.append(value - before if before else None)
        state[key] = value
    return found


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the state of the key that the first wrong event meets."""
    (events,) = args
    index = first_difference(got, expected)
    if index == len(events):
        return f"you return {len(got)} results for {len(events)} events"
    key, value = events[index]
    before = [other for name, other in events[:index] if name == key]
    held = short(before[-1]) if before else "nothing"
    return (
        f"event {index + 1}: key {key!r} holds {held}, and {short(value)} comes; "
        f"you say {item(got, index)}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to eight events of three keys, with zeros and repeated values."""
    return ([[rng.choice("abc"), rng.randrange(-2, 4)] for _ in range(rng.randrange(9))],)


EXERCISE = Exercise(
    id="L07.1",
    name="changes",
    kind="faded",
    minutes=8,
    task="Return by how much each event differs from the last of its key; None for the first.",
    reference=reference,
    cases=(
        ([["a", 5], ["a", 8]],),
        ([["a", 5], ["b", 9], ["a", 3]],),
        ([["a", 5], ["a", 8], ["a", 9]],),
        ([["a", 0], ["a", 4], ["b", -2], ["b", -2]],),
        ([],),
    ),
    random_case=random_case,
    trace=trace,
    rule="State belongs to a key: an event sees the state of its own key, and no other.",
    next_step="What did the key of this event hold before, and what does it hold afterwards?",
    hints=(
        "How many values do you have to remember for three keys?",
        "What tells a key that has never come from one whose value is 0?",
        "In which order: read the state, answer, write the state?",
    ),
    discussion=(
        "In a real engine `state` is a ValueState, and the key is chosen for you before the call. "
        "An attribute is shared by all keys. "  # claim: flink-attribute-is-shared-by-keys
        "Go further: which of the two does a dict by key resemble after a restart?"
    ),
    misconceptions=(
        Misconception(
            name="one-state-for-all",
            answer=one_state,
            rule="Keys share no state: what `b` did says nothing about `a`.",
            next_step="Whose value did you subtract?",
        ),
        Misconception(
            name="first-value-kept",
            answer=first_kept,
            rule="State is read and then written: the next event meets what this one left.",
            next_step="Where does your code write the state of a key that it knows?",
        ),
        Misconception(
            name="zero-for-unknown",
            answer=zero_at_first,
            rule="No state is not the state 0: of a first event nothing is known.",
            next_step="What did this key hold before its first event?",
        ),
        Misconception(
            name="zero-is-nothing",
            answer=empty_if_zero,
            rule="The state 0 is a state. Ask whether there is one, not whether it is true.",
            next_step="What does `if value` say for a value of 0?",
        ),
    ),
)
