"""The window core: count, sum and maximum by key, at several overlaps, per second of CPU time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import msgspec

from benchmarks import buckets
from benchmarks.buckets import Event
from benchmarks.measure import Figure, take_turns
from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.processor.garbage import collect_rarely
from flink_jobs.simulator.golden import golden_transactions
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

SLIDE_MS = 60_000
BOUND_MS = 30_000
OVERLAPS = (1, 5, 60, 300)
MOST_FOR_BUCKETS = 60
"""At 300 windows an event the textbook takes minutes."""


def measure() -> Iterator[Figure]:
    """Measure the engine against decoding alone, and against one accumulator per window."""
    collect_rarely()  # as the processor does
    golden = list(golden_transactions())
    events = [(tx.event_time, tx.card_id, tx.amount_cents) for tx in golden]
    payloads = [msgspec.json.encode(tx) for tx in golden]
    decoder = msgspec.json.Decoder(type(golden[0]))
    decoding = take_turns(
        {"decode": lambda: [decoder.decode(payload) for payload in payloads] and None}
    )
    base = len(payloads) / decoding["decode"].cpu_s
    yield Figure("core", "decode only (msgspec)", base, "events/CPU-s", 1, "itself")
    yield _against_buckets("golden log, 5 min / 1 min", events, 5, ">= 500,000")
    for overlap in OVERLAPS:
        goal = ">= 100,000" if overlap == 300 else ""
        yield _against_buckets(f"10 h, overlap {overlap}", _steady(), overlap, goal)


def _against_buckets(name: str, events: list[Event], overlap: int, goal: str) -> Figure:
    contestants = {"panes": partial(_panes, events, overlap)}
    if overlap <= MOST_FOR_BUCKETS:
        contestants["buckets"] = partial(_buckets, events, overlap)
    times = take_turns(contestants)
    rate = len(events) / times["panes"].cpu_s
    if "buckets" not in times:
        return Figure("core", name, rate, "events/CPU-s", 1, "itself", goal)
    ratio = times["buckets"].cpu_s / times["panes"].cpu_s
    return Figure("core", name, rate, "events/CPU-s", ratio, "one bucket per window", goal)


def _panes(events: list[Event], overlap: int) -> int:
    clock = BoundedOutOfOrderness(BOUND_MS)
    windows = SlidingWindows(overlap * SLIDE_MS, SLIDE_MS)
    operator = SlidingOperator(windows, CountSumMax(), clock)
    for offset, (event_ms, key, amount) in enumerate(events):
        operator.on_event(key, event_ms, amount, offset)
        if clock.observe(event_ms) and clock.watermark_ms >= operator.next_ms:
            operator.on_watermark()
    fired = operator.take()
    return hash(
        frozenset(
            (f.key, f.start_ms, f.result.count, f.result.total, f.result.largest) for f in fired
        )
    )


def _buckets(events: list[Event], overlap: int) -> int:
    return hash(frozenset(buckets.windows(events, overlap * SLIDE_MS, SLIDE_MS, BOUND_MS)))


def _steady() -> list[Event]:
    """Return ten hours of 200 keys: as many rows a slide at every overlap, so cost compares."""
    draw = random.Random(11)
    times = sorted(draw.randrange(36_000_000) for _ in range(400_000))
    return [(at, f"card_{draw.randrange(200):05d}", draw.randrange(10_000)) for at in times]
