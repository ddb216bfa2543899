"""Watermarks: how far event time has come.

A watermark W says: no event at or before W is expected any more. It is computed from the event
times seen, and from nothing else: no clock on the wall, no count of records.

The rules are those of Apache Flink (`BoundedOutOfOrdernessWatermarks` and
`WatermarkOutputMultiplexer`, where the partitions of a source meet).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MIN_WATERMARK: Final = -(2**63)
"""The watermark before anything is known; Flink's `Long.MIN_VALUE`."""

MAX_WATERMARK: Final = 2**63 - 1
"""The watermark at the end of a bounded stream: nothing more will come."""


def bounded_watermark(max_seen_ms: int, bound_ms: int) -> int:
    """Return the watermark once `max_seen_ms` has been seen.

    Args:
        max_seen_ms: Largest event time so far, epoch milliseconds.
        bound_ms: Longest disorder waited for, milliseconds, not negative.

    Returns:
        Epoch milliseconds. No event at or before it is expected: an event that is exactly
        `bound_ms` old is still on time.

    >>> bounded_watermark(14_000, bound_ms=4_000)
    9999
    """
    return max_seen_ms - bound_ms - 1


class BoundedOutOfOrderness:
    """The watermark generator of one input whose disorder is at most `bound_ms`.

    Judge an event with the watermark as it stands, then let the event advance it.

    >>> clock = BoundedOutOfOrderness(bound_ms=4_000)
    >>> clock.observe(14_000), clock.watermark_ms
    (True, 9999)
    >>> clock.observe(9_000), clock.watermark_ms
    (False, 9999)
    """

    __slots__ = ("bound_ms", "max_seen_ms", "watermark_ms")

    def __init__(self, bound_ms: int, max_seen_ms: int | None = None) -> None:
        """Start a generator.

        Args:
            bound_ms: Longest disorder waited for, milliseconds, not negative.
            max_seen_ms: Largest event time seen before, when a stream is resumed.
        """
        if bound_ms < 0:
            raise ValueError(f"bound_ms={bound_ms} is negative: a bound is at least 0 ms")
        self.bound_ms = bound_ms
        self.max_seen_ms = max_seen_ms
        self.watermark_ms = MIN_WATERMARK
        if max_seen_ms is not None:
            self.watermark_ms = bounded_watermark(max_seen_ms, bound_ms)

    def observe(self, event_ms: int) -> bool:
        """Let an event at `event_ms` advance the watermark; return whether it did."""
        watermark_ms = event_ms - self.bound_ms - 1
        if watermark_ms <= self.watermark_ms:
            return False
        self.max_seen_ms = event_ms
        self.watermark_ms = watermark_ms
        return True

    def finish(self) -> None:
        """End the stream: a bounded input has nothing more to come."""
        self.watermark_ms = MAX_WATERMARK


class WatermarkCombiner:
    """The watermark of an operator with several inputs: the minimum over those not idle.

    An input that has never reported holds the result at `MIN_WATERMARK`. The result never goes
    back: an idle input that wakes rejoins the minimum, and its old events may be late. While
    all inputs are idle the result is the largest watermark that any of them reached.

    >>> merged = WatermarkCombiner(["p0", "p1"])
    >>> merged.advance("p0", 13_999)
    -9223372036854775808
    >>> merged.advance("p1", 7_999)
    7999
    >>> merged.mark_idle("p1")
    13999
    """

    def __init__(self, inputs: Iterable[str]) -> None:
        """Combine `inputs`, each known by its name."""
        self._watermarks = dict.fromkeys(inputs, MIN_WATERMARK)
        if not self._watermarks:
            raise ValueError("no inputs: a watermark is combined from at least one")
        self._idle: set[str] = set()
        self.watermark_ms = MIN_WATERMARK

    def advance(self, source: str, watermark_ms: int) -> int:
        """Report the watermark of one input, which thereby is not idle; return the result."""
        self._watermarks[source] = max(self._watermarks[source], watermark_ms)
        self._idle.discard(source)
        return self._combine()

    def mark_idle(self, source: str, lag: int = 0) -> int:
        """Leave `source` out of the minimum until it reports again; return the result.

        Args:
            source: The input that has been silent.
            lag: How many of its records nobody has read yet. With any it is not idle, only slow,
                and stays in: what it still holds would come late.
        """
        if source not in self._watermarks:
            raise KeyError(source)
        if lag == 0:
            self._idle.add(source)
        return self._combine()

    def _combine(self) -> int:
        active = [self._watermarks[name] for name in self._watermarks if name not in self._idle]
        combined = min(active) if active else max(self._watermarks.values())
        self.watermark_ms = max(self.watermark_ms, combined)
        return self.watermark_ms
