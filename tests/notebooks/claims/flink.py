"""Small jobs on the real Flink: events go in by way of a file, and what it makes of them comes out.

The watermark advances after every record and no Python operator holds it back, so an event meets
exactly the watermark that the events before it have made, whatever the speed of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

from pyflink.common import Row, Time, Types
from pyflink.datastream import DataStream, KeyedStream, OutputTag
from pyflink.datastream.functions import ProcessWindowFunction

from flink_jobs.job_runtime import table_environment
from studykit.steps import Event

EVENT: Final = Types.ROW([Types.LONG(), Types.STRING(), Types.LONG()])
"""Event time in milliseconds, key, value."""

OPTIONS: Final = {
    "pipeline.auto-watermark-interval": "0 ms",
    "python.fn-execution.bundle.size": "1",
}


class Flink:
    """Flink in this process."""

    def __init__(self, folder: Path, options: Mapping[str, str] = {}) -> None:
        self.folder = folder
        self._names = (f"events_{number}" for number in count())
        self.env, self.tables = table_environment(1, {**OPTIONS, **options})

    def table(self, events: Iterable[Event], bound_ms: int = 4_000, more: str = "") -> str:
        """Create a table of `events` in their order and return its name.

        Args:
            events: What is in it: `at` in milliseconds, the same as the rowtime `rt`, `k`, `v`.
            bound_ms: The bound; the millisecond of the rule is added, as one does in SQL.
            more: A further option of the table, after a comma.
        """
        name = next(self._names)
        file = self.folder / f"{id(self)}-{name}.csv"
        file.write_text("".join(f"{one.event_ms},{one.key},{one.value}\n" for one in events))
        self.tables.execute_sql(
            f"CREATE TEMPORARY TABLE {name} (`at` BIGINT, k STRING, v BIGINT, "
            "rt AS TO_TIMESTAMP_LTZ(`at`, 3), "
            f"WATERMARK FOR rt AS rt - INTERVAL '{(bound_ms + 1) / 1_000:.3f}' SECOND) "
            f"WITH ('connector'='filesystem', 'format'='csv', 'path'='{file}'{more})"
        )
        return name

    def rows(self, query: str) -> list[Row]:
        """Run a query to its end."""
        with self.tables.execute_sql(query).collect() as found:
            return list(found)

    def windows(self, call: str, *, by: str = "") -> list[tuple[Any, ...]]:
        """Sum up in the windows of a table function: start and end in ms, sum, and `by` first."""
        columns = f"{by + ', ' if by else ''}{ms('window_start')}, {ms('window_end')}, SUM(v)"
        group = f"{by + ', ' if by else ''}window_start, window_end"
        rows = self.rows(f"SELECT {columns} FROM TABLE({call}) GROUP BY {group}")
        return sorted(tuple(row) for row in rows)

    def stream(self, events: Iterable[Event], bound_ms: int = 4_000) -> DataStream:
        """Return `events` as a DataStream of `EVENT`, with their watermarks."""
        table = self.tables.sql_query(f"SELECT `at`, k, v, rt FROM {self.table(events, bound_ms)}")
        return self.tables.to_data_stream(table).map(
            lambda row: Row(row[0], row[1], row[2]), output_type=EVENT
        )

    def keyed(self, events: Iterable[Event], bound_ms: int = 4_000) -> KeyedStream:
        """Return the same by key."""
        return self.stream(events, bound_ms).key_by(lambda one: one[1], key_type=Types.STRING())

    def collected(self, *streams: DataStream) -> list[Any]:
        """Run a job and return what comes out of `streams`, in the order in which it does."""
        first, *others = streams
        with (first.union(*others) if others else first).execute_and_collect() as found:
            return list(found)

    def told(self, windowed: Any) -> list[str]:
        """Return what `told` tells: firings in their order, then late events in theirs.

        The two come by ways of their own, and which arrives first is chance.
        """
        return sorted(self.collected(*told(windowed)), key=lambda line: line.startswith("late"))


class Told(ProcessWindowFunction):
    """Tell each firing: key, start, end, the values that the window has, and the watermark."""

    def process(self, key, context, elements):  # type: ignore[no-untyped-def]
        window = context.window()
        values = "+".join(str(one[2]) for one in elements)
        yield f"{key} [{window.start},{window.end}) {values} at {context.current_watermark()}"


def told(windowed: Any) -> list[DataStream]:
    """Return the firings of a windowed stream, and its late events."""
    # A type of its own: one that Java has seen cannot be sent to the workers.
    late = OutputTag("late", Types.ROW([Types.LONG(), Types.STRING(), Types.LONG()]))
    fired = windowed.side_output_late_data(late).process(Told(), output_type=Types.STRING())
    missed = fired.get_side_output(late).map(
        lambda one: f"late {one[1]} {one[0]}", output_type=Types.STRING()
    )
    return [fired, missed]


def ms(column: str) -> str:
    """Return the SQL for a time column as epoch milliseconds."""
    return (
        f"CAST(EXTRACT(EPOCH FROM {column}) * 1000 + EXTRACT(MILLISECOND FROM {column}) AS BIGINT)"
    )


def seconds(count: int) -> Time:
    """Return a span for the window assigners."""
    return Time.seconds(count)


def at(event_ms: int, value: int = 1, key: str = "a") -> Event:
    """Return an event. When it arrives is its place among the others."""
    return Event(event_ms, 0, key, value)
