"""L15.6: add a feature end to end: the longest gap of each window, with corrections."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short

Row = list[int]


def reference(times_ms: list[int], size_ms: int, bound_ms: int, lateness_ms: int) -> list[Row]:
    """Return all rows, each from the payments of its window that had come by then."""
    rows: list[Row] = []
    told: dict[int, int] = {}
    kept: dict[int, list[int]] = {}

    def tell(start_ms: int) -> None:
        told[start_ms] = told.get(start_ms, -1) + 1
        gaps = [later - earlier for earlier, later in pairwise(sorted(kept[start_ms]))]
        rows.append([start_ms, told[start_ms], max(gaps, default=0)])

    for place, time_ms in enumerate(times_ms):
        watermark_ms = max(times_ms[:place], default=time_ms) - bound_ms - 1
        start_ms = time_ms // size_ms * size_ms
        if watermark_ms < start_ms + size_ms - 1 + lateness_ms:
            kept.setdefault(start_ms, []).append(time_ms)
            if start_ms in told:
                tell(start_ms)
        watermark_ms = max(times_ms[: place + 1]) - bound_ms - 1
        for due_ms in sorted(kept.keys() - told.keys()):
            if watermark_ms >= due_ms + size_ms - 1:
                tell(due_ms)
    for open_ms in sorted(kept.keys() - told.keys()):
        tell(open_ms)
    return rows


def by_arrival(times_ms: list[int], size_ms: int, bound_ms: int, lateness_ms: int) -> list[Row]:
    """Take for neighbours what came one after the other."""
    rows: list[Row] = []
    kept: dict[int, list[int]] = {}
    told: dict[int, int] = {}
    newest = min(times_ms, default=0)

    def tell(start: int) -> None:
        told[start] = told.get(start, -1) + 1
        came = kept[start]
        gaps = [came[n] - came[n - 1] for n in range(1, len(came))]
        rows.append([start, told[start], max(gaps, default=0)])

    for time_ms in [*times_ms, 10**18]:
        start = time_ms // size_ms * size_ms
        if newest - bound_ms - 1 < start + size_ms - 1 + lateness_ms:
            kept.setdefault(start, []).append(time_ms)
            if start in told:
                tell(start)
        newest = max(newest, time_ms)
        for due in sorted(kept):
            if due not in told and newest - bound_ms - 1 >= due + size_ms - 1:
                tell(due)
    return rows


def no_lateness(times_ms: list[int], size_ms: int, bound_ms: int, lateness_ms: int) -> list[Row]:
    """Take nothing for a window that was told."""
    rows: list[Row] = []
    kept: dict[int, list[int]] = {}
    told: set[int] = set()
    newest = min(times_ms, default=0)

    def tell(start: int) -> None:
        told.add(start)
        came = sorted(kept[start])
        gaps = [came[n] - came[n - 1] for n in range(1, len(came))]
        rows.append([start, 0, max(gaps, default=0)])

    for time_ms in [*times_ms, 10**18]:
        start = time_ms // size_ms * size_ms
        if newest - bound_ms - 1 < start + size_ms - 1:
            kept.setdefault(start, []).append(time_ms)
        newest = max(newest, time_ms)
        for due in sorted(kept):
            if due not in told and newest - bound_ms - 1 >= due + size_ms - 1:
                tell(due)
    return rows


def only_if_changed(
    times_ms: list[int], size_ms: int, bound_ms: int, lateness_ms: int
) -> list[Row]:
    """Tell a correction only if the gap has changed."""
    rows: list[Row] = []
    kept: dict[int, list[int]] = {}
    told: dict[int, int] = {}
    said: dict[int, int] = {}
    newest = min(times_ms, default=0)

    def tell(start: int) -> None:
        came = sorted(kept[start])
        gap = max([came[n] - came[n - 1] for n in range(1, len(came))], default=0)
        if said.get(start) != gap:
            told[start] = told.get(start, -1) + 1
            said[start] = gap
            rows.append([start, told[start], gap])

    for time_ms in [*times_ms, 10**18]:
        start = time_ms // size_ms * size_ms
        if newest - bound_ms - 1 < start + size_ms - 1 + lateness_ms:
            kept.setdefault(start, []).append(time_ms)
            if start in told:
                tell(start)
        newest = max(newest, time_ms)
        for due in sorted(kept):
            if due not in told and newest - bound_ms - 1 >= due + size_ms - 1:
                tell(due)
    return rows


def trace(args: Args, got: Json, expected: Json) -> str:
    """Name the first row that differs, and the payments of its window."""
    times_ms, size_ms, _, _ = args
    index = first_difference(got, expected)
    start_ms = (expected if index < len(expected) else got)[index][0]
    mine = [time_ms for time_ms in times_ms if time_ms // size_ms * size_ms == start_ms]
    return (
        f"row {index + 1}: {item(got, index)} instead of {item(expected, index)}\n"
        f"payments at times of the window from {short(start_ms)}, as they came: {short(mine)}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to ten payments around ends, bound and lateness."""
    size_ms = rng.choice([5_000, 10_000])
    bound_ms, lateness_ms = rng.choice([0, 2_000]), rng.choice([0, 3_000])
    waits = (0, bound_ms, bound_ms + lateness_ms)
    edges = [end_ms + wait_ms for end_ms in (0, size_ms) for wait_ms in waits]
    times = [
        rng.choice(edges) + rng.choice([-1, 0, 1, -1_500, -3_000]) for _ in range(rng.randrange(11))
    ]
    return times, size_ms, bound_ms, lateness_ms


