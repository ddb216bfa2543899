"""The ten events that every small example uses, in the order of their arrival.

Labs import the story from here, because this module loads nothing else. `stories` has the same
events as a stream for the engine.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Reading(NamedTuple):
    """One reading of a sensor: its place in the order of arrival, from 1, and its times in ms."""

    number: int
    event_ms: int
    arrival_ms: int
    key: str
    value: int


STORY: Final = tuple(
    Reading(number, event_s * 1_000, arrival_s * 1_000, key, value)
    for number, (event_s, arrival_s, key, value) in enumerate(
        [
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
        ],
        start=1,
    )
)

TIMES: Final = [event.event_ms for event in STORY]
"""The story's event times, milliseconds."""

BOUND_MS: Final = 4_000
SIZE_MS: Final = 10_000
LATENESS_MS: Final = 3_000
