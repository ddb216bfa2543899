"""L04.3: predict how many sessions there are after each event."""

from __future__ import annotations

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab04_sliding_sessions.sessions import merged
from studykit.exercises.wording import first_difference, item

TIMES_S = (0, 4, 12, 20, 17, 8)
GAP_S = 5


def reference() -> list[int]:
    """Return the number of sessions after each event."""
    return [len(merged(TIMES_S[: n + 1], GAP_S)) for n in range(len(TIMES_S))]


def never_merges() -> list[int]:
    """Let an event join one session, and never bridge two."""
    return [1, 1, 2, 3, 3, 3]


def touching_is_apart() -> list[int]:
    """Keep sessions apart that only touch."""
    return [1, 1, 2, 3, 3, 2]


def each_its_own() -> list[int]:
    """Open a session for each event."""
    return [1, 2, 3, 4, 5, 6]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Show the sessions before the event at which the prediction is wrong."""
    index = first_difference(got, expected)
    if index >= len(TIMES_S):
        return f"{len(TIMES_S)} numbers are asked for, {len(got)} came"
    before = ", ".join(f"[{start}, {end})" for start, end in merged(TIMES_S[:index], GAP_S))
    own = f"[{TIMES_S[index]}, {TIMES_S[index] + GAP_S})"
    return (
        f"before event {index + 1}: {before or 'no session'}; the event opens {own}; "
        f"you predict {item(got, index)}"
    )


EXERCISE = Exercise(
    id="L04.3",
    name="predict_sessions",
    kind="predict",
    minutes=6,
    task="Write down how many sessions there are after each of six events, without running code.",
    reference=reference,
    cases=((),),
    hidden="six numbers",
    trace=trace,
    rule="An event opens [event, event + gap); sessions that overlap or touch become one.",
    next_step="Draw the sessions before this event and the one it opens. Which of them touch?",
    hints=(
        "Which stretch does an event at 4 s open, if the gap is 5 s?",
        "Which sessions does the event at 17 s touch?",
        "Can one event make the number of sessions smaller?",
    ),
    discussion=(
        "The last two events are bridges: each arrives late and makes one session of two. What was "
        "printed about the two before is then wrong. Go further: which key would you give a "
        "session in a store, if its start can change?"
    ),
    misconceptions=(
        Misconception(
            name="no-bridges",
            answer=never_merges,
            rule="An event that touches two sessions makes them one.",
            next_step="Which sessions does the event at 17 s touch on its left and on its right?",
        ),
        Misconception(
            name="touching-is-apart",
            answer=touching_is_apart,
            rule="Sessions that only touch are one, too: there is no silence between [12, 17) and "
            "[17, 22).",
            next_step="How long is the silence between the events at 12 s and 17 s, compared with "
            "the gap?",
        ),
        Misconception(
            name="one-each",
            answer=each_its_own,
            rule="An event within the gap of another belongs to the same session.",
            next_step="Is the event at 4 s inside of [0, 5)?",
        ),
    ),
)
