"""L07.2: predict how much state is left."""

from __future__ import annotations

from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import wrong_number

USERS: Final = 1_000
HOURS: Final = 24
TTL_H: Final = 2
_NAMES: Final = (
    "no clearing, after the day",
    "no clearing, at the end",
    "timers, after the day",
    "timers, at the end",
)


def reference() -> list[int]:
    """Return the keys held after a day, and after a day more without events, of three policies."""
    newest = [hour for hour in range(HOURS) for _ in range(USERS)]
    never = len(newest)
    timer = sum(hour + TTL_H > HOURS - 1 for hour in newest)
    return [never, never, timer, 0]


def ttl_forgets_nothing() -> list[int]:
    """Believe that timers free only what comes again."""
    return [24_000, 24_000, 24_000, 24_000]


def restart_frees() -> list[int]:
    """Believe that what is not touched goes by itself."""
    return [24_000, 0, 2_000, 0]


def timer_waits_for_events() -> list[int]:
    """Believe that the end of the stream leaves the timers unfired."""
    return [24_000, 24_000, 2_000, 2_000]


def keys_are_users() -> list[int]:
    """Count the users of an hour."""
    return [1_000, 1_000, 1_000, 0]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Name the first number that is wrong."""
    return wrong_number(_NAMES, got, expected)


EXERCISE = Exercise(
    id="L07.2",
    name="predict_state",
    kind="predict",
    minutes=6,
    task="Predict how many keys are held, with and without timers, after a day and at the end.",
    reference=reference,
    cases=((),),
    hidden="the keys that nobody has freed, at the four moments",
    trace=trace,
    rule="A key is held until somebody clears it: a timer does, and nothing does it by itself.",
    next_step="How many different keys have come so far, and which of their timers have fired?",
    hints=(
        "How many different visits are there in a day?",
        "What frees the state of a visit that nobody mentions again?",
        "Which timers fire when the watermark goes to the end of the stream?",
    ),
    discussion=(
        "Three curves: one that only grows, one that levels off, one that returns to zero. Only "
        "the last belongs to a job that can run for a year. Go further: what does a timer cost, "
        "and how many of them does a key need?"
    ),
    misconceptions=(
        Misconception(
            name="timers-free-nothing",
            answer=ttl_forgets_nothing,
            rule="An event-time timer fires as the watermark passes it, with or without its key.",
            next_step="What does the function do when its timer fires?",
        ),
        Misconception(
            name="goes-by-itself",
            answer=restart_frees,
            rule="State that nobody clears stays, through restarts too: that is what it is for.",
            next_step="Which line of the function without timers clears anything?",
        ),
        Misconception(
            name="end-leaves-timers",
            answer=timer_waits_for_events,
            rule="At the end of a bounded stream the watermark passes every timer.",
            next_step="Which watermark do the timers see when the stream ends?",
        ),
        Misconception(
            name="counts-an-hour",
            answer=keys_are_users,
            rule="Every visit is a key of its own: the keys of a day add up.",
            next_step="How many new keys come in each hour?",
        ),
    ),
)
