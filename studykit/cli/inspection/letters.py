"""`study letters`: what is in the dead-letter topic, and what may go back."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from flink_jobs.config import Settings
from flink_jobs.inspection.letters import Letter, Selection, counts, read_letters
from flink_jobs.inspection.redelivery import Fate, decide, send_back
from studykit.cli.inspection.why import clock, parse_time, plain_table, watch_reading
from studykit.errors import StudyError
from studykit.services.addresses import Addresses
from studykit.workspace import Workspace

REASONS: Final = ("late", "partial_late", "malformed", "future_timestamp", "unstored")

_FATES: Final[Mapping[Fate, str]] = {
    "send": "go back to their topic",
    "store": "go into the store, which refuses what is not newer",
    "sent_before": "were sent back before",
    "late_again": "would be late again: a watermark does not go back",
    "may_be_counted": "are counted in other windows",
    "still_malformed": "are still no valid events",
    "still_ahead": "are still too far ahead of the clock",
    "is_a_replay": "are themselves replays: one is enough",
    "is_cut": "are cut: the letter does not hold the whole original",
    "other_record": "are of another record: the topic was created anew",
    "cannot_know": "may have been sent before: that part of the topic is deleted",
}


def letters(
    selection: Selection,
    *,
    workspace: Workspace,
    last: int,
    as_json: bool,
    console: Console,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Show how many letters there are of each kind, and the last ones; or all of them as JSON."""
    found = read_letters(_settings(workspace, environ), selection, watch_reading())
    if as_json:
        for letter in found:
            sys.stdout.write(letter.line().decode() + "\n")
        return
    newest: list[Letter] = []
    numbers = counts(_noted(found, newest, last))
    table = plain_table("letters", "reason", "topic", "feature set")
    for (reason, topic, name), count in numbers.items():
        table.add_row(f"{count:,}", reason, topic, name)
    console.print(table if numbers else "No such dead letter.")
    if newest:
        console.print()
        console.print(_listed(newest))


def replay(
    selection: Selection,
    *,
    workspace: Workspace,
    send: bool,
    console: Console,
    environ: Mapping[str, str] = os.environ,
) -> Counter[Fate]:
    """Show what may go back, and with `send` send it; return how many letters have which fate."""
    settings = _settings(workspace, environ)
    found = list(read_letters(settings, selection, watch_reading()))
    act = send_back if send else decide
    fates = Counter(decision.fate for decision in act(settings, found, watch_reading()))
    for fate, count in fates.most_common():
        console.print(f"{count:,} {_FATES[fate]}", highlight=False)
    going = fates["send"] + fates["store"]
    if not found:
        console.print("No such dead letter.")
    elif send:
        console.print(f"{going:,} sent back.", highlight=False)
    elif going:
        console.print("Nothing was sent: --send does it.")
    return fates


def selected(
    reasons: Sequence[str] | None,
    topics: Sequence[str] | None,
    since: str | None,
    until: str | None,
) -> Selection:
    """Return what the words of a command select.

    Raises:
        StudyError: No letter has such a reason, or a time cannot be read.
    """
    for reason in reasons or ():
        if reason not in REASONS:
            raise StudyError(f"no letter has the reason {reason!r}: choose {', '.join(REASONS)}")
    return Selection(
        reasons=tuple(reasons or ()),
        topics=tuple(topics or ()),
        since=None if since is None else parse_time(since),
        until=None if until is None else parse_time(until),
    )


def _settings(workspace: Workspace, environ: Mapping[str, str]) -> Settings:
    addresses = Addresses.find(workspace, environ)
    return Settings.load({**environ, **addresses.environment()})


def _noted(found: Iterator[Letter], newest: list[Letter], last: int) -> Iterator[Letter]:
    """Pass letters on, and keep the last ones in `newest`."""
    for letter in found:
        if last:
            newest.append(letter)
            newest.sort(key=lambda letter: letter.written)
            del newest[:-last]
        yield letter


def _listed(newest: list[Letter]) -> Table:
    table = plain_table("written", "letter", "reason", "event time", "late by ms", "cause")
    for letter in newest:
        late = "" if letter.late_by_ms is None else str(letter.late_by_ms)
        table.add_row(
            clock(letter.written),
            letter.identity,
            letter.reason,
            clock(letter.event_time),
            late,
            letter.cause or "",
        )
    return table
