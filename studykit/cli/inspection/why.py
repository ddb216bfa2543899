"""`study why`: which events made a stored value, as a table for a person or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import read_log
from flink_jobs.events import Record
from flink_jobs.inspection.answer import Answer, ask, ask_file
from flink_jobs.inspection.explanation import Explanation, Why
from flink_jobs.inspection.progress import Watch
from flink_jobs.inspection.trail import KeyRecord
from flink_jobs.utils.watermarks import MAX_WATERMARK
from studykit.errors import StudyError
from studykit.services.addresses import Addresses
from studykit.workspace import Workspace

ROWS: Final = 40
"""How many records of one kind are shown to a person; JSON has them all."""

_WHY: Final[Mapping[Why, str]] = {
    "late": "late: every window of it had closed",
    "partial_late": "partial_late: this window had closed",
    "malformed": "malformed",
    "future_timestamp": "future_timestamp: too far ahead of its append time",
    "other_partition": "in another partition, which is a stream of its own",
    "outside": "outside of the window",
    "after": "came after this revision had fired",
}


def why(
    text: str,
    window_end: str | None,
    *,
    workspace: Workspace,
    log: Path | None,
    as_json: bool,
    console: Console,
    environ: Mapping[str, str] = os.environ,
) -> bool:
    """Explain a value and show it; return False where the stored one differs.

    Raises:
        StudyError: The time of the window cannot be read.
        ForeseenError: The question has no answer, or a service is away.
    """
    end_ms = None if window_end is None else parse_time(window_end)
    if log is not None:
        answer = ask_file(read_log(log), Settings.load(environ), text, end_ms)
    else:
        addresses = Addresses.find(workspace, environ)
        settings = Settings.load({**environ, **addresses.environment()})
        answer = ask(settings, text, end_ms, watch_reading())
    if as_json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        show(answer, console)
    return answer.equal is not False


def parse_time(text: str) -> int:
    """Return epoch milliseconds of a number of them, or of an ISO time, UTC unless it says.

    >>> parse_time("2023-11-14T22:15:00"), parse_time("1700000100000")
    (1700000100000, 1700000100000)

    Raises:
        StudyError: It is neither.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise StudyError(
            f"{text!r} is no time: write epoch milliseconds, or 2026-01-31T12:05:00 (UTC)"
        ) from None
    zoned = parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
    return round(zoned.timestamp() * 1_000)


def clock(epoch_ms: int | None) -> str:
    """Return a time for people: UTC, to the millisecond.

    >>> clock(1_700_000_100_000)
    '2023-11-14 22:15:00.000'
    """
    if epoch_ms is None:
        return ""
    try:
        moment = datetime.fromtimestamp(epoch_ms / 1_000, timezone.utc)
    except (ValueError, OverflowError):  # the end of a bounded log
        return "the end of the log"
    return f"{moment:%Y-%m-%d %H:%M:%S}.{epoch_ms % 1_000:03d}"


def show(answer: Answer, console: Console) -> None:
    """Print an answer as a person reads it."""

    def say(text: str = "", style: str | None = None) -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    found = answer.explanation
    say(
        f"features:{found.feature_set}:{found.key}   window {clock(found.window_start)} to "
        f"{clock(found.window_end)} UTC ({found.window_end})"
        + ("" if found.revision is None else f", revision {found.revision}")
    )
    say(f"partition {found.partition} of {found.topic}; {_fired(found)}")
    for name, value in (found.features or {}).items():
        say(f"  {name:<20} {msgspec.json.encode(value).decode()}")
    say()
    say(f"Counted: {len(found.counted)} of the key's events.")
    if found.counted:
        console.print(_counted(found.counted))
    if found.missing:
        say()
        say(f"Not counted: {len(found.missing)}.")
        console.print(_missing(found))
    say()
    say(next_event(found))
    for sentence in found.unknown:
        say(f"Not known: {sentence}.", "yellow")
    for sentence in answer.notes:
        say(f"Note: {sentence}.", "yellow")
    _show_comparison(answer, console)


def next_event(found: Explanation) -> str:
    """Say what another event would change."""
    state = {
        "open": f"The window is open: it fires when an event at or after "
        f"{clock(found.fires_at_event_time)} comes into partition {found.partition}; until then an "
        "event of the key in it is counted.",
        "fired": "The window takes late events for the allowed lateness: one more of the key would "
        f"make revision {(found.revision or 0) + 1}.",
        "closed": "The window is closed: another event of the key in it would miss it.",
    }[found.state]
    if found.watermark == MAX_WATERMARK:
        return "The log has ended, and with it every window."
    mark = f"The watermark is {clock(found.watermark) or 'not known yet'}. "
    if found.next_window_end is None:
        return mark + state
    return (
        f"{mark}{state} The key's next window ends at {clock(found.next_window_end)} and has "
        f"{found.next_count} event{'s' * (found.next_count != 1)} so far."
    )


def _fired(found: Explanation) -> str:
    if found.revision is None:
        return "the window has no row"
    cause = f"offset {found.fired_at_offset}" if found.fired_at_offset is not None else "its end"
    return f"fired by {cause} of the log, watermark {clock(found.fired_at_watermark)}"


def _counted(records: list[KeyRecord]) -> Table:
    table = plain_table("offset", "event time", "watermark before", "verdict")
    for record in records[:ROWS]:
        table.add_row(*_place(record), record.verdict)
    return _with_rest(table, len(records))


def _missing(found: Explanation) -> Table:
    table = plain_table("offset", "event time", "watermark before", "why not")
    for missing in found.missing[:ROWS]:
        record = missing.record
        offset, *times = _place(record)
        if record.partition != found.partition:
            offset = f"{record.partition}/{offset}"
        detail = f": {record.detail}" if record.detail else ""
        table.add_row(offset, *times, f"{_WHY[missing.why]}{detail}")
    return _with_rest(table, len(found.missing))


def _place(record: KeyRecord) -> tuple[str, str, str]:
    return str(record.offset), clock(record.event_time), clock(record.watermark)


def plain_table(*columns: str) -> Table:
    """Return a table without lines."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in ("offset", "letters") else "left")
    return table


def _with_rest(table: Table, count: int) -> Table:
    if count > ROWS:
        table.add_row("", f"and {count - ROWS:,} more: --json has all", "", "")
    return table


def _show_comparison(answer: Answer, console: Console) -> None:
    console.print()
    place = "Redis" if answer.stored_in == "redis" else f"The topic {answer.stored_in}"
    if answer.equal is None:
        console.print("Nothing stored to compare with.")
    elif answer.equal:
        console.print(f"{place} holds exactly this.", style="green")
    else:
        console.print(f"{place} holds something else:", style="red")
        table = plain_table("field", "stored", "by the log")
        for name, (stored, explained) in answer.differences.items():
            table.add_row(name, str(stored), str(explained))
        console.print(table)


def watch_reading() -> Watch:
    """Return what shows the progress on standard error, where a person looks on."""
    console = Console(stderr=True)
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    def watch(batches: Iterable[list[Record]], total: int) -> Iterable[list[Record]]:
        bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        with bar as progress:
            task = progress.add_task("reading", total=total)
            for batch in batches:
                yield batch
                progress.advance(task, len(batch))

    return watch
