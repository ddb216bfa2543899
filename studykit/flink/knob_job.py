"""A job with a knob: one of its operators sleeps for each record as long as a file says.

    python -m studykit.flink.knob_job PORT FILE

Flink runs in this process, its REST interface at PORT. FILE holds the milliseconds of sleep for a
record; the operator reads it again twice a second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from flink_jobs.runtime.environment import table_environment
from studykit.services.network.ports import HOST

_OPTIONS: Final = {
    "pipeline.operator-chaining.enabled": "false",  # each operator has numbers of its own
    "python.fn-execution.bundle.size": "20",
    "python.fn-execution.bundle.time": "200",
    "taskmanager.memory.segment-size": "4 kb",  # short queues: backpressure is seen in seconds
    "metrics.fetcher.update-interval": "1000",
    "taskmanager.numberOfTaskSlots": "1",
}
_SOURCE: Final = """
CREATE TEMPORARY TABLE source (card BIGINT, amount BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '100',
  'fields.card.min' = '1', 'fields.card.max' = '50',
  'fields.amount.min' = '1', 'fields.amount.max' = '100')
"""
_SINK: Final = """
CREATE TEMPORARY TABLE sink (card BIGINT, total BIGINT) WITH ('connector' = 'blackhole')
"""
_JOB: Final = "INSERT INTO sink SELECT card, SUM(score(amount)) FROM source GROUP BY card"


class SlowScore(ScalarFunction):  # type: ignore[misc]  # it has no types
    """Return its argument, after a sleep."""

    def __init__(self, knob: str) -> None:
        """Read the milliseconds from the file `knob`."""
        self._knob = knob
        self._sleep_s = 0.0
        self._read_again = 0.0

    def eval(self, amount: int) -> int:
        """Sleep, and return the argument."""
        if time.monotonic() >= self._read_again:
            self._sleep_s = float(Path(self._knob).read_text() or 0) / 1_000
            self._read_again = time.monotonic() + 0.5
        time.sleep(self._sleep_s)
        return amount


def main(port: str, knob: str) -> None:
    """Run the job until this process is ended."""
    where = {"rest.bind-port": port, "rest.port": port, "rest.bind-address": HOST}
    _, tables = table_environment(1, {**_OPTIONS, **where})
    tables.create_temporary_function("score", udf(SlowScore(knob), result_type=DataTypes.BIGINT()))
    tables.execute_sql(_SOURCE)
    tables.execute_sql(_SINK)
    tables.execute_sql(_JOB).wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
