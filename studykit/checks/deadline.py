"""A deadline: interrupt Python code that takes too long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_MAIN: Final = threading.main_thread()


class TooLong(BaseException):
    """Time is up. No `except Exception` of a learner's catches it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after `seconds`, where the system and the thread allow it.

    Raises:
        TooLong: In the code that was interrupted.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not _MAIN:
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
