"""Garbage collection for a process that keeps much and drops it in order."""

from __future__ import annotations

import gc
from typing import Final

ALLOCATIONS: Final = 100_000
"""How many more objects are made than freed before Python searches the youngest for cycles."""


def collect_rarely() -> None:
    """Look for reference cycles a hundred times less often than Python does by default.

    The state is panes and accumulators, which hold no cycles: reference counts free them as soon as
    they leave. Searching them over and over took a third of the processor's time. What exists now,
    modules above all, is never searched again.
    """
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 20)
