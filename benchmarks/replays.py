"""The production job on files: what a start costs, what an event costs, and what a hot card costs.

Steady work is what a log of three hours costs more than one of an hour, by the events that it has
more. Three hours were run before, so that Java has then compiled what it will. What is left of the
hour is the start: planning, and compiling the code that is generated for each job anew. All runs
but the cold start are in one Java.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from benchmarks.measure import Figure, cpu_s_of_all, take_turns, tell, timed
from benchmarks.pipeline import golden_hours
from flink_jobs import feature_job
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.datastream.job import ExecutionMode, Form, replay_with_datastream
from flink_jobs.events import TRANSACTIONS
from flink_jobs.features.row import encode_row
from flink_jobs.processor import replay
from flink_jobs.runtime.archive import archived
from flink_jobs.runtime.java import USUAL
from flink_jobs.simulator.golden import EVENTS

HOURS: Final = (1, 3)
ENVIRON: Final = dict(os.environ)
"""The environment before any job: Flink leaves addresses of this process there."""
HOT_EVENTS: Final = 40_000
_UNSHARED: Final = " ".join([*USUAL, "-Xshare:off"])
"""Java's arguments without the archive."""

COUNTERPARTS: Final[tuple[tuple[Form, ExecutionMode, int, str], ...]] = (
    ("windows", "process", 200, "ratio >= 100"),
    ("windows", "thread", 4_000, ""),
    ("timers", "process", 1_000, ""),
)
"""Form, mode, how many events it gets, and the goal: some take 40 ms for each event."""

Rows = Counter[bytes]
Replay = Callable[[Path, Path, Settings], object]
"""Reads a log file and writes result files into a folder."""


class Cost(NamedTuple):
    """What a replay costs, in seconds of processor time."""

    start_s: float
    """Planning, start, compilation and end: what remains of a log when its events are taken off."""
    rate: float
    """Events a second in steady work."""


def measure(scratch: Path) -> Iterator[Figure]:
    """Measure the job, the processor and the forms of the counterpart on the golden log."""
    sql, python = (
        steady(run, scratch / name)
        for name, run in (("sql", feature_job.replay_file), ("python", replay.replay_file))
    )
    if _rows(scratch / "sql" / "out") != _rows(scratch / "python" / "out"):
        raise AssertionError("the rows of the job are not those of the processor")
    yield Figure("flink", "development processor, files, steady work", python.rate, "events/CPU-s",
                 1, "itself")  # fmt: skip
    yield Figure("flink", "SQL job, files, steady work", sql.rate, "events/CPU-s",
                 sql.rate / python.rate, "development processor", "ratio >= 0.5")  # fmt: skip
    yield Figure("flink", "SQL job, start and compilation", 1_000 * sql.start_s, "CPU-ms",
                 sql.start_s * sql.rate / EVENTS, "an hour's steady work")  # fmt: skip
    yield _hot(scratch / "hot")
    yield from _cold(scratch / "cold")
    for form, mode, count, goal in COUNTERPARTS:
        name = f"DataStream {form}, {mode} mode"
        other = _rate(_datastream(form, mode), count, scratch / name)
        yield Figure("flink", "SQL job, files", sql.rate, "events/CPU-s", sql.rate / other, name,
                     goal)  # fmt: skip


def steady(run: Replay, scratch: Path) -> Cost:
    """Measure a short and a long log; the first run, in which most is compiled, is not counted."""
    short, long = HOURS
    cpu = {}
    for hours in (long, short, long):
        tell(f"{scratch.name} on files, {hours} h")
        cpu[hours] = _replayed(run, golden_log(hours), scratch)
    rate = (long - short) * EVENTS / (cpu[long] - cpu[short])
    return Cost(cpu[short] - short * EVENTS / rate, rate)


def _hot(scratch: Path) -> Figure:
    """Measure one card's events within five minutes beside the same events of a thousand cards."""
    run = feature_job.replay_file
    tell("one card's events, then those of a thousand")
    start_s = _replayed(run, _busy(cards=1, count=1), scratch)
    hot_s, spread_s = (_replayed(run, _busy(cards), scratch) - start_s for cards in (1, 1_000))
    return Figure("flink", "SQL job, all events of one card", HOT_EVENTS / hot_s, "events/CPU-s",
                  spread_s / hot_s, "of a thousand cards", "ratio >= 0.5")  # fmt: skip


