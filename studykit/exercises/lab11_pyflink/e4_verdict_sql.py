"""L11.4: judge before the window."""

from __future__ import annotations

from random import Random
from typing import Any

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab11_pyflink.meaning import EDGES, problem, verdicts
from studykit.exercises.scene import Scene, meeting
from studykit.exercises.wording import short


def reference(size_ms: int, bound_ms: int) -> str:
    """Return the expression: late if the window's last millisecond is not ahead of W."""
    return (
        f"CASE WHEN event_ms - MOD(event_ms, {size_ms}) + {size_ms - 1} "
        f"<= seen - {bound_ms + 1} THEN 'late' ELSE 'on time' END"
    )


def judges_the_event(size_ms: int, bound_ms: int) -> str:
    """Compare the event with the watermark, not its window."""
    return f"CASE WHEN event_ms <= seen - {bound_ms + 1} THEN 'late' ELSE 'on time' END"


def waits_for_the_end(size_ms: int, bound_ms: int) -> str:
    """Compare the end, which is one more than the last millisecond."""
    return (
        f"CASE WHEN event_ms - MOD(event_ms, {size_ms}) + {size_ms} "
        f"<= seen - {bound_ms + 1} THEN 'late' ELSE 'on time' END"
    )


def forgets_the_millisecond(size_ms: int, bound_ms: int) -> str:
    """Take the bound alone off the newest time."""
    return (
        f"CASE WHEN event_ms - MOD(event_ms, {size_ms}) + {size_ms - 1} "
        f"<= seen - {bound_ms} THEN 'late' ELSE 'on time' END"
    )


def without_bound(size_ms: int, bound_ms: int) -> str:
    """Take the newest time for the watermark."""
    return (
        f"CASE WHEN event_ms - MOD(event_ms, {size_ms}) + {size_ms - 1} "
        "<= seen - 1 THEN 'late' ELSE 'on time' END"
    )


def a_size_behind(size_ms: int, bound_ms: int) -> str:
    """Take the event's own size for the window: late once it is a whole size behind."""
    return (
        f"CASE WHEN event_ms + {size_ms - 1} "
        f"<= seen - {bound_ms + 1} THEN 'late' ELSE 'on time' END"
    )


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first edge at which the verdicts differ."""
    mine = verdicts(got)
    if problem(mine):
        return problem(mine)
    event_ms, seen, verdict = _first_wrong(mine, expected)
    size_ms, bound_ms = args
    last_ms = event_ms // size_ms * size_ms + size_ms - 1
    return (
        f"an event at {short(event_ms)} while the newest is {short(seen)}: you say {verdict!r}\n"
        f"W={short(seen - bound_ms - 1)}; the last millisecond of its window is {short(last_ms)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Let that event meet that watermark."""
    mine = verdicts(got)
    if problem(mine):
        return None
    event_ms, seen, _ = _first_wrong(mine, expected)
    size_ms, bound_ms = args
    return meeting(event_ms, seen - bound_ms - 1, figure="window_life", size_ms=size_ms)


def _first_wrong(mine: Any, expected: Json) -> tuple[int, int, Json]:  # noqa: ANN401
    for (event_ms, seen), verdict, wanted in zip(EDGES, mine, verdicts(expected), strict=True):
        if verdict != wanted:
            return event_ms, seen, verdict
    raise ValueError("the two give the same verdicts")


def random_case(rng: Random) -> Args:
    """Draw a size and a bound of which the edges are tried."""
    return rng.choice([5_000, 10_000, 60_000]), rng.choice([0, 2_000, 4_000, 30_000])


EXERCISE = Exercise(
    id="L11.4",
    name="verdict_sql",
    kind="independent",
    minutes=12,
    task="Write the verdict on a payment as an expression, so that no window has to drop it.",
    reference=reference,
    cases=(
        (10_000, 4_000),
        (10_000, 0),
        (60_000, 30_000),
        (5_000, 4_000),
        (5_000, 2_000),
    ),
    random_case=random_case,
    hidden="an expression that says late or on time",
    fingerprint=verdicts,
    meaning="the verdicts that your text gives",
    trace=trace,
    scene=scene,
    rule="Late is what comes when the watermark has reached its window's last millisecond.",
    next_step="Which number is the last millisecond of the window, and which is the watermark?",
    hints=(
        "Which two numbers are compared: what the window needs, and what the stream has promised?",
        "How do you get from an event's time to its window's start with MOD, and to its last "
        "millisecond?",
        "The largest time so far is `seen`: which watermark follows from it?",
    ),
    discussion=(
        "The verdict is a column now: what is late goes to its own table, and the window has "
        "nothing left to drop. The maximum is state, so that a restart judges on as before. Go "
        "further: times before 1970, for which MOD is negative. What has to change?"
    ),
    misconceptions=(
        Misconception(
            name="judges-the-event",
            answer=judges_the_event,
            rule="The window's end decides lateness, not the event.",
            next_step="Is the window of this event complete already?",
        ),
        Misconception(
            name="waits-for-the-end",
            answer=waits_for_the_end,
            rule="A window fires at its last millisecond; its end is one later.",
            next_step="At which watermark does [0, 10_000) fire?",
        ),
        Misconception(
            name="forgets-the-millisecond",
            answer=forgets_the_millisecond,
            rule="W is newest - bound - 1: an event exactly at the bound is still in time.",
            next_step="May an event come that is exactly as old as the bound?",
        ),
        Misconception(
            name="without-bound",
            answer=without_bound,
            rule="The newest time is no watermark: older ones are expected for as long as the "
            "bound.",
            next_step="How much older may an event be than the newest?",
        ),
        Misconception(
            name="a-size-behind",
            answer=a_size_behind,
            rule="Windows begin where the clock says, not at their event.",
            next_step="Where does the window of an event at 12_345 end, if windows last 10 s?",
        ),
    ),
)
