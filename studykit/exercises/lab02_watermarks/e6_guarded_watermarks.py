"""L02.6: one event from the future must not stop a job."""

from __future__ import annotations

from random import Random

from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    """Return the watermark after each event; None as long as there is none."""
    clock: BoundedOutOfOrderness | None = None
    after: list[int | None] = []
    for event_ms, arrival_ms in events:
        if event_ms <= arrival_ms + max_future_ms:
            clock = clock or BoundedOutOfOrderness(bound_ms)
            clock.observe(event_ms)
        after.append(clock.watermark_ms if clock else None)
    return after


def poisoned(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    """Believe every event."""
    tops = [max(event_ms for event_ms, _ in events[: n + 1]) for n in range(len(events))]
    return [top - bound_ms - 1 for top in tops]


def clamped(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    """Pull events from the future back to the latest time allowed."""
    times = [min(event_ms, arrival_ms + max_future_ms) for event_ms, arrival_ms in events]
    return [max(times[: n + 1]) - bound_ms - 1 for n in range(len(times))]


def too_strict(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    """Refuse an event exactly at the limit, too."""
    after: list[int | None] = []
    for event_ms, arrival_ms in events:
        before = after[-1] if after else None
        mine = event_ms - bound_ms - 1 if event_ms < arrival_ms + max_future_ms else before
        after.append(mine if before is None or mine is None else max(before, mine))
    return after


def no_tolerance(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    """Refuse every event that is ahead of its arrival."""
    after: list[int | None] = []
    for event_ms, arrival_ms in events:
        before = after[-1] if after else None
        mine = event_ms - bound_ms - 1 if event_ms <= arrival_ms else before
        after.append(mine if before is None or mine is None else max(before, mine))
    return after


def jump_guard(events: list[list[int]], bound_ms: int, max_future_ms: int) -> list[int | None]:
    """Refuse jumps against the event before, and so everything after a silence."""
    after: list[int | None] = []
    highest: int | None = None
    for event_ms, _ in events:
        if highest is None or event_ms <= highest + max_future_ms:
            highest = event_ms if highest is None else max(highest, event_ms)
        after.append(highest - bound_ms - 1)
    return after


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the event at which the watermark goes another way."""
    events, _, max_future_ms = args
    index = first_difference(got, expected)
    if index >= len(events):
        return f"{len(events)} events came, and you return {len(got)} watermarks"
    event_ms, arrival_ms = events[index]
    ahead = event_ms - arrival_ms - max_future_ms
    judged = f"{short(ahead)} ms too much" if ahead > 0 else "allowed"
    return (
        f"event {index + 1} says {short(event_ms)} and arrived at {short(arrival_ms)}; it may say "
        f"up to {short(arrival_ms + max_future_ms)}: {judged}\n"
        f"after it you have W={item(got, index)} instead of {item(expected, index)}"
    )


def random_case(rng: Random) -> Args:
    """Draw a few events, some at the limit and some far beyond it."""
    limit = rng.choice([0, 1, 1_000 * rng.randrange(5)])
    ahead = [-3_000, -1_000, 0, limit, limit + 1, 90_000]
    first = rng.choice([-70_000, -30_000, 0])
    arrivals = sorted(first + rng.randrange(60) * 1_000 for _ in range(rng.randrange(6)))
    events = [[at + rng.choice(ahead), at] for at in arrivals]
    return events, rng.choice([0, 1, 2_000, 5_000]), limit


EXERCISE = Exercise(
    id="L02.6",
    name="guarded_watermarks",
    kind="bug hunt",
    minutes=12,
    task="Repair the generator: an event beyond the allowed future moves no watermark.",
    reference=reference,
    cases=(
        ([[5_000, 6_000], [7_000, 8_000]], 2_000, 1_000),
        ([[5_000, 6_000], [900_000, 8_000], [9_000, 10_000]], 2_000, 1_000),
        ([[8_400, 8_000], [9_500, 8_500], [9_501, 8_500]], 2_000, 1_000),
        ([[900_000, 5_000], [6_000, 7_000]], 2_000, 1_000),
        ([[5_000, 6_000], [605_000, 606_000]], 2_000, 1_000),
        ([[0, 500]], 4_000, 0),
        ([[0, 500], [-3_000, 1_000]], 4_000, 0),
        ([[-7_000, -6_000], [-8_000, -5_000]], 500, 0),
        ([], 2_000, 1_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="An event later than its arrival plus the allowed future says nothing about event time.",
    next_step="For which events do you let the largest time grow? Compare each with its arrival.",
    hints=(
        "What happens to every later event, once the watermark stands in next year?",
        "With what can one event alone be compared, to see that its time cannot be true?",
        "What should the list hold before any believable event has come?",
    ),
    discussion=(
        "Pulling the event back to the limit also keeps the watermark near, but it moves it by a "
        "time that nobody measured; such an event belongs into the dead letters. Go further: why "
        "may the arrival time be used here, while it never decides a result?"
    ),
    misconceptions=(
        Misconception(
            name="poisoned",
            answer=poisoned,
            rule="One time from the future moves the watermark for good, and all that follows is "
            "late.",
            next_step="Which events must not move the largest time?",
        ),
        Misconception(
            name="clamped",
            answer=clamped,
            rule="A time that cannot be true is not repaired by making it smaller: leave it out.",
            next_step="What should the watermark be after such an event, compared with before it?",
        ),
        Misconception(
            name="refuses-the-limit",
            answer=too_strict,
            rule="An event exactly at arrival + max_future_ms is still allowed.",
            next_step="Which comparison lets the limit itself pass?",
        ),
        Misconception(
            name="no-tolerance",
            answer=no_tolerance,
            rule="Clocks of producers run a little ahead; max_future_ms says how much is fine.",
            next_step="Where does max_future_ms enter your comparison?",
        ),
        Misconception(
            name="guards-against-jumps",
            answer=jump_guard,
            rule="After a silence a true event is far ahead of the one before it.",
            next_step="Which other time does each event bring along, with which you can compare "
            "it?",
        ),
    ),
)
