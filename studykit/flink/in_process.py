"""Small streams on the real Flink, in this process: what lesson 11 runs its examples on.

A watermark follows every record, as in the engine, so that an example gives the same answer on a
quick machine and on a slow one.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pyflink.common import Duration, Row, Types, WatermarkStrategy
from pyflink.datastream import DataStream, ProcessFunction
from pyflink.datastream.connectors.number_seq import NumberSequenceSource
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, StreamTableEnvironment
from pyflink.table.expressions import col

from flink_jobs.runtime.environment import table_environment
from flink_jobs.runtime.java import prepare_flink
from flink_jobs.utils.watermarks import MIN_WATERMARK
from studykit.services.supervision.leash import leashed_folder
from studykit.services.supervision.wait_line import Interruption, wait_line
from studykit.trace.steps import Event

EVENT: Final = Types.ROW_NAMED(
    ["event_ms", "card", "value"], [Types.LONG(), Types.STRING(), Types.LONG()]
)
"""The row type of an event in a stream."""

_READERS: Final = ("read_grpc_client_inputs", "read_state")
"""The threads in which Beam reads what Java sends to Python."""

_OPTIONS: Final = {
    "pipeline.auto-watermark-interval": "0 ms",  # after each record, not every 200 ms
    "python.fn-execution.bundle.size": "1",
}


def at(event_ms: int, value: int = 1, card: str = "a") -> Event:
    """Return an event for `Flink.table`, where events arrive in the order in which they stand."""
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
    """A receiver for one watermark from Java."""

    watermark_ms = MIN_WATERMARK

    def emitWatermark(self, watermark: Any) -> None:  # noqa: ANN401 - Java's name
        self.watermark_ms = watermark.getTimestamp()

    class Java:
        """The Java interface that this object implements."""

        implements = ("org.apache.flink.api.common.eventtime.WatermarkOutput",)


@cache
def say_nothing_of_hang_ups() -> None:
    """Hide Beam's reports of readers that Flink cuts off when a job ends: that is no crash."""
    logging.getLogger("apache_beam.runners.worker.data_plane").setLevel(logging.CRITICAL)
    report = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.thread is None or args.thread.name not in _READERS:
            report(args)

    threading.excepthook = hook


def error_of(action: Callable[[], object]) -> list[str]:
    """Return the lines of the error in which an action ends; no lines if it succeeds."""
    with redirect_stderr(StringIO()):  # where the worker writes it, too
        try:
            action()
        except Exception as error:
            return str(error).splitlines()
    return []


def rows_in(folder: Path) -> int:
    """Return how many lines the committed files of a file sink have, without its open files."""
    return sum(len(file.read_text().splitlines()) for file in folder.glob("part-*"))


class _Times(ProcessFunction):  # type: ignore[misc]  # it has no types
    """A function that emits the event time of each element as text, `None` if it has none."""

    def process_element(self, value: object, ctx: ProcessFunction.Context) -> Iterator[str]:
        time_ms = ctx.timestamp()
        yield str(None if time_ms == MIN_WATERMARK else time_ms)


def times_of(flink: Flink, stream: DataStream) -> list[str]:
    """Return the event times of a stream's elements, in milliseconds, as text."""
    return flink.run(stream.process(_Times(), Types.STRING()))


@cache
def scratch_folder() -> Path:
    """Return a folder for what Flink and Java write, which goes with this process.

    A Java that is killed with its notebook removes nothing of its own.
    """
    return leashed_folder("flink-")


class Flink:
    """A Flink inside this process, at parallelism 1; the first one starts Java."""

    def __init__(self, options: Mapping[str, str] = {}, java: Sequence[str] = ()) -> None:
        """Start Flink.

        Args:
            options: Further settings, by their names in Flink's documentation.
            java: Further arguments of Java, if this is the first Flink of this process.
        """
        say_nothing_of_hang_ups()
        scratch = scratch_folder()
        self._scratch = tempfile.TemporaryDirectory(prefix="flink-lab-", dir=scratch)
        weakref.finalize(self, self._scratch.cleanup)
        with wait_line("Java starts, in up to half a minute"):
            prepare_flink(os.environ, f"-Djava.io.tmpdir={scratch}", *java)
            # In a thread: half a start, which an interrupted cell would leave, cannot be mended.
            ThreadPoolExecutor(1).submit(get_gateway).result()
            self.env, self.tables = table_environment(1, {**_OPTIONS, **options})

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let the next cell work after this one was interrupted.

        An interrupted call keeps its thread in Java, so the next call gets another thread. The
        planner's metadata belong to the thread in which a table environment was made.
        """
        try:
            yield
        except KeyboardInterrupt:
            StreamTableEnvironment.create(self.env)
            raise Interruption from None

    @property
    def folder(self) -> Path:
        """A folder for files, which is removed with this object."""
        return Path(self._scratch.name)

    def table(self, name: str, events: Iterable[Event], watermark: str) -> None:
        """Create a table of events, with the columns `event_ms`, `card`, `amount` and `rt`.

        Args:
            name: The name of the table; a table that has it already is replaced.
            events: The rows, in order of arrival.
            watermark: The SQL of the watermark, as in `rt - INTERVAL '4.001' SECOND`; `rt` is the
                event time. A bound of 4 s is 4.001 there: the expression is the watermark itself.
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
        """Run a query until its input ends; return its rows in the order in which they came."""
        result = self.tables.execute_sql(sql)
        names = result.get_table_schema().get_field_names()
        with result.collect() as rows:
            found: pd.DataFrame = pd.DataFrame([tuple(row) for row in rows], columns=names)
            return found

    def changes(self, sql: str) -> list[list[str]]:
        """Run a query until its input ends; return its changes in the order in which they came.

        A change is the kind of the row, as in `UPDATE_BEFORE`, and each column as text, since
        Python cannot read every type of Java's.
        """
        table = self.tables.sql_query(sql)
        names = table.get_schema().get_field_names()
        text = [col(name).cast(DataTypes.STRING()) for name in names]
        with table.select(*text).execute().collect() as rows:
            return [[row.get_row_kind().name, *row] for row in rows]

    def stream(self, events: Iterable[Event], bound_ms: int) -> DataStream:
        """Return events as a stream of `EVENT`, with watermarks that are `bound_ms` + 1 behind."""
        watermark = f"rt - INTERVAL '{(bound_ms + 1) / 1_000:.3f}' SECOND"
        with self._interruptible():
            self.table("stream_events", events, watermark)
            return self.tables.to_data_stream(self.tables.from_path("stream_events")).map(
                lambda row: Row(row[0], row[1], row[2]), EVENT
            )

    def numbers(self, count: int) -> DataStream:
        """Return the whole numbers from 1 to `count` as a stream without event times."""
        source = NumberSequenceSource(1, count)
        none = WatermarkStrategy.no_watermarks()
        return self.env.from_source(source, none, "numbers", Types.LONG())

    def drain(self, numbers: DataStream) -> None:
        """Run a stream of numbers to its end and keep nothing: a clock then times the job alone."""
        self.tables.execute_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS nowhere (n BIGINT) WITH ('connector'='blackhole')"
        )
        self.tables.from_data_stream(numbers).execute_insert("nowhere").wait()

    def run(self, *streams: DataStream) -> list[Any]:
        """Run streams as one job until their inputs end; return all elements in order."""
        first, *others = streams
        stream = first.union(*others) if others else first
        with self._interruptible(), stream.execute_and_collect() as found:
            return list(found)
