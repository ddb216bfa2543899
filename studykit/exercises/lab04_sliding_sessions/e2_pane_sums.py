"""L04.2: panes, the shared parts of sliding windows."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short, window


def reference(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    """Return [start, sum] of each pane with an event, earliest first."""
    windows = SlidingWindows.tumbling(slide_ms)
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = windows.pane_start(event_ms)
        sums[start] = sums.get(start, 0) + value
    return [[start, sums[start]] for start in sorted(sums)]


def counts(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    """Count events instead of adding values."""
    starts = [event_ms // slide_ms * slide_ms for event_ms, _ in events]
    return [[start, starts.count(start)] for start in sorted(set(starts))]


def overwrites(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    """Keep the last value of each pane."""
    sums = {event_ms // slide_ms * slide_ms: value for event_ms, value in events}
    return [[start, sums[start]] for start in sorted(sums)]


def running_total(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    """Carry the sum of earlier panes along."""
    starts = sorted({event_ms // slide_ms * slide_ms for event_ms, _ in events})
    return [
        [start, sum(value for event_ms, value in events if event_ms < start + slide_ms)]
        for start in starts
    ]


def in_order_of_arrival(events: list[list[int]], slide_ms: int) -> list[list[int]]:
    """Leave the panes in the order in which they opened."""
    sums: dict[int, int] = {}
    for event_ms, value in events:
        start = event_ms // slide_ms * slide_ms
        sums[start] = sums.get(start, 0) + value
    return [[start, total] for start, total in sums.items()]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first pane that differs, with its events."""
    events, slide_ms = args
    index = first_difference(got, expected)
    head = f"row {index + 1}: {item(got, index)} instead of {item(expected, index)}"
    if index >= len(expected):
        return head
    start = expected[index][0]
    inside = [
        f"t={short(event_ms)} value {value}"
        for event_ms, value in events
        if start <= event_ms < start + slide_ms
    ]
    return f"{head}\npane {window(start, start + slide_ms)}: {', '.join(inside)}"


def random_case(rng: Random) -> Args:
    """Draw up to eight events in any order, often at the edge of a pane; sums may be zero."""
    slide_ms = rng.choice([1, 1_000, 3_000, 5_000])
    times = [slide_ms * rng.randrange(-3, 4) + rng.choice([-1, 0, 1]) for _ in range(9)]
    return [[rng.choice(times), rng.randrange(-3, 4)] for _ in range(rng.randrange(9))], slide_ms


EXERCISE = Exercise(
    id="L04.2",
    name="pane_sums",
    kind="faded",
    minutes=8,
    task="Sum the values of each pane, the stretch of one slide.",
    reference=reference,
    cases=(
        ([[2_000, 5], [4_999, 9]], 5_000),
        ([[7_000, 3], [2_000, 5]], 5_000),
        ([[2_000, 5], [12_000, 1], [13_000, 4]], 5_000),
        ([[2_000, 5], [7_000, 3], [8_000, 4]], 2_000),
        ([[1_000, 5], [2_000, -5], [-1, 7], [-5_000, 0]], 5_000),
        ([], 5_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="A pane is a stretch of one slide: every window holds it whole or not at all.",
    next_step="Which pane does this event belong to, and what is already in it?",
    hints=(
        "Which events lie in exactly the same sliding windows?",
        "How long is the stretch between two starts, one after the other?",
        "How does `sums.get(start, 0)` help when a pane gets its first event?",
    ),
    discussion=(
        "One update per event, however many windows overlap: "
        "that is why Flink SQL keeps panes. "  # claim: flink-sql-hop-shares-slices
        "It works because sums of parts add up. Go further: which of count, maximum, mean and "
        "median can be put together from panes, and what would a pane have to hold for the others?"
    ),
    misconceptions=(
        Misconception(
            name="counts",
            answer=counts,
            rule="The sum of the values is asked for, not their number.",
            next_step="Which part of each event do you add?",
        ),
        Misconception(
            name="last-value",
            answer=overwrites,
            rule="A pane holds all of its events: a new value joins the others.",
            next_step="What is in the pane already when its second event comes, and what becomes "
            "of that?",
        ),
        Misconception(
            name="running-total",
            answer=running_total,
            rule="Panes do not overlap: an event counts in one of them only.",
            next_step="Which events of earlier panes are in this sum?",
        ),
        Misconception(
            name="in-order-of-arrival",
            answer=in_order_of_arrival,
            rule="The earliest pane comes first, so that another order of arrival gives the same "
            "rows.",
            next_step="Which row comes first if the later event arrives first?",
        ),
    ),
)
