"""A slow, obvious second opinion on the rules of event time.

Everything here is written from the rules, not from the engine, and imports nothing of it: plain
lists, searched again for every event. What the engine computes with panes, stacks and heaps must
come out the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

BEGINNING = float("-inf")
END = float("inf")


@dataclass(frozen=True)
class Item:
    """One event of a partition's log. `time` in milliseconds."""

    offset: int
    key: str
    time: int
    value: int = 0


@dataclass(frozen=True)
class Emission:
    """A window [start, end) of a key, in the `revision`-th edition. `items` in event-time order."""

    end: int
    start: int
    key: str
    revision: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Step:
    """What one event met: the watermark before it, its verdict, and what was emitted after it.

    `kept` and `missed` are window starts, ascending. Of a session, `kept` is the start of the
    session that the event joined and `missed` the start of the one that it came too late for.
    """

    item: Item
    watermark: float
    kept: tuple[int, ...]
    missed: tuple[int, ...]
    emitted: tuple[Emission, ...]


@dataclass
class Playback:
    """A whole log, played. `tail` is what the end of a bounded stream emits."""

    steps: list[Step] = field(default_factory=list)
    tail: tuple[Emission, ...] = ()

    @property
    def emissions(self) -> list[Emission]:
        """Every emission, in order."""
        return [e for step in self.steps for e in step.emitted] + list(self.tail)


def watermarks(times: Sequence[int], bound: int) -> list[float]:
    """Return the watermark that each event meets, and last the one that the next would meet."""
    return [BEGINNING, *(largest - bound - 1 for largest in accumulate(times, max))]


def window_starts(time: int, *, size: int, slide: int, offset: int = 0) -> tuple[int, ...]:
    """Return the starts of all windows [start, start + size) that hold `time`, ascending."""
    around = range((time - size - offset) // slide - 1, (time - offset) // slide + 2)
    starts = (offset + n * slide for n in around)
    return tuple(start for start in starts if start <= time < start + size)


def play_windows(
    items: Sequence[Item],
    *,
    size: int,
    slide: int,
    offset: int = 0,
    bound: int,
    lateness: int = 0,
) -> Playback:
    """Play one partition's log through sliding windows, to its end.

    A window misses an event if `end - 1 + lateness <= watermark`. It is emitted for a key as soon
    as `watermark >= end - 1`, and again for every event that enters it after that.
    """
    played = Playback()
    windows: dict[tuple[int, str], list[Item]] = {}  # by start and key
    silent: set[tuple[int, str]] = set()  # those not emitted yet
    editions: Counter[tuple[int, str]] = Counter()
    clock = watermarks([item.time for item in items], bound)

    def emit(start: int, key: str) -> Emission:
        silent.discard((start, key))
        editions[start, key] += 1
        inside = in_event_time(windows[start, key])
        return Emission(start + size, start, key, editions[start, key] - 1, inside)

    def due(watermark: float) -> tuple[Emission, ...]:
        return tuple(
            emit(*window) for window in sorted(silent) if window[0] + size - 1 <= watermark
        )

    for n, item in enumerate(items):
        starts = window_starts(item.time, size=size, slide=slide, offset=offset)
        missed = tuple(s for s in starts if s + size - 1 + lateness <= clock[n])
        kept = tuple(s for s in starts if s not in missed)
        for start in kept:
            windows.setdefault((start, item.key), []).append(item)
            if not editions[start, item.key]:
                silent.add((start, item.key))
        again = [emit(s, item.key) for s in kept if s + size - 1 <= clock[n]]
        emitted = (*again, *due(clock[n + 1]))
        played.steps.append(Step(item, clock[n], kept, missed, emitted))
    played.tail = due(END)
    return played


@dataclass(frozen=True)
class _Session:
    key: str
    items: tuple[Item, ...]
    gap: int
    editions: int = 0
    fresh: bool = True  # an event has come since the last emission

    @property
    def start(self) -> int:
        return min(item.time for item in self.items)

    @property
    def end(self) -> int:
        return max(item.time for item in self.items) + self.gap

    def emit(self) -> Emission:
        return Emission(self.end, self.start, self.key, self.editions, in_event_time(self.items))


def play_sessions(
    items: Sequence[Item], *, gap: int, bound: int, lateness: int = 0, strict: bool = False
) -> Playback:
    """Play one partition's log through session windows, to its end.

    An event is the session [time, time + gap), and sessions of a key that touch are one. An event
    is late if the session that it ends up in is gone: `end - 1 + lateness <= watermark`. With
    `strict` it is late, whatever it would join, unless `time > watermark + 1`.
    """
    played = Playback()
    live: list[_Session] = []
    clock = watermarks([item.time for item in items], bound)

    def due(watermark: float) -> tuple[Emission, ...]:
        ripe = [s for s in live if s.fresh and s.end - 1 <= watermark]
        for session in ripe:
            live.remove(session)
            live.append(replace(session, editions=session.editions + 1, fresh=False))
        return tuple(sorted((s.emit() for s in ripe), key=lambda e: (e.end, e.start, e.key)))

    for n, item in enumerate(items):
        live = [s for s in live if s.end - 1 + lateness > clock[n]]
        merged, parts = _join(item, live, gap)
        gone = merged.end - 1 + lateness <= clock[n]
        late = item.time <= clock[n] + 1 if strict else gone
        before: tuple[Emission, ...] = ()
        if not late:
            live = [s for s in live if s not in parts] + [merged]
            before = due(clock[n])
        emitted = (*before, *due(clock[n + 1]))
        start = (merged.start,)
        kept, missed = ((), start) if late else (start, ())
        played.steps.append(Step(item, clock[n], kept, missed, emitted))
    played.tail = due(END)
    return played


def _join(item: Item, live: Iterable[_Session], gap: int) -> tuple[_Session, list[_Session]]:
    """Return the session that `item` makes with those of its key that it touches, and those."""
    own = _Session(item.key, (item,), gap)
    touching = [s for s in live if s.key == item.key and s.start <= own.end and own.start <= s.end]
    # Sessions that live side by side are apart, so one round is enough.
    together = tuple(i for s in (*touching, own) for i in s.items)
    editions = max((s.editions for s in touching), default=0)
    return _Session(item.key, together, gap, editions), touching


def in_event_time(items: Iterable[Item]) -> tuple[Item, ...]:
    """Return `items` by event time, equal times in log order."""
    return tuple(sorted(items, key=lambda item: (item.time, item.offset)))
