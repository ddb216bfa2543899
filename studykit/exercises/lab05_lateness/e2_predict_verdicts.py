"""L05.2: predict four verdicts of the story."""

from __future__ import annotations

from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab05_lateness.e1_verdict import reference as verdict
from studykit.exercises.scene import Scene
from studykit.exercises.wording import first_difference, item, short, window
from studykit.trace.stories import (
    BOUND_MS,
    LATENESS_MS,
    SIZE_MS,
    STORY,
    STORY_POLICY,
    STORY_TIMES_MS,
)

ASKED = (4, 7, 9, 10)
"""Numbers of the events whose verdicts are asked for: those that are out of order."""


def met_by(number: int) -> int:
    """Return the watermark that an event of the story meets."""
    clock = BoundedOutOfOrderness(BOUND_MS)
    for time_ms in STORY_TIMES_MS[: number - 1]:
        clock.observe(time_ms)
    return clock.watermark_ms


def reference() -> list[str]:
    """Return the verdicts of events 4, 7, 9 and 10."""
    return [verdict(STORY_TIMES_MS[number - 1], met_by(number), LATENESS_MS) for number in ASKED]


def drops_behind() -> list[str]:
    """Drop everything behind the watermark."""
    return ["dropped", "dropped", "dropped", "dropped"]


def all_late() -> list[str]:
    """Call everything late that is behind the watermark."""
    return ["late", "late", "late", "late"]


def no_lateness() -> list[str]:
    """Forget the allowed lateness."""
    return ["on time", "dropped", "on time", "dropped"]


def one_longer() -> list[str]:
    """Keep a window a millisecond too long."""
    return ["on time", "late", "on time", "late"]


def trace(_args: Args, got: Json, expected: Json) -> str:
    """Show what the first event that was misjudged meets."""
    index = first_difference(got, expected)
    if index >= len(ASKED):
        return f"{len(ASKED)} verdicts are asked for, {len(got)} came"
    number = ASKED[index]
    event = STORY[number - 1]
    start_ms = event.event_ms // SIZE_MS * SIZE_MS
    mine = window(start_ms, start_ms + SIZE_MS)
    return (
        f"event {number} (t={short(event.event_ms)}) belongs to {mine} and "
        f"meets W={short(met_by(number))}; you predict {item(got, index)}"
    )


def scene(_args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the windows just before the first event that was misjudged arrives."""
    index = first_difference(got, expected)
    if index >= len(ASKED):
        return None
    return Scene(
        figure="watermark_stepper",
        events=STORY,
        policy=STORY_POLICY,
        number=ASKED[index],
        moment="before",
    )


EXERCISE = Exercise(
    id="L05.2",
    name="predict_verdicts",
    kind="predict",
    minutes=8,
    task="Write down the verdicts of the four events that are out of order, without running code.",
    reference=reference,
    cases=((),),
    hidden="four words, each 'on time', 'late' or 'dropped'",
    trace=trace,
    scene=scene,
    rule="[0, 10_000) fires at W=9_999 and is purged at W=12_999; [10_000, 20_000) later.",
    next_step="In which window is this event, and what is the last millisecond of it?",
    hints=(
        "In which window is each of the four, and when does that window fire?",
        "Which watermark does each of the four meet, with a bound of 4 s?",
        "Is [0, 10_000) open, fired or purged at 3_999, at 9_999 and at 12_999?",
    ),
    discussion=(
        "All four are behind the watermark, and they get three different verdicts. Events 9 and 10 "
        "even meet the same watermark: their windows make the difference. Go further: which "
        "allowed lateness would keep event 10, and how often would [0, 10_000) fire?"
    ),
    misconceptions=(
        Misconception(
            name="drops-what-is-behind",
            answer=drops_behind,
            rule="An event behind the watermark enters its window as long as that is not purged.",
            next_step="Which windows are open when event 4 meets W=3_999?",
        ),
        Misconception(
            name="all-late",
            answer=all_late,
            rule="Late means that the window has fired already. For two of the four it has not.",
            next_step="When does [10_000, 20_000) fire, and which of the four is in it?",
        ),
        Misconception(
            name="no-lateness",
            answer=no_lateness,
            rule="With an allowed lateness of 3 s a fired window lives 3 s longer.",
            next_step="At which watermark is [0, 10_000) purged?",
        ),
        Misconception(
            name="one-ms-longer",
            answer=one_longer,
            rule="A window is purged when W reaches end - 1 + lateness, not after it.",
            next_step="Is 12_999 >= 10_000 - 1 + 3_000?",
        ),
    ),
)
