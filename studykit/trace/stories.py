"""Small streams to think with: the story of ten events, a silent partition, two visits."""

from __future__ import annotations

from typing import Final

from studykit.trace.steps import Event, Policy

BOUND_MS: Final = 4_000
SIZE_MS: Final = 10_000
LATENESS_MS: Final = 3_000

STORY: Final = tuple(
    Event(event_s * 1_000, arrival_s * 1_000, key, value)
    for event_s, arrival_s, key, value in (
        (2, 3, "a", 5),
        (5, 6, "b", 9),
        (8, 9, "a", 3),
        (3, 11, "a", 4),  # behind the watermark, and on time: its window is open
        (11, 12, "b", 7),
        (14, 15, "a", 8),
        (9, 17, "b", 1),  # late, and kept
        (17, 18, "a", 3),
        (12, 21, "a", 8),  # behind the watermark, and on time
        (6, 23, "b", 2),  # too late
    )
)
"""Ten events, in the order of their arrival, which lessons, labs, figures and tests share.

Under `STORY_POLICY` 8 are on time, 1 corrects a result, and 1 is dropped.
"""

STORY_TIMES_MS: Final = [event.event_ms for event in STORY]
STORY_POLICY: Final = Policy(bound_ms=BOUND_MS, lateness_ms=LATENESS_MS, size_ms=SIZE_MS)

SILENT_PARTITION: Final = tuple(
    Event(event_ms=event_s * 1_000, arrival_ms=arrival_s * 1_000, key=key, source=source)
    for event_s, arrival_s, key, source in (
        (3, 4, "a", "p0"),
        (4, 5, "b", "p1"),
        (5, 6, "c", "p2"),
        (7, 8, "a", "p0"),
        (8, 9, "b", "p1"),
        (9, 10, "c", "p2"),
        (10, 11, "a", "p0"),
        (11, 12, "b", "p1"),
        (12, 13, "c", "p2"),  # the last word of p2 for a long time
        (14, 15, "a", "p0"),
        (15, 16, "b", "p1"),
        (18, 19, "a", "p0"),
        (19, 20, "b", "p1"),
        (22, 23, "a", "p0"),
        (23, 24, "b", "p1"),
        (8, 25, "c", "p2"),  # it speaks again, of long ago
    )
)
"""Three partitions. `p2` is silent from 13 s on, and at 25 s sends an event of 8 s."""

TWO_VISITS: Final = tuple(
    Event(event_ms=event_s * 1_000, arrival_ms=arrival_s * 1_000, key="a")
    for event_s, arrival_s in ((1, 2), (3, 4), (4, 5), (11, 12), (13, 14), (7, 15))
)
"""Two visits of one user; the last event lies between them, and joins them if the gap is 4 s."""