EXERCISE = Exercise(
    id="L15.6",
    name="longest_gaps",
    kind="independent",
    minutes=25,
    task="Add a feature: the longest gap between payments of each window, with corrections.",
    reference=reference,
    cases=(
        ([1_000, 4_000, 9_000, 14_000], 10_000, 4_000, 3_000),
        ([1_000, 9_000, 4_000], 10_000, 4_000, 0),
        ([1_000, 9_000, 14_000, 4_000], 10_000, 4_000, 3_000),
        ([1_000, 9_000, 16_999, 4_000, 17_000, 5_000], 10_000, 4_000, 3_000),
        ([12_000, 1_000, 50_000, 47_000], 10_000, 4_000, 0),
        ([5_000, 15_000, 24_000, 6_000], 10_000, 4_000, 20_000),
        ([14_000, 5_000, 6_000], 10_000, 4_000, 3_000),
        ([1_000, 9_000, 14_000, 9_000], 10_000, 4_000, 3_000),
        ([13_999, 2_000, 14_000, 2_000], 10_000, 4_000, 0),
        ([-1, -4_000, 0, 30_000, 2_000], 5_000, 0, 0),
        ([-5_000, 20_000, 11_000, 1], 5_000, 2_000, 10_000),
        ([], 10_000, 4_000, 3_000),
    ),
    random_case=random_case,
    trace=trace,
    rule="A window is told at end - 1, and once more for each payment that comes within lateness.",
    next_step="Play the log by hand up to this row: which payments has the window then?",
    hints=(
        "What has to be kept of a window, so that its longest gap can still change?",
        "When is a window told for the first time, and when again?",
        "In which order: judge, keep, tell again, advance, tell what is due?",
    ),
    discussion=(
        "A sum needs one number of a window; the longest gap needs its times, because a payment "
        "that comes late may split a gap. That is the price of the feature. Go further: write the "
        "oracle of this feature, and let drawn logs look for a difference."
    ),
    equivalent={
        "told[s] = told.get(start_ms, -1) + 1": "a payment that makes other windows due is the "
        "newest, so that its own window was never told",
    },
    misconceptions=(
        Misconception(
            name="neighbours-by-arrival",
            answer=by_arrival,
            rule="Neighbours are neighbours in event time, not in the order of arrival.",
            next_step="Which two payments of this window lie side by side in event time?",
        ),
        Misconception(
            name="no-correction",
            answer=no_lateness,
            rule="A window that was told takes payments until its lateness is over.",
            next_step="Until which watermark may this window still be corrected?",
        ),
        Misconception(
            name="only-if-changed",
            answer=only_if_changed,
            rule="Each payment that is taken late tells the window again, also with the same gap.",
            next_step="Which payment came last to this window, and was the window told again?",
        ),
    ),
)
