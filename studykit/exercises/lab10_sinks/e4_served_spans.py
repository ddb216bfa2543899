"""L10.4: how long a row serves."""

from __future__ import annotations

from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, arriving, spans
from studykit.exercises.wording import first_difference, item, short
from studykit.trace.steps import Policy


def reference(writes: list[list[int]], ttl_ms: int) -> list[list[int]]:
    """Return from when until when each row is served."""
    served: list[list[int]] = []
    newest_ms: int | None = None
    for now_ms, end_ms, value in writes:
        is_there = bool(served) and now_ms < served[-1][1]
        if is_there and newest_ms is not None and end_ms <= newest_ms:
            continue
        if is_there:
            served[-1][1] = now_ms
        newest_ms = end_ms
        served.append([now_ms, now_ms + ttl_ms, value])
    return served


def first_write_decides(writes: list[list[int]], ttl_ms: int) -> list[list[int]]:
    """Set the time to live for a new key only: a later write leaves it as it is."""
    served: list[list[int]] = []
    newest = gone = 0
    for now, end, value in writes:
        if served and now < gone:
            if end <= newest:
                continue
            served[-1][1] = now
        else:
            gone = now + ttl_ms
        newest = end
        served.append([now, gone, value])
    return served


def refused_prolongs(writes: list[list[int]], ttl_ms: int) -> list[list[int]]:
    """Set the time to live anew for a refused row, too."""
    served: list[list[int]] = []
    newest = 0
    for now, end, value in writes:
        if served and now < served[-1][1]:
            if end <= newest:
                served[-1][1] = now + ttl_ms
                continue
            served[-1][1] = now
        newest = end
        served.append([now, now + ttl_ms, value])
    return served


def guard_remains(writes: list[list[int]], ttl_ms: int) -> list[list[int]]:
    """Compare with the newest row of all time, also with one that is gone."""
    served: list[list[int]] = []
    newest = None
    for now, end, value in writes:
        if newest is not None and end <= newest:
            continue
        if served and now < served[-1][1]:
            served[-1][1] = now
        newest = end
        served.append([now, now + ttl_ms, value])
    return served


def takes_all(writes: list[list[int]], ttl_ms: int) -> list[list[int]]:
    """Take whatever comes."""
    served: list[list[int]] = []
    for now, _end, value in writes:
        if served and now < served[-1][1]:
            served[-1][1] = now
        served.append([now, now + ttl_ms, value])
    return served


def trace(args: Args, got: Json, expected: Json) -> str:
    """Play the writes, and name the first span that differs."""
    writes, ttl_ms = args
    played = "; ".join(
        f"#{number} at {short(now_ms)}: window end {short(end_ms)}"
        for number, (now_ms, end_ms, _) in enumerate(writes, start=1)
    )
    index = first_difference(got, expected)
    return (
        f"{played}; a row serves for {short(ttl_ms)}\n"
        f"span {index + 1}: {item(got, index)} instead of {item(expected, index)}"
    )


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the writes, and below them from when until when a row is served."""
    writes, _ = args
    if not writes:
        return None
    return Scene(
        figure="assigners",
        events=arriving(now_ms for now_ms, _, _ in writes),
        policy=Policy(),
        number=len(writes),
        about="Writes and spans are by the clock of the store.",
        axis="time of the store (s)",
        marks="writes",
        right_spans=spans(row[:2] for row in expected),
        your_spans=spans(row[:2] for row in got),
    )


def random_case(rng: Random) -> Args:
    """Draw up to seven writes, often exactly as far apart as a row lives."""
    ttl_ms = rng.choice([1_000, 5_000])
    writes, now_ms = [], rng.choice([-2_000, 0, 3_000])
    for _ in range(rng.randrange(8)):
        writes.append([now_ms, rng.choice([-10, 0, 10, 20]) * 1_000, rng.randrange(-2, 9)])
        now_ms += rng.choice([1, ttl_ms - 1, ttl_ms, ttl_ms // 2, ttl_ms + 1])
    return writes, ttl_ms


EXERCISE = Exercise(
    id="L10.4",
    name="served_spans",
    kind="independent",
    minutes=15,
    task="Return from when until when each row of one key is served by a store that forgets.",
    reference=reference,
    cases=(
        ([[0, 10_000, 7]], 5_000),
        ([[0, 10_000, 7], [3_000, 20_000, 8]], 5_000),
        ([[0, 20_000, 7], [3_000, 10_000, 8]], 5_000),
        ([[0, 20_000, 7], [5_000, 10_000, 8]], 5_000),
        ([[0, 20_000, 7], [4_999, 10_000, 8], [6_000, 20_000, 7]], 5_000),
        ([[0, 10_000, 7], [3_000, 20_000, 8], [6_000, 30_000, 9], [9_000, 30_000, 9]], 5_000),
        ([[-2_000, 0, 0], [-1_500, -5_000, 3], [-1_000, 0, 0], [0, 1, 4]], 1_000),
        ([], 1_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A row that is taken serves until ttl_ms after its own write, or until a newer one.",
    next_step="Is there a row when this write comes, and if so, is this one newer?",
    hints=(
        "What does a store that has forgotten a row compare a new one with?",
        "Which writes set the time to live: those that are taken, or all?",
        "When does the span of a row end: what are the two ways?",
    ),
    discussion=(
        "The second span of `[[0, 20_000, 7], [5_000, 10_000, 8]]` is an old window that is served "
        "as if it were new: what was forgotten cannot guard. So a reader compares the window end "
        "with its own time. Go further: how long must a row serve, so that no row that can still "
        "be repeated is older than what was forgotten?"
    ),
    misconceptions=(
        Misconception(
            name="first-write-decides",
            answer=first_write_decides,
            rule="A write has to set the time to live anew: by itself it does not prolong a life.",
            next_step="When was the row that is served now written?",
        ),
        Misconception(
            name="refused-prolongs",
            answer=refused_prolongs,
            rule="A row that is refused changes nothing, not even how long the other one lives.",
            next_step="Which row was written at the time from which you count?",
        ),
        Misconception(
            name="guard-remains",
            answer=guard_remains,
            rule="What has expired is gone, and its window end with it: any row is new then.",
            next_step="What does the store hold at the moment of this write?",
        ),
        Misconception(
            name="older-overwrites",
            answer=takes_all,
            rule="As long as a row is there, an older one, or the same again, is refused.",
            next_step="Which window does the row have that is being served?",
        ),
    ),
)
