"""Small streams to think with: the story of ten events, a silent partition, two visits."""

from __future__ import annotations

from typing import Final

from studykit.trace import story
from studykit.trace.steps import Event, Policy

STORY: Final = tuple(
    Event(event.event_ms, event.arrival_ms, event.key, event.value) for event in story.STORY
)
"""Ten events. Under `STORY_POLICY` 8 are on time, 1 corrects a result, and 1 is dropped."""

STORY_POLICY: Final = Policy(
    bound_ms=story.BOUND_MS, lateness_ms=story.LATENESS_MS, size_ms=story.SIZE_MS
)

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
