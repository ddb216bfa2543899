"""A job in Flink SQL, run on the real Flink over many logs at once.

To start Flink takes seconds, and to read a log takes none. So the logs are laid one behind the
other in event time, with a long gap between them and with keys of their own. The first event of
the next log fires and purges all windows of a log, and meets none of their state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from numbers import Number
from pathlib import Path
from typing import Any, Final

from pyflink.common import RowKind

from flink_jobs.runtime.java import QUICK
from studykit.adversary.jobs import JobError
from studykit.adversary.logs import Log
from studykit.adversary.truth import Tally
from studykit.flink.in_process import Flink
from studykit.trace.steps import Policy

_FORM: Final = (
    "give one CREATE TABLE … (event_ms BIGINT, card STRING, amount BIGINT, …) WITH (${events}) "
    "and one SELECT of card, window_start and, last, a sum, each ended by a semicolon"
)
_EVENTS: Final = "${events}"
_GONE: Final = (RowKind.UPDATE_BEFORE, RowKind.DELETE)


class SqlJob:
    """A file of Flink SQL: a table of events with its watermark, and a query of window sums."""

    restarts = False
    wide = True

    def __init__(self, path: Path, policy: Policy) -> None:
        """Read the file.

        Raises:
            JobError: The file cannot be read, or does not have the form of `_FORM`.
        """
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise JobError(f"cannot read {path} ({error.strerror}): give the job's file") from None
        except UnicodeDecodeError:
            raise JobError(f"{path} is no text in UTF-8: give a file of SQL") from None
        statements = [part.strip() for part in _without_comments(text).split(";") if part.strip()]
        if len(statements) != 2 or _EVENTS not in statements[0]:
            raise JobError(f"{path} is not of the form that is known: {_FORM}")
        self._table, self._query = statements
        self._path, self._policy = path, policy
        self._flink: Flink | None = None
        step_ms, size_ms = policy.step_ms, policy.size_ms
        reach_ms = 8 * step_ms + size_ms + policy.bound_ms + policy.lateness_ms
        self._span_ms = size_ms * (2 * reach_ms // size_ms + 2)

    def run(self, logs: Sequence[Log]) -> list[Tally]:
        """Return the result of the query for each log; a retraction takes a row back.

        Raises:
            JobError: Flink refuses the statements, or the query lacks a column.
        """
        sums: list[dict[tuple[str, int, int], Any]] = [{} for _ in logs]
        cards = {f"{number}:{event.key}" for number, log in enumerate(logs) for event in log.events}
        for kind, key, start_ms, total in self._rows(logs):
            if key not in cards:
                raise JobError(
                    f"the query gives the card {key!r}, which no event has: select it as it is"
                )
            number, _, card = key.partition(":")
            shift_ms = self._shift_ms(int(number))
            window = card, start_ms - shift_ms, start_ms - shift_ms + self._policy.size_ms
            if kind in _GONE:
                sums[int(number)].pop(window, None)
            else:
                sums[int(number)][window] = total
        return [Tally(found) for found in sums]

    def _rows(self, logs: Sequence[Log]) -> Iterator[tuple[RowKind, Any, int, Any]]:
        flink = self._flink = self._flink or Flink(java=QUICK)
        file = flink.folder / "logs.csv"
        file.write_text("".join(self._lines(logs)))
        events = f"'connector'='filesystem', 'format'='csv', 'path'='{file}'"
        try:
            for table in flink.tables.list_tables():
                flink.tables.execute_sql(f"DROP TABLE {table}")
            flink.tables.execute_sql(self._table.replace(_EVENTS, events))
            result = flink.tables.execute_sql(self._query)
            names = result.get_table_schema().get_field_names()
            with result.collect() as rows:
                yield from (self._row(names, row) for row in rows)
        except JobError:
            raise
        except Exception as error:  # whatever Java says
            raise JobError(f"Flink refuses {self._path}: {_cause(error)}") from error

    def _row(self, names: Sequence[str], row: Any) -> tuple[RowKind, Any, int, Any]:  # noqa: ANN401
        try:
            key, start = row[names.index("card")], row[names.index("window_start")]
        except ValueError:
            raise JobError(f"the query gives {', '.join(names)}: {_FORM}") from None
        total = row[len(names) - 1]
        if not isinstance(start, datetime):
            raise JobError(f"window_start is {start!r} and no time: select it as the window has it")
        if not isinstance(total, Number):
            raise JobError(f"the last column, {names[-1]}, is {total!r} and no sum: give a number")
        return row.get_row_kind(), key, _ms(start), total

    def _lines(self, logs: Sequence[Log]) -> Iterator[str]:
        for number, log in enumerate(logs):
            shift_ms = self._shift_ms(number)
            for event in log.events:
                yield f"{event.event_ms + shift_ms},{number}:{event.key},{event.value}\n"

    def _shift_ms(self, number: int) -> int:
        """Return the event time at which a log begins: a multiple of the window size."""
        return (number + 1) * self._span_ms


def _ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=timezone.utc).timestamp() * 1_000)


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)


def _cause(error: Exception) -> str:
    if "getPickledBytesFromRow" in str(error):
        return "a column has no type that Python has: select window_start as the window has it"
    causes = re.findall(r"Caused by: [\w.$]*?(\w+): (.*)", str(error))
    return ": ".join(causes[-1]) if causes else str(error).splitlines()[0]
