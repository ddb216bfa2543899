"""Watermarks: how far event time has come.

A watermark W says: no event at or before W is expected any more. A watermark is computed from the
event times seen and from nothing else: neither a clock on the wall nor a count of records decides,
so that the same log gives the same watermarks however fast it is read. All times are epoch
milliseconds of event time.

The rules are those of Apache Flink: `BoundedOutOfOrdernessWatermarks` for one input, and
`WatermarkOutputMultiplexer` where the partitions of a source meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MIN_WATERMARK: Final = -(2**63)
"""The watermark before the first event: Flink's `Long.MIN_VALUE`."""

MAX_WATERMARK: Final = 2**63 - 1
"""The watermark at the end of a bounded stream, at which every window fires: `Long.MAX_VALUE`."""


def bounded_watermark(max_seen_ms: int, bound_ms: int) -> int:
    """Return the watermark once `max_seen_ms` has been seen: `max_seen_ms - bound_ms - 1`.

    The last millisecond makes an event that is exactly `bound_ms` old on time, since the watermark
    itself is a time at which no event is expected any more. Flink's generator in Java takes the
    millisecond off, too; a `WATERMARK FOR` in Flink SQL takes off only what is written there.

    After 14.000 s, with a bound of 4 s, an event at 10.000 s is on time and one at 9.999 s is not:

    >>> bounded_watermark(14_000, bound_ms=4_000)
    9999

    Args:
        max_seen_ms: Largest event time so far, epoch milliseconds.
        bound_ms: Longest disorder waited for, milliseconds, not negative.
    """
    return max_seen_ms - bound_ms - 1


class BoundedOutOfOrderness:
    """The watermark generator of one input whose disorder is at most `bound_ms`.

    Judge an event by the watermark as it stands, and only then let the event advance the watermark.
    An event out of order leaves the watermark where it was: a watermark never goes back.

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
            bound_ms: Longest disorder waited for, milliseconds.
            max_seen_ms: Largest event time that a predecessor has seen; None at the beginning.

        Raises:
            ValueError: The bound is negative.
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
        watermark_ms = event_ms - self.bound_ms - 1  # written out: a call for every event is slow
        if watermark_ms <= self.watermark_ms:
            return False
        self.max_seen_ms = event_ms
        self.watermark_ms = watermark_ms
        return True

    def finish(self) -> None:
        """End a bounded stream: the watermark goes to its largest value, `MAX_WATERMARK`.

        Only the end of an input may do this. At a stop, open windows would fire before they are
        complete, and once more after the restart.
        """
        self.watermark_ms = MAX_WATERMARK


class WatermarkCombiner:
    """The watermark of an operator with several inputs: the minimum over the inputs not idle.

    An input that has never reported holds the result at `MIN_WATERMARK`. The result never goes
    back: an idle input that wakes rejoins the minimum, and its old events may be late. While
    all inputs are idle the result is the largest watermark that any of them reached, in whatever
    order they fell idle (FLINK-38454).

    >>> merged = WatermarkCombiner(["p0", "p1"])
    >>> merged.advance("p0", 13_999)
    -9223372036854775808
    >>> merged.advance("p1", 7_999)
    7999
    >>> merged.mark_idle("p1")
    13999
    """

    def __init__(self, inputs: Iterable[str]) -> None:
        """Combine `inputs`, each known by its name.

        Raises:
            ValueError: There are none.
        """
        self._watermarks = dict.fromkeys(inputs, MIN_WATERMARK)
        if not self._watermarks:
            raise ValueError("no inputs: a watermark is combined from at least one")
        self._idle: set[str] = set()
        self.watermark_ms = MIN_WATERMARK

    def advance(self, source: str, watermark_ms: int) -> int:
        """Report the watermark of one input, which ends its idleness; return the result.

        Raises:
            KeyError: No input has the name `source`.
        """
        self._watermarks[source] = max(self._watermarks[source], watermark_ms)
        self._idle.discard(source)
        return self._combine()

    def mark_idle(self, source: str, lag: int = 0) -> int:
        """Leave `source` out of the minimum until it reports again; return the result.

        Args:
            source: The input that has been silent.
            lag: How many of its records nobody has read yet. An input with unread records is slow
                and not idle. It stays in the minimum: its records would else come late.

        Raises:
            KeyError: No input has the name `source`.
        """
        if source not in self._watermarks:
            raise KeyError(source)
        if lag == 0:
            self._idle.add(source)
        return self._combine()

    def _combine(self) -> int:
        active = [self._watermarks[name] for name in self._watermarks if name not in self._idle]
        combined = min(active) if active else max(self._watermarks.values())
        # An input that wakes may be far behind. A watermark that went back would take a promise
        # back.
        self.watermark_ms = max(self.watermark_ms, combined)
        return self.watermark_ms
