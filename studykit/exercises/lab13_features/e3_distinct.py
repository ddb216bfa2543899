"""L13.3: distinct merchants in sliding windows, with payments that come late."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.windows import SlidingWindows
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy


def reference(payments: list[list[Json]], size_ms: int, slide_ms: int) -> list[list[int]]:
    """Return the end and the number of merchants of every window with a payment."""
    windows = SlidingWindows(size_ms, slide_ms)
    merchants: dict[int, set[str]] = {}
    for event_ms, merchant in payments:
        for window in windows.assign(event_ms):
            merchants.setdefault(window.end_ms, set()).add(merchant)
    return [[end_ms, len(found)] for end_ms, found in sorted(merchants.items())]


def adds_counts(payments: list[list[Json]], size_ms: int, slide_ms: int) -> list[list[int]]:
    """Count the merchants of each pane, and add the counts up."""
    panes: dict[int, set[str]] = {}
    for event_ms, merchant in payments:
        panes.setdefault(event_ms // slide_ms * slide_ms, set()).add(merchant)
    ends = {pane + step for pane in panes for step in range(slide_ms, size_ms + 1, slide_ms)}
    return [
        [end, sum(len(found) for pane, found in panes.items() if end - size_ms <= pane < end)]
        for end in sorted(ends)
    ]


def counts_payments(payments: list[list[Json]], size_ms: int, slide_ms: int) -> list[list[int]]:
    """Count payments instead of merchants."""
    counts: dict[int, int] = {}
    for event_ms, _ in payments:
        pane = event_ms // slide_ms * slide_ms
        for end in range(pane + slide_ms, pane + size_ms + 1, slide_ms):
            counts[end] = counts.get(end, 0) + 1
    return [[end, count] for end, count in sorted(counts.items())]


def late_left_out(payments: list[list[Json]], size_ms: int, slide_ms: int) -> list[list[int]]:
    """Pass over a payment that is older than one before it."""
    found: dict[int, set[str]] = {}
    newest = None
    for event_ms, merchant in payments:
        if newest is not None and event_ms < newest:
            continue
        newest = event_ms
        pane = event_ms // slide_ms * slide_ms
        for end in range(pane + slide_ms, pane + size_ms + 1, slide_ms):
            found.setdefault(end, set()).add(merchant)
    return [[end, len(names)] for end, names in sorted(found.items())]


def one_window(payments: list[list[Json]], size_ms: int, slide_ms: int) -> list[list[int]]:
    """Put each payment into tumbling windows."""
    found: dict[int, set[str]] = {}
    for event_ms, merchant in payments:
        found.setdefault(event_ms // size_ms * size_ms + size_ms, set()).add(merchant)
    return [[end, len(names)] for end, names in sorted(found.items())]


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first window that differs, and the merchants of its payments."""
    payments, size_ms, _ = args
    index = first_difference(got, expected)
    row = expected[index] if index < len(expected) else got[index]
    inside = [
        f"{short(event_ms)} {merchant}"
        for event_ms, merchant in sorted(payments)
        if row[0] - size_ms <= event_ms < row[0]
    ]
    return (
        f"row {index + 1}: {item(got, index)} instead of {item(expected, index)}\n"
        f"in [{short(row[0] - size_ms)}, {short(row[0])}) lie {', '.join(inside) or 'no payments'}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the learner's windows beside the right ones, where they are others."""
    payments, size_ms, slide_ms = args
    right, yours = (spans([end - size_ms, end] for end, _ in rows) for rows in (expected, got))
    if set(right) == set(yours) or min(event_ms for event_ms, _ in payments) < 0:
        return None
    return Scene(
        figure="assigners",
        events=arriving([event_ms for event_ms, _ in payments]),
        policy=Policy(size_ms=size_ms, slide_ms=slide_ms),
        number=1,
        about="The payments of the call, and every window that holds one.",
        right_spans=right,
        your_spans=yours,
        marks="payments",
    )


def random_case(rng: Random) -> Args:
    """Draw payments around the edges of panes, at few merchants, in any order."""
    slide_ms = rng.choice([1_000, 60_000])
    size_ms = slide_ms * rng.choice([1, 2, 5])
    around = [pane * slide_ms + step for pane in range(-2, 4) for step in (-1, 0, 1)]
    payments = [[rng.choice(around), rng.choice("mno")] for _ in range(rng.randrange(8))]
    return payments, size_ms, slide_ms


EXERCISE = Exercise(
    id="L13.3",
    name="distinct_merchants",
    kind="independent",
    minutes=12,
    task="Return for every window with a payment its end and its number of distinct merchants.",
    reference=reference,
    cases=(
        ([[10_000, "m"], [70_000, "n"], [80_000, "m"]], 120_000, 60_000),
        ([[10_000, "m"], [70_000, "m"]], 120_000, 60_000),
        ([[70_000, "m"], [20_000, "n"], [130_000, "n"]], 120_000, 60_000),
        ([[59_999, "m"], [60_000, "n"], [60_001, "n"]], 60_000, 60_000),
        ([[1_000, "m"], [0, "n"], [-1, "m"]], 5_000, 1_000),
        ([[-60_000, "m"]], 300_000, 60_000),
        ([[0, "m"], [0, "m"]], 2_000, 1_000),
        ([], 120_000, 60_000),
    ),
    random_case=random_case,
    scene=scene,
    trace=trace,
    rule="Distinct counts do not add up: keep who was counted, and count at the end.",
    next_step="Which merchants are in this window, and is one of them in two panes?",
    hints=(
        "In which windows is one payment, and how do you find their ends?",
        "What do you have to remember of a window, so that a merchant is counted once?",
        "What becomes of a set when a payment comes late, and what of a count?",
    ),
    discussion=(
        "A set costs memory for each merchant. Sketches like HyperLogLog can be united, too: they "
        "take a few kilobytes and make a small error. Go further: which other features can be "
        "united pane by pane, and which need the events themselves?"
    ),
    equivalent={
        "for end_ms in range(pane_ms + slide_ms, pane_ms + size_ms + 2, slide_ms):": (
            "the next end would be a whole slide further"
        ),
        "for end_ms in range(pane_ms + slide_ms, event_ms + size_ms + 1, slide_ms):": (
            "an event lies less than a slide behind its pane's start"
        ),
    },
    misconceptions=(
        Misconception(
            name="adds-counts",
            answer=adds_counts,
            rule="A count has forgotten who was counted: a merchant of two panes is added twice.",
            next_step="Which merchant of this window is in two panes?",
        ),
        Misconception(
            name="counts-payments",
            answer=counts_payments,
            rule="Two payments at one merchant are one merchant.",
            next_step="How often is each merchant of this window in your count?",
        ),
        Misconception(
            name="late-left-out",
            answer=late_left_out,
            rule="A payment that arrives behind a newer one still belongs to its windows.",
            next_step="Which payment of this window arrived behind a newer one?",
        ),
        Misconception(
            name="one-window",
            answer=one_window,
            rule="Sliding windows overlap: a payment is in size / slide of them.",
            next_step="Which windows hold the first payment?",
        ),
    ),
)
