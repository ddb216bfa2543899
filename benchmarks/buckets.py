"""The textbook implementation: one accumulator per window and key, K updates an event.

It follows the same rules without lateness, and is what the engine is measured against.
"""

from __future__ import annotations

from collections.abc import Iterable

Event = tuple[int, str, int]
"""Event time in epoch milliseconds, key, amount."""

Row = tuple[str, int, int, int, int]
"""Key, window start, count, sum, maximum."""


def windows(events: Iterable[Event], size_ms: int, slide_ms: int, bound_ms: int) -> list[Row]:
    """Return every window that the watermark completes; no event may be late."""
    buckets: dict[int, dict[str, list[int]]] = {}
    rows: list[Row] = []
    watermark = -(2**63)
    for event_ms, key, amount in events:
        last = event_ms - event_ms % slide_ms
        for start in range(last, event_ms - size_ms, -slide_ms):
            bucket = buckets.setdefault(start, {})
            acc = bucket.get(key)
            if acc is None:
                bucket[key] = [1, amount, amount]
            else:
                acc[0] += 1
                acc[1] += amount
                if amount > acc[2]:
                    acc[2] = amount
        if event_ms - bound_ms - 1 > watermark:
            watermark = event_ms - bound_ms - 1
            while buckets and (first := min(buckets)) + size_ms - 1 <= watermark:
                rows += [
                    (key, first, count, total, largest)
                    for key, (count, total, largest) in buckets.pop(first).items()
                ]
    return rows
