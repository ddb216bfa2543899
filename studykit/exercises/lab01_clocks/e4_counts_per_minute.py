"""L01.4: count by the minute in which things happened."""

from __future__ import annotations

from collections import Counter
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(events: list[list[int]]) -> list[list[int]]:
    """Return [start of the minute, number of events] by event time, earliest first."""
    counts = Counter(event_ms // 60_000 * 60_000 for event_ms, _ in events)
    return [[start, counts[start]] for start in sorted(counts)]


def by_arrival(events: list[list[int]]) -> list[list[int]]:
    """Count by the minute of arrival."""
    starts = [arrival_ms // 60_000 * 60_000 for _, arrival_ms in events]
    return [[start, starts.count(start)] for start in sorted(set(starts))]


def minute_numbers(events: list[list[int]]) -> list[list[int]]:
    """Give the number of the minute for its start."""
    minutes = [event_ms // 60_000 for event_ms, _ in events]
    return [[minute, minutes.count(minute)] for minute in sorted(set(minutes))]


def with_zeros(events: list[list[int]]) -> list[list[int]]:
    """Invent minutes in which nothing happened."""
    starts = [event_ms // 60_000 * 60_000 for event_ms, _ in events]
    span = range(min(starts), max(starts) + 1, 60_000) if starts else range(0)
    return [[start, starts.count(start)] for start in span]


def unsorted(events: list[list[int]]) -> list[list[int]]:
    """List the minutes in the order in which they first appear."""
    starts = [event_ms // 60_000 * 60_000 for event_ms, _ in events]
    return [[start, starts.count(start)] for start in dict.fromkeys(starts)]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first row that differs, and the events of the right one."""
    (events,) = args
    index = first_difference(got, expected)
    head = f"row {index + 1}: {item(got, index)} instead of {item(expected, index)}"
    start = min(rows[index][0] for rows in (got, expected) if index < len(rows))
    if start % 60_000:
        return f"{head}\nno minute starts at {short(start)}, which is no multiple of 60_000"
    inside = [event for event in events if start <= event[0] < start + 60_000]
    listed = ", ".join(f"happened {short(e)} arrived {short(a)}" for e, a in inside)
    return f"{head}\nin the minute from {short(start)}: {listed or 'nothing happened'}"


def random_case(rng: Random) -> Args:
    """Draw up to eight events around the epoch, many at a minute's edge."""
    edges = [60_000 * rng.randrange(-2, 5) + rng.choice([-1, 0, 1]) for _ in range(3)]
    times = [
        rng.choice([*edges, rng.randrange(-150_000, 360_000)]) for _ in range(rng.randrange(9))
    ]
    return ([[time, time + rng.randrange(120_000)] for time in times],)


EXERCISE = Exercise(
    id="L01.4",
    name="counts_per_minute",
    kind="independent",
    minutes=12,
    task="Count events by the minute in which they happened, whatever the minute of arrival.",
    reference=reference,
    cases=(
        ([],),
        ([[5_000, 6_000], [59_999, 60_500]],),
        ([[60_000, 61_000], [10_000, 62_000]],),
        ([[10_000, 62_000], [60_000, 61_000]],),
        ([[10_000, 12_000], [200_000, 201_000]],),
        ([[-1, 500], [-60_000, 700], [-60_001, 900]],),
    ),
    random_case=random_case,
    trace=trace,
    rule="The minute of an event is the one in which it happened, so a replay gives the same rows.",
    next_step="Which number of each pair do you divide into minutes, and where do you sort?",
    hints=(
        "Which of the two times stays the same when the log is read again tomorrow?",
        "What is 59_999 // 60_000 * 60_000, and what is it for 60_000?",
        "Can you collect the starts of all minutes first, and count and sort them afterwards?",
    ),
    discussion=(
        "A dict that counts while it walks gives the same rows as Counter. A list with a count "
        "per minute does too, but it needs to know the first and last minute before it starts, "
        "which no stream can tell. Go further: when may row 1 be printed, while events still come?"
    ),
    misconceptions=(
        Misconception(
            name="by-arrival",
            answer=by_arrival,
            rule="When an event arrived is a matter of the network: read the log again, and it "
            "changes.",
            next_step="Which of the two numbers says when it happened?",
        ),
        Misconception(
            name="minute-numbers",
            answer=minute_numbers,
            rule="A minute is named by its first millisecond, not by a running number.",
            next_step="How do you come from the number of a minute to its first millisecond?",
        ),
        Misconception(
            name="rows-of-zero",
            answer=with_zeros,
            rule="A minute without events has no row: a stream does not know what did not come.",
            next_step="Which minutes do you list that no event is in?",
        ),
        Misconception(
            name="in-order-of-arrival",
            answer=unsorted,
            rule="The earliest minute comes first, so that another order of arrival gives the same"
            " rows.",
            next_step="What happens to your rows when the first two events change places?",
        ),
    ),
)
