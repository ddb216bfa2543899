"""L12.4: verdicts by each partition, firing by all of them."""

from __future__ import annotations

from collections import Counter
from random import Random

from studykit.exercises.definition import Args, Exercise, Json, Misconception
from studykit.exercises.scene import Scene, stretches
from studykit.exercises.wording import short

Records = list[list[int]]


def reference(records: Records, partitions: int, bound_ms: int, size_ms: int) -> dict[str, Json]:
    """Return the windows that have fired with their counts, and the places of late records."""
    newest: dict[int, int] = {}
    held: Counter[int] = Counter()
    late = []
    for place, (partition, event_ms) in enumerate(records):
        end_ms = event_ms // size_ms * size_ms + size_ms
        if partition in newest and end_ms - 1 <= newest[partition] - bound_ms - 1:
            late.append(place)
        else:
            held[end_ms] += 1
        newest[partition] = max(newest.get(partition, event_ms), event_ms)
    if len(newest) < partitions:
        return {"fired": [], "late": late}
    watermark_ms = min(newest.values()) - bound_ms - 1
    fired = [[end_ms, held[end_ms]] for end_ms in sorted(held) if end_ms - 1 <= watermark_ms]
    return {"fired": fired, "late": late}


def judged_by_the_slowest(
    records: Records, partitions: int, bound_ms: int, size_ms: int
) -> dict[str, Json]:
    """Judge every record by the watermark of all partitions."""
    newest: dict[int, int] = {}
    held: dict[int, int] = {}
    late = []
    for place, (partition, event_ms) in enumerate(records):
        end_ms = event_ms // size_ms * size_ms + size_ms
        common = min(newest.values()) if len(newest) == partitions else None
        if common is not None and end_ms <= common - bound_ms:
            late.append(place)
        else:
            held[end_ms] = held.get(end_ms, 0) + 1
        newest[partition] = max(newest.get(partition, event_ms), event_ms)
    if len(newest) < partitions:
        return {"fired": [], "late": late}
    watermark_ms = min(newest.values()) - bound_ms - 1
    fired = [[end_ms, held[end_ms]] for end_ms in sorted(held) if end_ms - 1 <= watermark_ms]
    return {"fired": fired, "late": late}


def judged_by_the_fastest(
    records: Records, partitions: int, bound_ms: int, size_ms: int
) -> dict[str, Json]:
    """Judge every record by the newest time of all partitions."""
    newest: dict[int, int] = {}
    held: dict[int, int] = {}
    late = []
    for place, (partition, event_ms) in enumerate(records):
        end_ms = event_ms // size_ms * size_ms + size_ms
        if newest and end_ms <= max(newest.values()) - bound_ms:
            late.append(place)
        else:
            held[end_ms] = held.get(end_ms, 0) + 1
        newest[partition] = max(newest.get(partition, event_ms), event_ms)
    if len(newest) < partitions:
        return {"fired": [], "late": late}
    watermark_ms = min(newest.values()) - bound_ms - 1
    fired = [[end_ms, held[end_ms]] for end_ms in sorted(held) if end_ms - 1 <= watermark_ms]
    return {"fired": fired, "late": late}


def fires_by_the_fastest(
    records: Records, partitions: int, bound_ms: int, size_ms: int
) -> dict[str, Json]:
    """Fire as soon as one partition is past a window."""
    newest: dict[int, int] = {}
    held: dict[int, int] = {}
    late = []
    for place, (partition, event_ms) in enumerate(records):
        end_ms = event_ms // size_ms * size_ms + size_ms
        if partition in newest and end_ms <= newest[partition] - bound_ms:
            late.append(place)
        else:
            held[end_ms] = held.get(end_ms, 0) + 1
        newest[partition] = max(newest.get(partition, event_ms), event_ms)
    watermark_ms = max(newest.values(), default=0) - bound_ms - 1
    fired = [[end_ms, held[end_ms]] for end_ms in sorted(held) if end_ms - 1 <= watermark_ms]
    return {"fired": fired, "late": late}


def passes_over_the_silent(
    records: Records, partitions: int, bound_ms: int, size_ms: int
) -> dict[str, Json]:
    """Take the minimum over those that have said something."""
    newest: dict[int, int] = {}
    held: dict[int, int] = {}
    late = []
    for place, (partition, event_ms) in enumerate(records):
        end_ms = event_ms // size_ms * size_ms + size_ms
        if partition in newest and end_ms <= newest[partition] - bound_ms:
            late.append(place)
        else:
            held[end_ms] = held.get(end_ms, 0) + 1
        newest[partition] = max(newest.get(partition, event_ms), event_ms)
    watermark_ms = min(newest.values(), default=0) - bound_ms - 1
    fired = [[end_ms, held[end_ms]] for end_ms in sorted(held) if end_ms - 1 <= watermark_ms]
    return {"fired": fired, "late": late}


def trace(args: Args, got: Json, expected: Json) -> str:
    """Show the first record of another fate, else the partitions and what they let fire."""
    records, partitions, bound_ms, size_ms = args
    differing = set(got["late"]) ^ set(expected["late"])
    if differing:
        place = min(differing)
        partition, event_ms = records[place]
        before = [time_ms for other, time_ms in records[:place] if other == partition]
        mark = f"W={short(max(before) - bound_ms - 1)}" if before else "no watermark"
        last_ms = event_ms // size_ms * size_ms + size_ms - 1
        return (
            f"place {place}: partition {partition}, t={short(event_ms)}, so its window fires at "
            f"{short(last_ms)}\nbefore it partition {partition} has {mark}"
        )
    said = []
    for partition in range(partitions):
        times = [time_ms for other, time_ms in records if other == partition]
        mark = f"W={short(max(times) - bound_ms - 1)}" if times else "nothing yet"
        said.append(f"partition {partition}: {mark}")
    return f"{'; '.join(said)}\nthe late ones are right; your rows are {short(got['fired'])}"


