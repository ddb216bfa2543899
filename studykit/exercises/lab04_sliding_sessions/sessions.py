"""Sessions as the engine makes them, for reference and traces."""

from __future__ import annotations

from collections.abc import Iterable

from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sessions import SessionOperator
from flink_jobs.engine.windows import SessionWindows
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

FOREVER_MS = 10**15


def merged(times: Iterable[int], gap: int) -> list[list[int]]:
    """Return [start, end) of the sessions of one key, whatever the order of arrival.

    The clock waits for everything, so that no event is late.
    """
    clock = BoundedOutOfOrderness(FOREVER_MS)
    operator = SessionOperator(SessionWindows(gap), CountSumMax(), clock)
    for offset, time in enumerate(times):
        operator.on_event("one key", time, 1, offset)
        clock.observe(time)
        operator.on_watermark()
    clock.finish()
    operator.on_watermark()
    return [[firing.start_ms, firing.end_ms] for firing in operator.take()]
