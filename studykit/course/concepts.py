"""The concepts of the course: which lesson teaches each, and what its trap looks like.

A lesson says what it teaches in a mark that readers do not see: `<!-- teaches: 8 9 10 -->`. The
study guide has a table of it, which `study course build` keeps up to date. Its page of symptoms
marks the traps: `<!-- traps: 8 9 -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from studykit.course.layout import Course

CONCEPTS: Final[dict[int, str]] = dict(
    enumerate(
        (
            "bounded, unbounded, replayed", "event, ingestion, processing time",
            "units, zones, the epoch", "disorder and delays", "deterministic replay",
            "append, retract, upsert", "delivery: lost, doubled, reordered",
            "the watermark as a claim", "newest - bound - 1 ms", "monotone watermarks",
            "when a watermark is sent", "minimum over inputs", "idleness", "alignment of sources",
            "+∞ at the end", "stuck, too fast, too slow", "two streams, one clock",
            "completeness against latency", "tumbling windows", "alignment, offset, zone",
            "sliding windows and panes", "sessions and merging", "count and global windows",
            "cumulating windows", "keyed or over everything", "incremental aggregates",
            "empty windows", "the time of a result, windows of windows",
            "a query that is no window", "times before 1970", "firing at end - 1",
            "early, late and count triggers", "discard, accumulate, retract",
            "lateness or delay", "late by window", "side output, dead letter, counter",
            "corrections downstream", "key groups and stable hashes", "kinds of state",
            "scope of state", "time to live", "event-time timers", "removing duplicates",
            "missing start or end", "hot keys", "state backends and serialisation",
            "union and connect", "interval join", "window join", "versioned join",
            "broadcast rules", "asynchronous calls", "patterns with a time bound",
            "at most, at least, exactly once", "barriers and alignment",
            "unaligned checkpoints", "replayable sources", "idempotent and two-phase sinks",
            "a store with window ids", "crash between effect and checkpoint",
            "restart strategy", "checkpoint, savepoint, retention", "uids and parallelism",
            "rescaling", "evolution and backfill", "what must not be in a replay",
            "backpressure", "chaining and slots", "lag, drops, checkpoints", "managed memory",
            "load tests", "kinds of tests", "configuration, secrets, health",
            "schemas and dead letters", "privacy, retention, cost", "the border to Java, bundles",
            "types", "open and __init__", "jars and versions", "detached runs",
            "strategy on the source", "errors of workers", "row kinds", "velocity of a card",
            "distinct, travel, time since last", "scores and decay", "click-through and joins",
            "point in time, parity", "the feature contract", "alert once, with reasons",
            "load, chaos, replay drill",
        ),
        start=1,
    )
)  # fmt: skip
"""Each concept by its number."""

HOMES: Final[dict[str, tuple[int, ...]]] = {
    "01": (1, 2, 3, 4, 5),
    "02": (8, 9, 10, 11, 15, 16, 18),
    "03": (19, 20, 23, 25, 26, 27, 28, 30),
    "04": (21, 22, 24),
    "05": (6, 29, 31, 32, 33, 34, 35, 36, 37),
    "06": (12, 13, 14, 17),
    "07": (38, *range(40, 46)),
    "08": (48, 49, 50, 52, 53),
    "09": (39, 46, 47, 51, *range(54, 58), *range(60, 67)),
    "10": (7, 58, 59),
    "11": tuple(range(76, 84)),
    "13": tuple(range(84, 91)),
    "14": (*range(67, 72), 73, 74, 75),
    "15": (72, 91),
}
"""Where each concept is taught, by the number of the lesson."""

_MARK: Final = re.compile(r"<!-- teaches:([\d\s#]+)-->")
_TRAPS: Final = re.compile(r"\| ([\d, ]+)<!-- traps: ([\d ]+)-->")
_TABLE: Final = re.compile(r"(?<=<!-- concepts -->\n).*?(?=<!-- /concepts -->)", re.DOTALL)
_ROW: Final = re.compile(r"^\| (\d\d) \| (?:\[([^\]]+)\][^|]*|([^|]+?)) \|", re.MULTILINE)


def taught(course: Course) -> dict[str, list[int]]:
    """Return the concepts that each lesson says it teaches, by its number."""
    return {
        source.stem[:2]: [
            int(number)
            for mark in _MARK.finditer(source.read_text("utf-8"))
            for number in re.findall(r"\d+", mark[1])
        ]
        for source in course.lesson_sources()
    }


def traps(guide: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each concept whose trap the page of symptoms shows, with the lessons of that row.

    A trap may have several rows.
    """
    for row in guide.splitlines():
        if mark := _TRAPS.search(row):
            lessons = re.findall(r"\d\d", mark[1])
            yield from ((int(number), lessons) for number in mark[2].split())


def with_concepts(guide: str, course: Course) -> str:
    """Return `guide` with its table of concepts as the lessons say."""
    titles = {number: link or plain for number, link, plain in _ROW.findall(guide)}
    rows = "\n".join(_rows(titles, taught(course)))
    table = f"\n| Lesson | Teaches <!-- no claim: name --> |\n|---|---|\n{rows}\n\n"
    # A function: in a plain replacement a backslash of a title would be an escape.
    return _TABLE.sub(lambda _: table, guide)


def _rows(titles: dict[str, str], found: dict[str, list[int]]) -> Iterator[str]:
    """Yield a row for each lesson that teaches a concept."""
    for number, title in titles.items():
        if concepts := found.get(number):
            yield f"| {number} {title} | {'; '.join(CONCEPTS[concept] for concept in concepts)} |"
