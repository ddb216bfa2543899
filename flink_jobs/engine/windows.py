"""Windows: which spans of event time an event belongs to, and when a span is complete.

A window is half-open, `[start, end)`: an event at `end` belongs to the next window. The last
millisecond inside is `end - 1`, so a window fires as soon as the watermark reaches `end - 1`. The
rules are those of Apache Flink (`TimeWindow`, `SlidingEventTimeWindows`, `EventTimeSessionWindows`,
`WindowOperator.isWindowLate`). All times are epoch milliseconds of event time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Half-open span of event time, epoch milliseconds: start inside, end outside.

    Windows are ordered by start, then by end.
    """

    start_ms: int
    end_ms: int

    @property
    def last_ms(self) -> int:
        """Last millisecond inside the window, at which the window fires."""
        return self.end_ms - 1


def is_closed(end_ms: int, watermark_ms: int) -> bool:
    """Return whether a window that ends at `end_ms`, exclusively, is complete and has fired.

    >>> is_closed(10_000, watermark_ms=9_998), is_closed(10_000, watermark_ms=9_999)
    (False, True)
    """
    return watermark_ms >= end_ms - 1


def is_purged(end_ms: int, watermark_ms: int, lateness_ms: int) -> bool:
    """Return whether a window takes no more events: it has fired and its lateness is over.

    An event whose windows are all purged is late. The boundary is closed: at a watermark of exactly
    `end - 1 + lateness` the window is gone.

    >>> is_purged(10_000, watermark_ms=12_998, lateness_ms=3_000)
    False
    >>> is_purged(10_000, watermark_ms=12_999, lateness_ms=3_000)
    True
    """
    return watermark_ms >= end_ms - 1 + lateness_ms


@dataclass(frozen=True, slots=True)
class SlidingWindows:
    """Windows of `size_ms` that start every `slide_ms`; tumbling where the two are equal.

    Every start is a multiple of the slide since the epoch, shifted by `offset_ms`. Windows that
    overlap share *panes*: the stretches of one slide that lie in the same windows. Flink's
    DataStream API also allows a slide that does not divide the size; such windows have no panes of
    one slide.

    Raises:
        ValueError: Size or slide is not positive, or the slide does not divide the size.

    >>> SlidingWindows(300_000, 60_000).pane_start(-1)
    -60000
    >>> [w.start_ms for w in SlidingWindows(10_000, 5_000).assign(12_000)]
    [5000, 10000]
    """

    size_ms: int
    slide_ms: int
    offset_ms: int = 0

    def __post_init__(self) -> None:
        if self.slide_ms <= 0 or self.size_ms <= 0:
            raise ValueError(f"size {self.size_ms} and slide {self.slide_ms} must be positive")
        if self.size_ms % self.slide_ms:
            raise ValueError(
                f"slide {self.slide_ms} ms does not divide size {self.size_ms} ms: choose a slide "
                "that fits a whole number of times"
            )

    @classmethod
    def tumbling(cls, size_ms: int, offset_ms: int = 0) -> SlidingWindows:
        """Return windows that follow each other without overlap: every event is in one of them."""
        return cls(size_ms, size_ms, offset_ms)

    @property
    def overlap(self) -> int:
        """How many windows each event is in: size / slide."""
        return self.size_ms // self.slide_ms

    def pane_start(self, event_ms: int) -> int:
        """Return the start of the pane that holds `event_ms`: the last window start at or before.

        The division floors, so that the rule also holds before 1970. Python's `%` floors; that of
        Java and C truncates, and `-1 % 60_000` would be -1 there.
        """
        return event_ms - (event_ms - self.offset_ms) % self.slide_ms

    def assign(self, event_ms: int) -> list[Window]:
        """Return the windows that hold `event_ms`, earliest first: `overlap` of them."""
        last = self.pane_start(event_ms)
        first = last + self.slide_ms - self.size_ms
        return [
            Window(start, start + self.size_ms) for start in range(first, last + 1, self.slide_ms)
        ]


@dataclass(frozen=True, slots=True)
class SessionWindows:
    """Windows that end once a key has been silent for `gap_ms`.

    An event opens `[event, event + gap)`. Windows of a key that overlap *or touch* merge, as in
    Flink: an event exactly one gap later joins the session. Beam begins a new session there.

    Raises:
        ValueError: The gap is not positive.
    """

    gap_ms: int

    def __post_init__(self) -> None:
        if self.gap_ms <= 0:
            raise ValueError(f"gap {self.gap_ms} ms must be positive")