def scene(args: Args, got: Json, expected: Json) -> Scene | None:
    """Show the records, and below them the windows that have fired, where they are others."""
    records, _, _, size_ms = args
    return stretches(
        [event_ms for _, event_ms in records],
        [[end_ms - size_ms, end_ms] for end_ms, _ in expected["fired"]],
        [[end_ms - size_ms, end_ms] for end_ms, _ in got["fired"]],
        "The records of all partitions, and the windows that have fired.",
        marks="records",
    )


def random_case(rng: Random) -> Args:
    """Draw records of up to three partitions, one of which is often slow or silent."""
    partitions = rng.choice([1, 2, 2, 3])
    size_ms, bound_ms = rng.choice([5_000, 10_000]), rng.choice([0, 1_000, 4_000])
    clocks = [rng.choice([-size_ms, 0, size_ms]) for _ in range(partitions)]
    records: Records = []
    for _ in range(rng.randrange(10)):
        partition = rng.randrange(partitions)
        clocks[partition] += rng.choice([0, 1_000, size_ms])
        end_ms = clocks[partition] // size_ms * size_ms
        times = [clocks[partition], end_ms - 1, end_ms + bound_ms, end_ms + bound_ms - 1]
        records.append([partition, rng.choice(times)])
    return records, partitions, bound_ms, size_ms


EXERCISE = Exercise(
    id="L12.4",
    name="job_rows",
    kind="independent",
    minutes=18,
    task="Write the heart of the job: which records are late, and which windows have fired.",
    reference=reference,
    cases=(
        ([[0, 2_000], [0, 14_000], [0, 6_000]], 1, 4_000, 10_000),
        ([[0, 2_000], [0, 14_000], [1, 6_000]], 2, 4_000, 10_000),
        ([[0, 2_000], [0, 30_000]], 2, 4_000, 10_000),
        ([[0, 2_000], [0, 30_000], [1, 3_000], [1, 14_000], [0, 9_000]], 2, 4_000, 10_000),
        ([[0, 13_999], [1, 40_000], [0, 9_000], [0, 14_000], [0, 9_999]], 2, 4_000, 10_000),
        ([[1, 24_000], [0, 24_000], [1, 1_000], [0, 12_000], [1, 12_000]], 2, 4_000, 10_000),
        ([[0, 30_000], [0, 2_000], [0, 12_000], [0, 8_000]], 1, 0, 10_000),
        ([[0, 5_000], [1, -1], [0, -5_001], [1, 0], [1, 5_000]], 2, 0, 5_000),
        ([[0, -1], [0, 4_000], [0, -3_000]], 1, 0, 5_000),
        ([[2, 5_000], [0, 7_000], [1, 21_000], [2, 9_000]], 3, 1_000, 5_000),
        ([[0, 10_000], [0, 2_000]], 1, 4_000, 10_000),
        ([[1, 1_000], [0, 30_000], [0, 2_000]], 2, 4_000, 10_000),
        ([[0, 12_000], [1, 2_000], [0, 40_000], [1, 40_000]], 2, 4_000, 10_000),
        ([], 2, 4_000, 10_000),
    ),
    random_case=random_case,
    trace=trace,
    scene=scene,
    rule="A record is judged by its own partition; a window fires by the slowest of all.",
    next_step="Whose watermark decides about this record, and whose about that window?",
    hints=(
        "Which watermark makes a verdict the same, however partitions are read?",
        "When can no partition have anything more for a window?",
        "What does a partition that has sent nothing yet allow to fire?",
    ),
    discussion=(
        "Two watermarks, two questions: what is in a window, and when it fires. The first has to "
        "be the same after every restart and at every parallelism; the second may wait. So nothing "
        "that was accepted can meet a closed window. Go further: with an idle timeout, which of "
        "the two is touched?"
    ),
    misconceptions=(
        Misconception(
            name="judged-by-the-slowest",
            answer=judged_by_the_slowest,
            rule="The minimum depends on how partitions are read: a verdict must not.",
            next_step="Which watermark does this record's own partition have?",
        ),
        Misconception(
            name="judged-by-the-fastest",
            answer=judged_by_the_fastest,
            rule="Another partition's newest time says nothing about this one's disorder.",
            next_step="Which of the earlier records are of the same partition?",
        ),
        Misconception(
            name="fires-by-the-fastest",
            answer=fires_by_the_fastest,
            rule="A window fires when no partition can have anything more for it.",
            next_step="Which partition is the slowest, and how far is it?",
        ),
        Misconception(
            name="passes-over-the-silent",
            answer=passes_over_the_silent,
            rule="Of a partition that has said nothing nobody knows anything: all windows wait.",
            next_step="How many partitions are there, and how many have sent something?",
        ),
    ),
    second=(
        "def job_rows(records, partitions, bound_ms, size_ms):\n"
        "    newest = [float('-inf')] * partitions  # who has said nothing lets nothing fire\n"
        "    counts, late = {}, []\n"
        "    for place, (partition, event_ms) in enumerate(records):\n"
        "        end_ms = event_ms // size_ms * size_ms + size_ms\n"
        "        if newest[partition] >= end_ms + bound_ms:\n"
        "            late.append(place)\n"
        "        else:\n"
        "            counts[end_ms] = counts.get(end_ms, 0) + 1\n"
        "        newest[partition] = max(newest[partition], event_ms)\n"
        "    over = min(newest) - bound_ms  # the slowest says when, each its own says who\n"
        "    fired = [[end_ms, counts[end_ms]] for end_ms in sorted(counts) if end_ms <= over]\n"
        "    return {'fired': fired, 'late': late}\n"
    ),
)
