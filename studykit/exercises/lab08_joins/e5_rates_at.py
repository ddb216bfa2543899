"""L08.5: the version that held at the row's own time."""

from __future__ import annotations

from random import Random

from flink_jobs.engine.joins_versioned import VersionedLookup
from flink_jobs.utils.watermarks import MAX_WATERMARK
from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.wording import first_difference, item, short


def reference(times: list[int], versions: list[list[int]]) -> list[int | None]:
    """Return what the engine's lookup answers at the end of both inputs."""
    lookup: VersionedLookup[int, int] = VersionedLookup()
    for since_ms, rate in versions:
        lookup.on_version("EUR", since_ms, rate)
    for place, time_ms in enumerate(times):
        lookup.on_row("EUR", time_ms, place)
    lookup.on_watermark(MAX_WATERMARK)
    answers = {answer.value: answer.version for answer in lookup.take()}
    return [answers[place] for place in range(len(times))]


def todays_rate(times: list[int], versions: list[list[int]]) -> list[Json]:
    """Take the newest version for every row."""
    newest = max(versions, key=lambda version: version[0], default=[0, None])
    return [newest[1] for _ in times]


def next_version(times: list[int], versions: list[list[int]]) -> list[Json]:
    """Take the version that is nearest, also if it begins later."""
    return [
        min(versions, key=lambda version: abs(version[0] - time), default=[0, None])[1]
        for time in times
    ]


def strictly_before(times: list[int], versions: list[list[int]]) -> list[Json]:
    """Let a version hold only after its first moment."""
    rates: list[Json] = []
    for time in times:
        known = [version for version in sorted(versions) if version[0] < time]
        rates.append(known[-1][1] if known else None)
    return rates


def by_arrival(times: list[int], versions: list[list[int]]) -> list[Json]:
    """Take the last version in the order of arrival."""
    rates: list[Json] = []
    for time in times:
        known = [version for version in versions if version[0] <= time]
        rates.append(known[-1][1] if known else None)
    return rates


def first_version_always(times: list[int], versions: list[list[int]]) -> list[Json]:
    """Take the first version for what was before it."""
    ordered = sorted(versions, key=lambda version: version[0])
    rates: list[Json] = []
    for time in times:
        known = [version for version in ordered if version[0] <= time] or ordered[:1]
        rates.append(known[-1][1] if known else None)
    return rates


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the versions around the first row that was answered wrongly."""
    times, versions = args
    index = first_difference(got, expected)
    if index == len(times):
        return f"you return {len(got)} rates for {len(times)} rows"
    ordered = sorted(versions, key=lambda version: version[0])
    held = [version for version in ordered if version[0] <= times[index]]
    since = f"since {short(held[-1][0])}" if held else "none had begun"
    history = ", ".join(f"{short(since_ms)}: {rate}" for since_ms, rate in ordered)
    return (
        f"row {index + 1} at {short(times[index])}; versions by their begin {history or 'none'}\n"
        f"what held there: {since}; you say {item(got, index)}"
    )


def random_case(rng: Random) -> Args:
    """Draw up to four versions in any order, and rows around their begins."""
    begins = rng.sample(range(-2, 6), rng.randrange(5))
    versions = [[begin * 10_000, 100 + rng.randrange(60)] for begin in begins]
    around = [begin * 10_000 + step for begin in range(-2, 7) for step in (-1, 0, 1, 4_000)]
    return [rng.choice(around) for _ in range(rng.randrange(5))], versions


EXERCISE = Exercise(
    id="L08.5",
    name="rates_at",
    kind="independent",
    minutes=12,
    task="Return for each row the rate that held at its own time; None if none did.",
    reference=reference,
    cases=(
        ([5_000, 15_000], [[0, 110], [10_000, 115]]),
        ([10_000, 9_999], [[0, 110], [10_000, 115]]),
        ([8_000, 30_000], [[0, 110], [10_000, 115], [20_000, 120]]),
        ([25_000, 5_000], [[20_000, 120], [0, 110], [10_000, 115]]),
        ([-1, 0], [[0, 110]]),
        ([-15_000], [[-10_000, 90], [-20_000, 80]]),
        ([5_000], [[0, 0], [4_000, 0]]),
        ([5_000], []),
        ([], [[0, 110]]),
    ),
    random_case=random_case,
    trace=trace,
    rule="A row meets the version of its own time: the latest that began at or before it.",
    next_step="Which versions had begun at the row's time, and which of these began last?",
    hints=(
        "What would this answer be if the same log were read again next year?",
        "Which versions cannot have been known at the row's time?",
        "Which of two versions that had both begun by then holds: by begin, or by arrival?",
    ),
    discussion=(
        "A cache that asks the database at the time of processing is quicker to write, and correct "
        "as long as the job keeps up. Then it is replayed over yesterday, and every row gets the "
        "rate of today. Go further: how long does the row have to wait before its rate is certain?"
    ),
    misconceptions=(
        Misconception(
            name="todays-rate",
            answer=todays_rate,
            rule="The newest version is that of now. A row of yesterday met that of yesterday.",
            next_step="When does the version that you return begin, and when did the row happen?",
        ),
        Misconception(
            name="future-version",
            answer=next_version,
            rule="A version that begins after the row was not known then, however near it is.",
            next_step="Does the version that you return begin before the row?",
        ),
        Misconception(
            name="strictly-before",
            answer=strictly_before,
            rule="A version holds from its first millisecond on: a row at that time meets it.",
            next_step="Which version holds at exactly its own begin?",
        ),
        Misconception(
            name="by-arrival",
            answer=by_arrival,
            rule="Versions come out of order, too: their begin decides and not their arrival.",
            next_step="Of the versions that had begun, which one began last?",
        ),
        Misconception(
            name="first-version-always",
            answer=first_version_always,
            rule="Before the first version nothing held. An invented value is worse than none.",
            next_step="Had any version begun at the row's time?",
        ),
    ),
)
