"""L14.4: one event from the far future has poisoned the watermark."""

from __future__ import annotations

from random import Random
from typing import Final

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy

Events = list[list[int]]


def reference(events: Events, bound_ms: int, future_ms: int) -> dict[str, Json]:
    """Return the watermark after each event, and the places of those from the future."""
    future = [
        n for n, (event_ms, append_ms) in enumerate(events) if event_ms - append_ms > future_ms
    ]
    marks: list[int | None] = []
    for count in range(1, len(events) + 1):
        sane = [events[place][0] for place in range(count) if place not in future]
        marks.append(max(sane) - bound_ms - 1 if sane else None)
    return {"watermarks": marks, "future": future}


def restarts_it(events: Events, bound_ms: int, future_ms: int) -> dict[str, Json]:
    """Begin anew after an event from the future."""
    highest, marks, future = None, [], []
    for place, (event_ms, append_ms) in enumerate(events):
        if event_ms > append_ms + future_ms:
            future.append(place)
            highest = None
        else:
            highest = event_ms if highest is None else max(highest, event_ms)
        marks.append(None if highest is None else highest - bound_ms - 1)
    return {"watermarks": marks, "future": future}


def caps_it(events: Events, bound_ms: int, future_ms: int) -> dict[str, Json]:
    """Let an event from the future move the watermark, but only so far."""
    highest, marks, future = None, [], []
    for place, (event_ms, append_ms) in enumerate(events):
        if event_ms > append_ms + future_ms:
            future.append(place)
        capped = min(event_ms, append_ms + future_ms)
        highest = capped if highest is None else max(highest, capped)
        marks.append(highest - bound_ms - 1)
    return {"watermarks": marks, "future": future}


def by_the_newest(events: Events, bound_ms: int, future_ms: int) -> dict[str, Json]:
    """Compare with the largest event time so far."""
    highest, marks, future = None, [], []
    for place, (event_ms, _) in enumerate(events):
        if highest is not None and event_ms > highest + future_ms:
            future.append(place)
        else:
            highest = event_ms if highest is None else max(highest, event_ms)
        marks.append(None if highest is None else highest - bound_ms - 1)
    return {"watermarks": marks, "future": future}


def no_tolerance(events: Events, bound_ms: int, future_ms: int) -> dict[str, Json]:
    """Call everything future that is ahead of the broker's clock."""
    highest, marks, future = None, [], []
    for place, (event_ms, append_ms) in enumerate(events):
        if event_ms > append_ms:
            future.append(place)
        else:
            highest = event_ms if highest is None else max(highest, event_ms)
        marks.append(None if highest is None else highest - bound_ms - 1)
    return {"watermarks": marks, "future": future}


def counts_only(events: Events, bound_ms: int, future_ms: int) -> dict[str, Json]:
    """Tell what comes from the future, and let it move the watermark all the same."""
    highest, marks, future = None, [], []
    for place, (event_ms, append_ms) in enumerate(events):
        if event_ms > append_ms + future_ms:
            future.append(place)
        highest = event_ms if highest is None else max(highest, event_ms)
        marks.append(highest - bound_ms - 1)
    return {"watermarks": marks, "future": future}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first event whose watermark differs, else the list of places."""
    events, _, future_ms = args
    index = first_difference(got["watermarks"], expected["watermarks"])
    if index >= len(events):
        return f"every watermark is right; from the future you name {short(got['future'])}"
    event_ms, append_ms = events[index]
    return (
        f"event {index + 1}: time {short(event_ms)}, received at {short(append_ms)}; the future "
        f"begins after {short(append_ms + future_ms)}\n"
        f"then W is {item(expected['watermarks'], index)}, yours {item(got['watermarks'], index)}"
    )


FARTHEST_MS: Final = 200_000
"""Beyond it an event leaves no room for the others on an axis."""


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the learner's watermark beside the right one, up to the event at which they part."""
    events, bound_ms, _ = args
    mine, right = got["watermarks"], expected["watermarks"]
    number = first_difference(mine, right) + 1
    times_ms = [event_ms for event_ms, _ in events[:number]]
    if number > len(events) or min(times_ms) < 0 or max(times_ms) > FARTHEST_MS:
        return None
    return Scene(
        figure="watermark_stepper",
        events=arriving(times_ms),
        policy=Policy(bound_ms=bound_ms),
        number=number,
        moment="followed",
        about="In the picture events arrive a second apart, and after they happened.",
        right_watermarks=tuple(right[:number]),
        your_watermarks=tuple(None if w is None else w + 0 for w in mine[:number]),
    )


