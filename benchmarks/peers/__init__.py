"""Others beside ours, in environments of their own: the same events, and the same answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import pipeline
from benchmarks.buckets import Event, Row
from benchmarks.measure import Figure, take_turns
from benchmarks.peers import grading
from benchmarks.peers.environment import HOME, environment, run
from flink_jobs.config import Settings
from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.processor.garbage import collect_rarely
from flink_jobs.simulator.golden import golden_transactions
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

ENGINES: Final = ("bytewax==0.21.1", "quixstreams==3.28.1")
QUIX_EVENTS: Final = 100_000
"""Enough for a rate; the whole log would take it minutes."""


def measure() -> Iterator[Figure]:
    """Install the peers if they are not there, and measure them.

    The engines, ours and theirs, look for reference cycles as rarely as our processor does.
    """
    collect_rarely()
    python = environment("streams", ENGINES)
    yield from _bytewax(python)
    yield from _quix(python)
    yield from grading.measure()


def our_rows(events: list[Event]) -> list[Row]:
    """Return every window of the events, the tail included, as rows in order."""
    clock = BoundedOutOfOrderness(30_000)
    operator = SlidingOperator(SlidingWindows(300_000, 60_000), CountSumMax(), clock)
    for offset, (event_ms, key, amount) in enumerate(events):
        operator.on_event(key, event_ms, amount, offset)
        if clock.observe(event_ms) and clock.watermark_ms >= operator.next_ms:
            operator.on_watermark()
    clock.finish()
    operator.on_watermark()
    return [
        (row.key, row.start_ms, row.result.count, row.result.total, row.result.largest)
        for row in operator.take()
    ]


def _bytewax(python: Path) -> list[Figure]:
    """Compare the window core with bytewax's, events in memory on both sides."""
    events = [(tx.event_time, tx.card_id, tx.amount_cents) for tx in golden_transactions()]
    source = HOME / "events.json"
    source.write_bytes(msgspec.json.encode(events))
    ours = take_turns({"ours": lambda: len(our_rows(events))})["ours"].cpu_s
    found = run(python, "bytewax_windows.py", str(source))
    rows = {tuple(row) for row in found["rows"]}
    if rows != set(our_rows(events)):
        raise AssertionError(f"bytewax finds {len(rows)} windows, and not the same")
    theirs = float(found["cpu_s"])
    rate = len(events) / theirs
    return [
        Figure("peers", "golden log: ours", len(events) / ours, "events/CPU-s", theirs / ours,
               "bytewax", "ratio >= 8"),
        Figure("peers", "golden log: bytewax 0.21.1", rate, "events/CPU-s", 1, "itself"),
    ]  # fmt: skip


def _quix(python: Path) -> list[Figure]:
    """Compare the pipeline with quixstreams' simplest windowing, on the same broker and topic.

    Both are timed once they have joined their group, for which Kafka takes up to three seconds.
    """
    expected = {row[:2]: list(row[2:]) for row in our_rows(_events())}
    with pipeline.services() as settings:
        count = pipeline.fill(settings, range(1))
        ours_s = min(_ours_on_kafka(settings, count) for _ in range(3))
        found = run(python, "quix_windows.py", settings.kafka_servers, str(QUIX_EVENTS), str(HOME))
    wrong = [row for row in found["rows"] if expected[row[0], row[1]] != row[2:]]
    if wrong:
        raise AssertionError(f"quixstreams and ours differ in {len(wrong)} windows: {wrong[:3]}")
    theirs = float(found["wall_s"])
    emitted = f"{len(found['rows']):,} of {len(expected):,} windows emitted"
    return [
        Figure("peers", "Kafka to Redis: ours", count / ours_s, "events/s",
               count / ours_s * theirs / QUIX_EVENTS, "quixstreams", "ratio >= 8"),
        Figure("peers", f"Kafka to nowhere: quixstreams 3.28.1, {emitted}", QUIX_EVENTS / theirs,
               "events/s", 1, "itself"),
    ]  # fmt: skip


def _ours_on_kafka(settings: Settings, count: int) -> float:
    """Return the seconds that count, sum and maximum take, from the first partition on."""
    opened: list[float] = []

    def on_partition() -> None:
        opened.append(time.perf_counter())

    pipeline.process(settings, count, [pipeline.TOTALS], pipeline.RedisOnly, on_partition)
    return time.perf_counter() - opened[0]


def _events() -> list[Event]:
    return [(tx.event_time, tx.card_id, tx.amount_cents) for tx in golden_transactions()]
