"""A stream as a line of text, for tests, exercises and the marbles widget.

A dash is one second of processing time. A letter is an event of that key, and the number after it
is its event time in seconds; `=` gives it a value, which is 1 otherwise. Spaces mean nothing.

>>> [event.arrival_ms for event in parse("---a2---b5=9")]
[3000, 6000]
>>> render(parse("--- a2 --- b5=9"))
'---a2---b5=9'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from studykit.trace.steps import Event, Trace
from studykit.trace.words import span

_TOKEN: Final = re.compile(r"-|([a-z])(\d+)(?:=(\d+))?|\s+")


class MarbleError(ValueError):
    """A line that is no stream. The text is one sentence: the place, and the right form."""


def parse(line: str) -> tuple[Event, ...]:
    """Return the events of a line, in order of arrival; a column is a second of processing time.

    Raises:
        MarbleError: Something in the line is neither a dash nor an event.
    """
    events = []
    now_s = place = 0
    while place < len(line):
        token = _TOKEN.match(line, place)
        if token is None:
            raise MarbleError(
                f"{line[place : place + 5]!r} at column {place + 1} is neither a second (-) nor an "
                "event: write an event as a2 or a2=5"
            )
        key, event_s, value = token.groups()
        now_s += token[0] == "-"
        if key:
            events.append(Event(int(event_s) * 1_000, now_s * 1_000, key, int(value or 1)))
        place = token.end()
    return tuple(events)


def render(events: Iterable[Event]) -> str:
    """Return the line of some events: `parse` gives the same events again, if all are of `p0`.

    Raises:
        MarbleError: An event does not fit into the form.
    """
    return _line(_came(events))


def outcome(trace: Trace) -> str:
    """Return what became of a stream, on the same scale as the line of its events.

    A window stands where it fires, with its total. A dropped event stands as `x` and its time.

    >>> from studykit.trace.stories import STORY, STORY_POLICY
    >>> from studykit.trace.simulate import simulate
    >>> outcome(simulate(STORY, STORY_POLICY))
    '---------------[0,10)=21--[0,10)=22------x6'
    """
    return _line(_went(trace))


def aligned(trace: Trace) -> tuple[str, str]:
    r"""Return both lines of a stream, padded so that what happens together stands together.

    >>> from studykit.trace.simulate import simulate
    >>> print(*aligned(simulate(parse("a1--a14--a2"))), sep="\n")
    a1 --a14      --a2
       --[0,10)=1 --x2

    Raises:
        MarbleError: An event has a fraction of a second, a negative number or a long key.
    """
    came, went = _came(trace.events), _went(trace)
    lines = ["", ""]
    for now_s in range(max([*came, *went], default=-1) + 1):
        dash = "-" if now_s else ""
        cells = [f"{dash}{told.get(now_s, '')}" for told in (came, went)]
        wide = max(map(len, cells)) + (1 if max(map(len, cells)) > 1 else 0)
        lines = [line + cell.ljust(wide) for line, cell in zip(lines, cells, strict=True)]
    return lines[0].rstrip(), lines[1].rstrip()


def _came(events: Iterable[Event]) -> dict[int, str]:
    """Return the events of each second, as they are written."""
    came: dict[int, str] = {}
    for event in sorted(events, key=lambda event: event.arrival_ms):
        _check(event)
        arrival_s = event.arrival_ms // 1_000
        value = "" if event.value == 1 else f"={event.value}"
        written = f"{event.key}{event.event_ms // 1_000}{value}"
        came[arrival_s] = came.get(arrival_s, "") + written
    return came


def _went(trace: Trace) -> dict[int, str]:
    """Return the firings and the dropped events of each second, as they are written."""
    went: dict[int, list[str]] = {}
    for step in trace.steps:
        words = [
            f"{f'{change.key}:' if trace.policy.keyed else ''}"
            f"{span(change.start_ms, change.end_ms)}={change.total}"
            for change in step.changes
            if change.kind in ("fired", "re-fired")
        ]
        if step.verdict == "dropped" and step.event:
            words.append(f"x{step.event.event_ms // 1_000}")
        if words:
            went.setdefault(step.now_ms // 1_000, []).extend(words)
    return {now_s: " ".join(words) for now_s, words in went.items()}


def _line(told: dict[int, str]) -> str:
    """Return what is told in each second on one line, a dash for each second before it."""
    line, now_s = "", 0
    for at_s, words in sorted(told.items()):
        line += "-" * (at_s - now_s) + words
        now_s = at_s
    return line


def _check(event: Event) -> None:
    """Refuse what a line cannot say."""
    whole = event.arrival_ms % 1_000 == 0 and event.event_ms % 1_000 == 0
    if not whole or min(event.event_ms, event.arrival_ms, event.value) < 0:
        raise MarbleError(f"{event} does not fit: times are whole seconds, nothing is negative")
    if not re.fullmatch(r"[a-z]", event.key):
        raise MarbleError(f"the key {event.key!r} does not fit: a key is one letter from a to z")