def random_case(rng: Random) -> Args:
    """Draw events around the clock of the broker, some of them far ahead."""
    future_ms = rng.choice([0, 1_000, 300_000])
    append_ms, events = rng.choice([-5_000, 0, 20_000]), []
    for _ in range(rng.randrange(7)):
        append_ms += rng.choice([0, 1, 2_000])
        ahead = [-9_000, -3_000, 0, 1, future_ms, future_ms + 1, 10**9]
        events.append([append_ms + rng.choice(ahead), append_ms])
    return events, rng.choice([0, 4_000, 30_000]), future_ms


EXERCISE = Exercise(
    id="L14.4",
    name="guarded",
    kind="bug hunt",
    minutes=12,
    task="Keep an event from the far future from moving the watermark.",
    reference=reference,
    cases=(
        ([[9_000, 10_000], [90_000, 11_000], [11_500, 12_000]], 4_000, 5_000),
        ([[9_000, 10_000], [10**9, 11_000], [11_500, 12_000]], 4_000, 5_000),
        ([[10**9, 11_000], [9_000, 12_000]], 4_000, 5_000),
        ([[15_000, 10_000], [15_002, 10_001], [15_001, 10_001]], 4_000, 5_000),
        ([[9_000, 10_000], [10_500, 10_000], [30_000, 30_000]], 0, 1_000),
        ([[1, 0], [0, 0], [-7_000, 0]], 4_000, 0),
        ([[-8_000, -5_000], [-9_000, -4_000]], 1_000, 1_000),
        ([[0, 0], [-1, 1]], 1_000, 1_000),
        ([], 4_000, 5_000),
    ),
    random_case=random_case,
    scene=scene,
    trace=trace,
    rule="Future is what lies too far ahead of the clock that received it; it moves no watermark.",
    next_step="With which clock do you compare, and what does such an event leave as it was?",
    hints=(
        "Which number would tell you that a time is impossible, not merely early?",
        "What did the watermark say before this event, and what after it?",
        "Which line must an event from the future not reach?",
    ),
    discussion=(
        "To restart the job would bring the same event back, from the same log. A bound of a day "
        "would not help either. Go further: the clock of the log is wrong. Which events do you "
        "lose, and where are they?"
    ),
    misconceptions=(
        Misconception(
            name="restarts-it",
            answer=restarts_it,
            rule="A watermark that begins anew goes back, and the log has the event still.",
            next_step="What had the watermark promised before this event came?",
        ),
        Misconception(
            name="caps-it",
            answer=caps_it,
            rule="An event whose time is impossible says nothing about time, not even a little.",
            next_step="How far has the watermark moved by an event that you do not believe?",
        ),
        Misconception(
            name="compares-with-the-newest",
            answer=by_the_newest,
            rule="After a quiet hour the next event is far ahead of the newest one, and right.",
            next_step="Which clock knows what time it is when nothing has come for an hour?",
        ),
        Misconception(
            name="no-tolerance",
            answer=no_tolerance,
            rule="Two clocks never agree: a little ahead is no sign of a wrong time.",
            next_step="What is the third argument for?",
        ),
        Misconception(
            name="counts-only",
            answer=counts_only,
            rule="To tell of it is not enough: the watermark has moved, and all others are late.",
            next_step="What becomes of the next event, after the one from the future?",
        ),
    ),
)
