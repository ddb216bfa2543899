"""Small streams on the real Flink, in this process: what lesson 11 runs its examples on.

A watermark follows every record, as in the engine, so that an example gives the same answer on a
quick machine and on a slow one.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pyflink.common import Duration, Row, Types, WatermarkStrategy
from pyflink.datastream import DataStream, ProcessFunction
from pyflink.datastream.connectors.number_seq import NumberSequenceSource
from pyflink.java_gateway import get_gateway

from flink_jobs.runtime.environment import table_environment
from flink_jobs.utils.watermarks import MIN_WATERMARK
from studykit.services.supervision.leash import hold_leash
from studykit.trace.steps import Event

EVENT: Final = Types.ROW_NAMED(
    ["event_ms", "card", "value"], [Types.LONG(), Types.STRING(), Types.LONG()]
)
"""An event in a stream."""

_READERS: Final = ("read_grpc_client_inputs", "read_state")
"""The threads in which Beam reads what Java sends to Python."""

_OPTIONS: Final = {
    "pipeline.auto-watermark-interval": "0 ms",  # after each record, not every 200 ms
    "python.fn-execution.bundle.size": "1",
}


def at(event_ms: int, value: int = 1, card: str = "a") -> Event:
    """Return an event; when it arrives is its place among the others."""
    return Event(event_ms, 0, card, value)


def generated_watermark(event_ms: int, bound_ms: int) -> int:
    """Return the watermark after one event by Flink's own `for_bounded_out_of_orderness`."""
    events = get_gateway().jvm.org.apache.flink.api.common.eventtime
    generator = events.BoundedOutOfOrdernessWatermarks(Duration.of_millis(bound_ms)._j_duration)
    output = _Output()
    generator.onEvent(None, event_ms, output)
    generator.onPeriodicEmit(output)
    return output.watermark_ms


class _Output:
    """Takes a watermark from Java."""

    watermark_ms = MIN_WATERMARK

    def emitWatermark(self, watermark: Any) -> None:  # noqa: ANN401 - Java's name
        self.watermark_ms = watermark.getTimestamp()

    class Java:
        """What Java takes this for."""

        implements = ("org.apache.flink.api.common.eventtime.WatermarkOutput",)


@cache
def say_nothing_of_hang_ups() -> None:
    """Keep quiet about readers that Flink cuts off when a job ends: Beam takes it for a crash."""
    logging.getLogger("apache_beam.runners.worker.data_plane").setLevel(logging.CRITICAL)
    report = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.thread is None or args.thread.name not in _READERS:
            report(args)

    threading.excepthook = hook


def error_of(action: Callable[[], object]) -> list[str]:
    """Return the lines of the error in which an action ends; none if it succeeds."""
    with redirect_stderr(StringIO()):  # where the worker writes it, too
        try:
            action()
        except Exception as error:
            return str(error).splitlines()
    return []


def rows_in(folder: Path) -> int:
    """Return the number of lines that a table of files has, as far as they are committed."""
    return sum(len(file.read_text().splitlines()) for file in folder.glob("part-*"))


class _Times(ProcessFunction):  # type: ignore[misc]  # it has no types
    """Tell the event time of each element, None if it has none."""

    def process_element(self, value: object, ctx: ProcessFunction.Context) -> Iterator[str]:
        time_ms = ctx.timestamp()
        yield str(None if time_ms == MIN_WATERMARK else time_ms)


def times_of(flink: Flink, stream: DataStream) -> list[str]:
    """Return the event times of a stream's elements, in milliseconds, as text."""
    return flink.run(stream.process(_Times(), Types.STRING()))


class Flink:
    """A Flink of its own inside this process. Java starts with the first one."""

    def __init__(self, options: Mapping[str, str] = {}) -> None:
        """Start it, with more `options` by their names in Flink's documentation."""
        hold_leash()  # Java is a process of its own
        say_nothing_of_hang_ups()
        self._scratch = tempfile.TemporaryDirectory(prefix="flink-lab-")
        weakref.finalize(self, self._scratch.cleanup)
        self.env, self.tables = table_environment(1, {**_OPTIONS, **options})

    @property
    def folder(self) -> Path:
        """A folder for files, which goes with this object."""
        return Path(self._scratch.name)

    def table(self, name: str, events: Iterable[Event], watermark: str) -> None:
        """Create the table `name` of events in their order of arrival.

        Args:
            name: It replaces a table of that name.
            events: Its columns are `event_ms`, `card`, `amount` and `rt`, the event time.
            watermark: The expression, as in `rt - INTERVAL '4.001' SECOND`.
        """
        file = self.folder / f"{name}.csv"
        file.write_text(
            "".join(f"{event.event_ms},{event.key},{event.value}\n" for event in events)
        )
        self.tables.execute_sql(f"DROP TEMPORARY TABLE IF EXISTS {name}")
        self.tables.execute_sql(
            f"CREATE TEMPORARY TABLE {name} (event_ms BIGINT, card STRING, amount BIGINT, "
            f"rt AS TO_TIMESTAMP_LTZ(event_ms, 3), WATERMARK FOR rt AS {watermark}) "
            f"WITH ('connector'='filesystem', 'format'='csv', 'path'='{file}')"
        )

    def query(self, sql: str) -> pd.DataFrame:
        """Run a query until its input ends, and return its rows as they came."""
        result = self.tables.execute_sql(sql)
        names = result.get_table_schema().get_field_names()
        with result.collect() as rows:
            found: pd.DataFrame = pd.DataFrame([tuple(row) for row in rows], columns=names)
            return found

    def stream(self, events: Iterable[Event], bound_ms: int) -> DataStream:
        """Return events as a stream of `EVENT`, with the watermarks of the bound."""
        self.table("stream_events", events, f"rt - INTERVAL '{(bound_ms + 1) / 1_000:.3f}' SECOND")
        return self.tables.to_data_stream(self.tables.from_path("stream_events")).map(
            lambda row: Row(row[0], row[1], row[2]), EVENT
        )

    def numbers(self, count: int) -> DataStream:
        """Return the whole numbers from 1 to `count` as a stream without event times."""
        source = NumberSequenceSource(1, count)
        none = WatermarkStrategy.no_watermarks()
        return self.env.from_source(source, none, "numbers", Types.LONG())

    def drain(self, numbers: DataStream) -> None:
        """Run a stream of numbers to its end, and keep nothing of it: what a clock should time."""
        self.tables.execute_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS nowhere (n BIGINT) WITH ('connector'='blackhole')"
        )
        self.tables.from_data_stream(numbers).execute_insert("nowhere").wait()

    def run(self, *streams: DataStream) -> list[Any]:
        """Run streams as one job until their input ends, and return what came out, in order."""
        first, *others = streams
        with (first.union(*others) if others else first).execute_and_collect() as found:
            return list(found)
