"""Four partitions whose producers can be muted; a muted one keeps its events until it wakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from studykit.trace.steps import Event

FOUR_PARTITIONS: Final = tuple(
    Event(
        event_ms=second * 1_000,
        arrival_ms=second * 1_000 + 500 + 100 * number,
        key="abcd"[number],
        source=f"p{number}",
    )
    for second in range(1, 40)
    for number in range(4)
    if (second + number) % 3 == 0
)
"""Four partitions, each with an event every three seconds for forty seconds, half a second late."""

MUTED: Final = (12_000, 30_000)
"""The silence of a muted producer: [start, end) in milliseconds of processing time."""


def muted(
    events: Iterable[Event], silences: Mapping[str, tuple[int, int | None]]
) -> tuple[Event, ...]:
    """Return a stream as it arrives if some producers are silent for a while.

    A producer keeps the events of its silence and sends them in a burst at the end of the silence;
    if the silence has no end, they never arrive.

    Args:
        events: The stream without silences.
        silences: The silence [start, end) of each input that has one, in milliseconds of
            processing time; an end of None never comes.
    """
    moved = [_arriving(event, silences.get(event.source)) for event in events]
    return tuple(sorted((event for event in moved if event), key=lambda event: event.arrival_ms))


def _arriving(event: Event, silence: tuple[int, int | None] | None) -> Event | None:
    if silence is None or event.arrival_ms < silence[0]:
        return event
    end_ms = silence[1]
    if end_ms is None:
        return None
    return replace(event, arrival_ms=max(event.arrival_ms, end_ms))
