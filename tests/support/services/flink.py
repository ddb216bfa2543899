"""The Flink of lesson 11, with what the proofs ask of it besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import DataStream, KeyedStream, OutputTag
from pyflink.datastream.functions import ProcessWindowFunction

from studykit.flink import in_process
from studykit.trace.steps import Event


class Flink(in_process.Flink):
    """Flink in this process; a bound is 4 s where none is given."""

    def __init__(self, options: Mapping[str, str] = {}) -> None:
        super().__init__(options)
        self._names = (f"events_{number}" for number in count())

    def named(self, events: Iterable[Event], bound_ms: int = 4_000) -> str:
        """Create a table of `events` with the watermarks of the bound, and return its name."""
        name = next(self._names)
        self.table(name, events, f"rt - INTERVAL '{(bound_ms + 1) / 1_000:.3f}' SECOND")
        return name

    def rows(self, query: str) -> list[Row]:
        """Run a query to its end."""
        with self.tables.execute_sql(query).collect() as found:
            return list(found)

    def windows(self, call: str, *, by: str = "") -> list[tuple[Any, ...]]:
        """Sum up in the windows of a table function: start and end in ms, sum, and `by` first."""
        columns = f"{by + ', ' if by else ''}{ms('window_start')}, {ms('window_end')}, SUM(amount)"
        group = f"{by + ', ' if by else ''}window_start, window_end"
        rows = self.rows(f"SELECT {columns} FROM TABLE({call}) GROUP BY {group}")
        return sorted(tuple(row) for row in rows)

    def stream(self, events: Iterable[Event], bound_ms: int = 4_000) -> DataStream:
        return super().stream(events, bound_ms)

    def keyed(self, events: Iterable[Event], bound_ms: int = 4_000) -> KeyedStream:
        """Return the same by key."""
        return self.stream(events, bound_ms).key_by(lambda event: event[1], key_type=Types.STRING())

    def told(self, windowed: Any) -> list[str]:
        """Return the lines of `told`: firings in their order, then late events in theirs.

        The two come by ways of their own, and which arrives first is chance.
        """
        return sorted(self.run(*told(windowed)), key=lambda line: line.startswith("late"))


class FiringReport(ProcessWindowFunction):
    """Tell each firing: key, start, end, the values that the window has, and the watermark."""

    def process(self, key, context, elements):  # type: ignore[no-untyped-def]
        window = context.window()
        values = "+".join(str(event[2]) for event in elements)
        yield f"{key} [{window.start},{window.end}) {values} at {context.current_watermark()}"


def told(windowed: Any) -> list[DataStream]:
    """Return the firings of a windowed stream, and its late events."""
    # An `EVENT` of its own: one that Java has seen cannot be sent to the workers.
    fields = [Types.LONG(), Types.STRING(), Types.LONG()]
    late = OutputTag("late", Types.ROW_NAMED(["event_ms", "card", "value"], fields))
    fired = windowed.side_output_late_data(late).process(FiringReport(), output_type=Types.STRING())
    missed = fired.get_side_output(late).map(
        lambda event: f"late {event[1]} {event[0]}", output_type=Types.STRING()
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