def _cold(scratch: Path) -> Iterator[Figure]:
    """Measure a job of one event in processes of its own, from the command to the row.

    Where the environment has a class-data archive, a start without it takes turns with one that
    uses it.
    """
    scratch.mkdir()
    log = scratch / "log.jsonl"
    write_log(log, islice(golden_log(), 1))
    flags = ("--replay", str(log), "--out", str(scratch / "out"))
    command = [sys.executable, "-m", "flink_jobs.feature_job", *flags]
    now, starts = "SQL job, cold start to a row", {}
    starts[now] = partial(_started, command)
    if archived():
        starts["no class-data archive"] = partial(_started, command, JVM_ARGS=_UNSHARED)
    if before := os.environ.get("BEFORE"):
        starts[before] = partial(_started, command, before)
    times = take_turns(starts, 2)
    for name in list(starts)[1:] or [now]:
        yield Figure("flink", now, 1_000 * times[now].wall_s, "ms",
                     times[name].wall_s / times[now].wall_s, "itself" if name == now else name,
                     "ratio >= 2" if name == before else "")  # fmt: skip


def _started(command: Sequence[str], tree: str | None = None, **environ: str) -> None:
    """Run a command, with the modules of another worktree if one is named.

    Raises:
        RuntimeError: The command has failed; the text is what it said.
    """
    ended = subprocess.run(
        command, cwd=tree, env={**ENVIRON, **environ}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} in {tree or '.'}: {ended.stderr[-2_000:]}")


def _replayed(run: Replay, records: Iterable[LogRecord], scratch: Path) -> float:
    """Return the seconds of processor time that a replay of a log takes."""
    scratch.mkdir(exist_ok=True)
    log = scratch / "log.jsonl"
    write_log(log, records)
    return timed(partial(run, log, scratch / "out", Settings()), cpu_s_of_all).cpu_s


def _rate(run: Replay, count: int, scratch: Path) -> float:
    """Return the events of a second of processor time; the rows must be those of the processor."""
    tell(scratch.name)
    cpu = {
        events: _replayed(run, islice(golden_log(), events), scratch) for events in (1, 1, count)
    }
    check(_rows(scratch / "out"), expected(islice(golden_log(), count)))
    return count / (cpu[count] - cpu[1])


def _datastream(form: Form, mode: ExecutionMode) -> Replay:
    def run(log: Path, out: Path, settings: Settings) -> None:
        replay_with_datastream(log, out, settings, form=form, mode=mode)

    return run


def golden_log(hours: int = 1) -> Iterator[LogRecord]:
    """Yield the golden log so many times, each an hour later, as records of one partition."""
    for offset, tx in enumerate(golden_hours(range(hours))):
        value = msgspec.json.encode(tx)
        yield LogRecord(TRANSACTIONS, 0, offset, tx.event_time, tx.card_id.encode(), value)


def _busy(cards: int, count: int = HOT_EVENTS) -> Iterator[LogRecord]:
    """Yield payments of five minutes, evenly over the time, and by lot over so many cards."""
    draw = random.Random(3)
    for record in islice(golden_log(), count):
        tx = msgspec.json.decode(record.value or b"")
        at_ms = 1_700_000_100_000 + record.offset * 300_000 // HOT_EVENTS
        card = f"card_{draw.randrange(cards):05d}"
        value = msgspec.json.encode({**tx, "event_time": at_ms, "card_id": card})
        yield LogRecord(TRANSACTIONS, 0, record.offset, at_ms, card.encode(), value)


def expected(records: Iterable[LogRecord]) -> Rows:
    """Return the rows that the processor makes of a log, with their counts."""
    output, _ = replay.replay(records, Settings())
    return Counter(map(encode_row, output.rows))


def check(found: Rows, expected: Rows) -> None:
    """Make sure that rows are as expected.

    Raises:
        AssertionError: They are not.
    """
    if found != expected:
        raise AssertionError(
            f"{len(found - expected)} rows are wrong, {len(expected - found)} lack"
        )


def _rows(out: Path) -> Rows:
    with (out / "features.jsonl").open("rb") as lines:
        return Counter(line.rstrip(b"\n") for line in lines)
