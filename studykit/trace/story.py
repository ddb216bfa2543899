"""The ten events with their numbers, for copies of labs that were made when labs imported these.

Nothing else in the house uses this module: `studykit.trace.stories` has the story. An event of the
engine has no number, and those copies print `event.number`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from studykit.trace import stories
from studykit.trace.stories import BOUND_MS, LATENESS_MS, SIZE_MS
from studykit.trace.stories import STORY_TIMES_MS as TIMES

__all__ = ["BOUND_MS", "LATENESS_MS", "SIZE_MS", "STORY", "TIMES", "NumberedEvent"]


class NumberedEvent(NamedTuple):
    """An event with its place in the order of arrival, from 1; its times are milliseconds."""

    number: int
    event_ms: int
    arrival_ms: int
    key: str
    value: int


STORY: Final = tuple(
    NumberedEvent(number, event.event_ms, event.arrival_ms, event.key, event.value)
    for number, event in enumerate(stories.STORY, start=1)
)
