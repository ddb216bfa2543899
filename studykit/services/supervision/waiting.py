"""Waiting for a condition, up to a deadline: the one loop for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float, poll_seconds: float = 0.05) -> T:
    """Return the first true answer of `condition`, or its last one when `seconds` have passed.

    The condition is asked at least once, and once more after the deadline: a machine that was
    asleep meanwhile must not miss what has come true. What `condition` raises ends the wait.

    Args:
        condition: The question; it is asked in this thread.
        seconds: Wall time until the deadline.
        poll_seconds: Wall time between two questions.

    >>> wait_until(lambda: "there", 1.0)
    'there'
    >>> wait_until(lambda: None, 0.0) is None
    True
    """
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() > deadline
        answer = condition()
        if answer or late:
            return answer
        time.sleep(poll_seconds)
