"""Logs that attack a job: few keys, times on boundaries, a restart at the worst moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from studykit.trace.steps import Event, Policy

KEYS: Final = ("a", "b")
LONGEST: Final = 24
"""Events in the longest log that is drawn: longer ones find no more and take longer to shrink."""
_WINDOWS: Final = 4
_APART_MS: Final = 3_000
"""Between two arrivals of a log that is shown: nearer ones would write over each other's names."""


class Log(Struct, frozen=True):
    """A stream in the order of its arrival.

    Attributes:
        events: Event times in milliseconds; event `n` arrives in second `n`.
        restart: How many events the job has taken when it stops with a snapshot and goes on from
            it in a new process; None where it is left alone.
    """

    events: tuple[Event, ...]
    restart: int | None = None

    def __str__(self) -> str:
        """Return the events as marbles without the dashes: `a13.999 a9=2`, `|` for the restart."""
        words = [_word(event) for event in self.events]
        if self.restart is not None:
            words.insert(self.restart, "|")
        return " ".join(words)


def delivered(log: Log) -> tuple[Event, ...]:
    """Return the events with arrival times at which no event arrives before it has happened."""
    newest_ms = accumulate((event.event_ms for event in log.events), max)
    return tuple(
        replace(event, arrival_ms=latest + number * _APART_MS)
        for number, (event, latest) in enumerate(zip(log.events, newest_ms, strict=True), start=1)
    )


def draw(rng: Random, policy: Policy, *, restarts: bool) -> Log:
    """Draw a log of 1 to `LONGEST` events.

    Args:
        rng: The source of all choices; the same state gives the same log.
        policy: The policy on whose boundaries the event times lie.
        restarts: Whether the job can be restarted; half of the logs then restart it.
    """
    times = _boundaries(policy)
    count = rng.randint(1, LONGEST)
    events = tuple(
        Event(rng.choice(times), number * 1_000, rng.choice(KEYS), rng.randint(1, 9))
        for number in range(1, count + 1)
    )
    restart = rng.randint(1, count) if restarts and rng.random() < 0.5 else None
    return Log(events, restart)


def smaller(log: Log, policy: Policy) -> Iterator[Log]:
    """Yield logs that are simpler than `log` in one respect, the simplest first.

    Whole stretches of events go first, halves before single events; then the restart; then all
    events move towards 0 together; then keys, values and times become plainer one by one.
    """
    length = len(log.events)
    size = length // 2
    while size:
        for start in range(0, length, size):
            yield _without(log, start, min(start + size, length))
        size //= 2
    if log.restart is not None:
        yield replace(log, restart=None)
        if log.restart < length:
            yield replace(log, restart=log.restart + 1)
    if (steps := min(event.event_ms for event in log.events) // policy.step_ms) > 0:
        yield replace(log, events=tuple(_earlier(log.events, steps * policy.step_ms)))
    for place, event in enumerate(log.events):
        for plain in _plainer(event, policy):
            events = (*log.events[:place], plain, *log.events[place + 1 :])
            yield replace(log, events=events)


def _boundaries(policy: Policy) -> list[int]:
    """Return times that decide: around window ends, and around what moves the watermark there."""
    ends = range(policy.step_ms, (_WINDOWS + 1) * policy.step_ms, policy.step_ms)
    steps = (0, policy.bound_ms, policy.bound_ms + policy.lateness_ms)
    edges = {end + step + around for end in ends for step in steps for around in (-2, -1, 0, 1)}
    middles = {end - policy.step_ms // 2 for end in ends}
    return sorted(edges | middles)


def _without(log: Log, start: int, end: int) -> Log:
    events = log.events[:start] + log.events[end:]
    events = tuple(
        replace(event, arrival_ms=number * 1_000) for number, event in enumerate(events, start=1)
    )
    if log.restart is None:
        return Log(events)
    gone_before = min(end, log.restart) - min(start, log.restart)
    return Log(events, log.restart - gone_before)


def _earlier(events: Iterable[Event], by_ms: int) -> Iterator[Event]:
    return (replace(event, event_ms=event.event_ms - by_ms) for event in events)


def _plainer(event: Event, policy: Policy) -> Iterator[Event]:
    if event.key != KEYS[0]:
        yield replace(event, key=KEYS[0])
    if event.value != 1:
        yield replace(event, value=1)
    for event_ms in (0, event.event_ms // 1_000 * 1_000, event.event_ms - policy.step_ms):
        if 0 <= event_ms < event.event_ms:
            yield replace(event, event_ms=event_ms)


def _word(event: Event) -> str:
    seconds = f"{event.event_ms / 1_000:.3f}".rstrip("0").rstrip(".")
    value = "" if event.value == 1 else f"={event.value}"
    return f"{event.key}{seconds}{value}"
