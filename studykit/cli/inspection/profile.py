"""`study profile`: what a stream of one's own looks like, and what bound and timeout it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from flink_jobs.config import Settings
from flink_jobs.connectors.topic_log import TopicLog
from flink_jobs.inspection.profile import KEPT, Profile, profile_file, profile_records
from studykit.cli.inspection.why import plain_table, watch_reading
from studykit.errors import StudyError
from studykit.services.addresses import Addresses
from studykit.workspace import Workspace


def profile(
    source: str,
    time_field: str,
    key_field: str | None,
    *,
    kept: float = KEPT,
    workspace: Workspace,
    picture: Path | None,
    as_json: bool,
    console: Console,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Profile a file, or where there is none of that name a topic, and show the result.

    Raises:
        ProfileError: It holds no event with a time.
        KafkaUnusable: There is no such topic, or no broker.
        StudyError: The picture cannot be written.
    """
    if Path(source).is_file():
        found = profile_file(Path(source), time_field, key_field, kept)
    elif "/" in source or source.endswith((".jsonl", ".json")):
        raise StudyError(f"there is no file {source}: name one that exists, or a topic")
    else:
        addresses = Addresses.find(workspace, environ)
        settings = Settings.load({**environ, **addresses.environment()})
        log = TopicLog(settings, source)
        batches = watch_reading()(log.read(), log.size)
        found = profile_records(batches, time_field, key_field, kept)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        show(found, console)
    if picture is not None:
        _draw(found, picture)
        if not as_json:
            console.print(f"picture   {picture}", soft_wrap=True, highlight=False)


def show(found: Profile, console: Console) -> None:
    """Print a profile as a person reads it."""

    def say(text: str = "") -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    say(f"{found.events:,} events of {found.records:,} records; times are {found.unit}.")
    for reason, count in found.unreadable.items():
        say(f"{count:,} records have {reason}.")
    say()
    say("Disorder: what a bound keeps, and costs. Every result comes that much later.")
    console.print(_bounds(found))
    best = found.suggested_bound
    say(
        f"Suggested bound: {_seconds(best.bound_ms)}; {best.late:,} events "
        f"({100 * best.late / found.events:.2f} %) are then behind the watermark."
    )
    say()
    if found.delays_ms is not None:
        texts = [f"{name} {_seconds(delay)}" for name, delay in found.delays_ms.items()]
        say(f"Delay from event to broker: {', '.join(texts)}; {found.ahead:,} events came early.")
    _say_keys(found, say)
    say()
    console.print(_partitions(found))
    _say_timeouts(found, console, say)


def _bounds(found: Profile) -> Table:
    table = plain_table("bound", "events late", "share late")
    for cost in found.bounds:
        share = f"{100 * cost.late / found.events:.3f} %"
        table.add_row(_seconds(cost.bound_ms), f"{cost.late:,}", share)
    return table


def _say_keys(found: Profile, say: Any) -> None:  # noqa: ANN401
    if not found.hottest:
        return
    key, count = found.hottest[0]
    mean = found.events / max(found.keys, 1)
    say(
        f"Keys: {found.keys:,}; the hottest, {key!r}, has {100 * count / found.events:.1f} % of "
        f"the events, {count / mean:.0f} times the mean."
    )


def _partitions(found: Profile) -> Table:
    table = plain_table("partition", "records", "longest silence", "silent at end")
    for part in found.partitions:
        table.add_row(
            part.partition,
            f"{part.records:,}",
            _seconds(part.longest_silence_ms),
            _seconds(part.silent_at_end_ms),
        )
    return table


def _say_timeouts(found: Profile, console: Console, say: Any) -> None:  # noqa: ANN401
    if not found.timeouts:
        say("Idle timeout: it takes several partitions and append times to choose one.")
        return
    say()
    say("Idleness: how often a timeout takes a silence for the end of a partition's events.")
    table = plain_table("timeout", "idle spells")
    for cost in found.timeouts:
        table.add_row(_seconds(cost.timeout_ms), f"{cost.spells:,}")
    console.print(table)
    if found.suggested_timeout_ms is None:
        say("Suggested idle timeout: none, every one of these would have been too short.")
    else:
        timeout = _seconds(found.suggested_timeout_ms)
        say(f"Suggested idle timeout: {timeout}; a partition that ends holds windows for so long.")


def _seconds(ms: int | None) -> str:
    """Return a duration for people.

    >>> _seconds(12_400), _seconds(7), _seconds(7_200_000)
    ('12.4 s', '0.007 s', '120 min')
    """
    if ms is None:
        return ""
    return f"{ms / 60_000:,.4g} min" if ms >= 600_000 else f"{ms / 1_000:.4g} s"


def _draw(found: Profile, picture: Path) -> None:
    """Draw the share that each bound keeps, with the suggested one."""
    from studykit.drawing import style  # noqa: PLC0415 - matplotlib takes a second

    try:
        picture.write_bytes(style.png(_figure(found)))
    except OSError as error:
        raise StudyError(
            f"cannot write {picture} ({error.strerror}): choose another --picture"
        ) from None


def _figure(found: Profile) -> Any:  # noqa: ANN401
    from studykit.drawing import style  # noqa: PLC0415

    @style.styled
    def draw() -> Any:  # noqa: ANN401
        figure = style.new_figure(8, 3.2)
        axes = figure.subplots(1, 1)
        figure.subplots_adjust(left=0.10, right=0.97, top=0.90, bottom=0.16)
        axes.set_xscale("log")  # a tail of hours beside a body of milliseconds
        axes.set_yscale("log")
        bounds, late = _late_shares(found)
        axes.step(bounds, late, where="post", color=style.BLUE, lw=1.6)
        best_s = max(found.suggested_bound.bound_ms / 1_000, bounds[0])
        axes.axvline(best_s, color=style.GREEN, lw=2.4)
        axes.annotate(
            f"bound {_seconds(found.suggested_bound.bound_ms)}", (best_s, late[0]), (-6, 0),
            textcoords="offset points", color=style.DARK_GREEN, path_effects=style.HALO,
            ha="right", va="top",
        )  # fmt: skip
        for side in (axes.xaxis, axes.yaxis):
            side.set_major_formatter(lambda number, _: f"{number:g}")
            side.set_minor_formatter(lambda number, _: "")
        axes.set_xlabel("bound (s) = delay of every result")
        axes.set_ylabel("late (%)")
        style.title(axes, "events behind the watermark, by bound")
        return figure

    return draw()


def _late_shares(found: Profile) -> tuple[list[float], list[float]]:
    """Return bounds in seconds, and the percentage of events that each leaves late."""
    passed, bounds, late = 0, [], []
    for lag_ms, count in found.lags.items():
        passed += count
        bounds.append(max(lag_ms, 1) / 1_000)
        left = found.events - passed or 0.1  # none left: just below one event, for the scale
        late.append(100 * left / found.events)
    return bounds, late
