"""L06.3: when an input is idle."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, stretches
from studykit.exercises.wording import first_difference, item, short


def reference(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Return the spans of processing time in which the input is idle."""
    spans = []
    for number, (arrival_ms, _) in enumerate(events):
        next_ms = events[number + 1][0] if number + 1 < len(events) else until_ms
        if next_ms > arrival_ms + idle_ms:
            spans.append([arrival_ms + idle_ms, next_ms])
    return spans


def never_wakes(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Leave an input out for good once it was silent."""
    for number, (arrival_ms, _) in enumerate(events):
        next_ms = events[number + 1][0] if number + 1 < len(events) else until_ms
        if next_ms > arrival_ms + idle_ms:
            return [[arrival_ms + idle_ms, until_ms]]
    return []


def only_newer_events(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Take an event for a sign of life only if it moves the watermark."""
    alive, newest = [], None
    for arrival_ms, event_ms in events:
        if newest is None or event_ms > newest:
            alive.append(arrival_ms)
            newest = event_ms
    spans = []
    for number, arrival_ms in enumerate(alive):
        next_ms = alive[number + 1] if number + 1 < len(alive) else until_ms
        if next_ms > arrival_ms + idle_ms:
            spans.append([arrival_ms + idle_ms, next_ms])
    return spans


def from_the_last_event(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Call the whole silence idle, from its first moment on."""
    spans = []
    for number, (arrival_ms, _) in enumerate(events):
        next_ms = events[number + 1][0] if number + 1 < len(events) else until_ms
        if next_ms > arrival_ms + idle_ms:
            spans.append([arrival_ms, next_ms])
    return spans


def by_event_time(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Measure the silence in event time."""
    spans = []
    for number, (arrival_ms, event_ms) in enumerate(events):
        last = number + 1 == len(events)
        next_ms = until_ms if last else events[number + 1][0]
        silence_ms = until_ms - arrival_ms if last else events[number + 1][1] - event_ms
        if silence_ms > idle_ms:
            spans.append([arrival_ms + idle_ms, next_ms])
    return spans


def last_silence_forgotten(events: list[list[int]], idle_ms: int, until_ms: int) -> list[list[int]]:
    """Look between events only, and not behind the last one."""
    spans = []
    for number in range(len(events) - 1):
        arrival_ms, next_ms = events[number][0], events[number + 1][0]
        if next_ms > arrival_ms + idle_ms:
            spans.append([arrival_ms + idle_ms, next_ms])
    return spans


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the silence in which the first difference lies."""
    events, idle_ms, until_ms = args
    index = first_difference(got, expected)
    mine, right = item(got, index), item(expected, index)
    arrivals = ", ".join(short(arrival_ms) for arrival_ms, _ in events)
    return (
        f"arrivals {arrivals or 'none'}, watched until {short(until_ms)}, idle after "
        f"{short(idle_ms)}\nspan {index + 1}: {mine} instead of {right}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the arrivals, and below them when the input is idle."""
    events, _, _ = args
    return stretches(
        [arrival_ms for arrival_ms, _ in events],
        expected,
        got,
        "Spans are those in which the input is idle, by the clock on the wall.",
        axis="time on the wall (s)",
        marks="arrivals",
    )


def random_case(rng: Random) -> Args:
    """Draw up to six arrivals, and a silence that is often just as long as the limit."""
    idle_ms = rng.choice([1_000, 5_000])
    events, now_ms = [], 0
    for _ in range(rng.randrange(7)):
        now_ms += rng.choice([300, idle_ms - 1, idle_ms, idle_ms + 1, 12_000])
        events.append([now_ms, now_ms - rng.choice([0, 100, 7_000])])
    return events, idle_ms, now_ms + rng.choice([0, idle_ms, idle_ms + 1, 9_000])


EXERCISE = Exercise(
    id="L06.3",
    name="idle_spans",
    kind="independent",
    minutes=12,
    task="Return the spans of processing time in which an input is idle.",
    reference=reference,
    cases=(
        ([[1_000, 900], [2_000, 1_900]], 5_000, 3_000),
        ([[1_000, 900], [9_000, 8_900]], 5_000, 10_000),
        ([[1_000, 900], [2_000, 1_900]], 5_000, 10_000),
        ([[1_000, 900], [6_000, 5_900]], 5_000, 6_000),
        ([[1_000, 900], [6_001, 5_900]], 5_000, 6_001),
        ([[1_000, 900], [4_000, 500], [7_000, 600], [8_000, 7_900]], 5_000, 8_000),
        ([[1_000, 900], [2_500, 1_000], [4_000, 3_900], [9_000, 8_000]], 1_000, 12_000),
        ([[1_000, 900], [2_000, 9_000]], 5_000, 2_000),
        ([], 5_000, 60_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="An input is idle from idle_ms after an arrival until the next one, whatever its time.",
    next_step="When did the last event arrive before this span, and when does the next one arrive?",
    hints=(
        "Which clock counts the silence: that of the events, or that on the wall?",
        "At which moment does the input become idle, and what ends it?",
        "What stands in for the next arrival, behind the last one?",
    ),
    discussion=(
        "Idleness is the one place in a streaming job where the wall clock decides. So the answers "
        "of a job that uses it depend on how fast it ran. Go further: which two numbers about an "
        "input tell one that is empty from one that is only slow?"
    ),
    misconceptions=(
        Misconception(
            name="idle-for-ever",
            answer=never_wakes,
            rule="An idle input that sends an event is awake again, and counts again.",
            next_step="What happens to the span when the next event arrives?",
        ),
        Misconception(
            name="resets-on-watermark",
            answer=only_newer_events,
            rule="Every event is a sign of life, also one that is too old to move the watermark.",
            next_step="Which event arrived inside of your span?",
        ),
        Misconception(
            name="idle-at-once",
            answer=from_the_last_event,
            rule="For idle_ms after an event the input still counts; only then it is left out.",
            next_step="Was it known at the start of your span that the input would be silent?",
        ),
        Misconception(
            name="measured-in-event-time",
            answer=by_event_time,
            rule="A silence is measured on the wall clock: event times say nothing of waiting.",
            next_step="Which of the two numbers of an event is its arrival?",
        ),
        Misconception(
            name="last-silence-forgotten",
            answer=last_silence_forgotten,
            rule="The silence that goes on is the one that matters: it is why nothing is printed.",
            next_step="What is the input between the last arrival and until_ms?",
        ),
    ),
)
