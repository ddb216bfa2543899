"""L04.4: the sessions of a stream."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.lab04_sliding_sessions.sessions import merged
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy


def reference(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    """Return [start, end) of each session, from the engine."""
    return merged(times_ms, gap_ms)


def touching_is_apart(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    """Begin anew after a silence of exactly the gap."""
    sessions: list[list[int]] = []
    for time_ms in sorted(times_ms):
        if sessions and time_ms < sessions[-1][1]:
            sessions[-1][1] = time_ms + gap_ms
        else:
            sessions.append([time_ms, time_ms + gap_ms])
    return sessions


def ends_at_last_event(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    """End a session at its last event."""
    sessions: list[list[int]] = []
    for time_ms in sorted(times_ms):
        if sessions and time_ms <= sessions[-1][1] + gap_ms:
            sessions[-1][1] = time_ms
        else:
            sessions.append([time_ms, time_ms])
    return sessions


def by_arrival(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    """Compare with the event that arrived before."""
    sessions: list[list[int]] = []
    for time_ms in times_ms:
        if sessions and abs(time_ms + gap_ms - sessions[-1][1]) <= gap_ms:
            sessions[-1][1] = time_ms + gap_ms
        else:
            sessions.append([time_ms, time_ms + gap_ms])
    return sessions


def gap_from_start(times_ms: list[int], gap_ms: int) -> list[list[int]]:
    """Measure the gap from the first event of the session."""
    sessions: list[list[int]] = []
    for time_ms in sorted(times_ms):
        if sessions and time_ms <= sessions[-1][0] + gap_ms:
            sessions[-1][1] = time_ms + gap_ms
        else:
            sessions.append([time_ms, time_ms + gap_ms])
    return sessions


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the events in order with the silences between them, and the session that differs."""
    times_ms, gap_ms = args
    index = first_difference(got, expected)
    times = sorted(times_ms)
    steps = [short(times[0])] if times else ["no event"]
    steps += [
        f"{short(after)} ({short(after - before)} later)" for before, after in pairwise(times)
    ]
    return (
        f"by event time: {', '.join(steps)}; the gap is {short(gap_ms)}\n"
        f"session {index + 1}: {item(got, index)} instead of {item(expected, index)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the sessions once the last event has come."""
    times_ms, gap_ms = args
    if not times_ms or min(times_ms) < 0:
        return None
    return Scene(
        figure="assigners",
        events=arriving(times_ms),
        policy=Policy(gap_ms=gap_ms),
        number=len(times_ms),
        right_spans=spans(expected),
        your_spans=spans(got),
    )


def random_case(rng: Random) -> Args:
    """Draw up to eight times whose distances are often the gap."""
    gap_ms = rng.choice([1, 2_000, 5_000])
    times = [rng.choice([0, -4 * gap_ms, 700])] * rng.randrange(2)
    for _ in range(rng.randrange(8)):
        step_ms = rng.choice([0, gap_ms // 2, gap_ms - 1, gap_ms, gap_ms + 1, 2 * gap_ms])
        times.append(step_ms + (times[-1] if times else 0))
    rng.shuffle(times)
    return times, gap_ms


EXERCISE = Exercise(
    id="L04.4",
    name="sessions",
    kind="independent",
    minutes=15,
    task="Return [start, end] of each session of a key, whatever the order of arrival.",
    reference=reference,
    cases=(
        ([3_000], 5_000),
        ([0, 4_000], 5_000),
        ([0, 5_000], 5_000),
        ([0, 5_001], 5_000),
        ([0, 4_000, 8_000], 5_000),
        ([9_000, 0, 5_000], 5_000),
        ([0, 4_000], 3_000),
        ([-9_000, -2_000, -5_500], 3_500),
        ([4_000, 4_000], 1),
        ([], 5_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A session ends one gap after its last event; an event up to that end belongs to it.",
    next_step="Sort the times. Between which two is the silence longer than the gap?",
    hints=(
        "When is a session of one event over?",
        "If the times are sorted, with which single number do you compare the next one?",
        "Is an event at exactly the end of a session within the gap, or after it?",
    ),
    discussion=(
        "Sorting is allowed here because all events are known. A stream has to merge instead, as "
        "the next exercise does. Go further: what would your function return for events without "
        "order if it never sorted, and who would notice?"
    ),
    second="""
def sessions(times_ms, gap_ms):
    # nothing is sorted first: so a stream does it, event by event
    found = []
    for time_ms in times_ms:
        mine = [time_ms, time_ms + gap_ms]
        touching = [other for other in found if other[0] <= mine[1] and mine[0] <= other[1]]
        found = [other for other in found if other not in touching]
        parts = [mine, *touching]
        found.append([min(start for start, _ in parts), max(end for _, end in parts)])
    return sorted(found)
""",
    misconceptions=(
        Misconception(
            name="touching-is-apart",
            answer=touching_is_apart,
            rule="An event exactly one gap later still belongs to the session: they touch.",
            next_step="Which comparison lets 5_000 join the session [0, 5_000)?",
        ),
        Misconception(
            name="ends-at-last-event",
            answer=ends_at_last_event,
            rule="A session ends one gap after its last event: until then another may join.",
            next_step="What do you add to the last event to get the end?",
        ),
        Misconception(
            name="by-arrival",
            answer=by_arrival,
            rule="Neighbours in the order of arrival need not be neighbours in event time.",
            next_step="What do you do with the times before you walk along them?",
        ),
        Misconception(
            name="gap-from-the-start",
            answer=gap_from_start,
            rule="Each event keeps its session open: the gap counts from the last one.",
            next_step="From which event of the session do you measure the silence?",
        ),
    ),
)
