"""Counts of work and of objects in memory: for claims about cost that no clock can prove."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from flink_jobs.engine.sessions import SessionOperator
from flink_jobs.engine.sliding import SlidingOperator


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines of Python `work` executes: a step of a loop is at least one.

    The garbage collector rests meanwhile: what others have left would be finalized on our account.
    """
    count = 0

    def trace(_: FrameType, event: str, __: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    gc.disable()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


def held(operator: Any) -> int:
    """Return how many things an operator remembers. The only place that looks inside one."""
    if isinstance(operator, SlidingOperator):
        panes = len(operator._open) + len(operator._closed)
        accs = sum(len(pane.values) for pane in operator._open.values())
        accs += sum(len(pane.accs) for pane in operator._closed.values())
        stacked = sum(len(s._front) + len(s._back) for s in operator._stacks.values())
        return panes + accs + len(operator._stacks) + stacked + len(operator._revisions)
    assert isinstance(operator, SessionOperator)
    return sum(map(len, operator._sessions.values())) + len(operator._timers)
