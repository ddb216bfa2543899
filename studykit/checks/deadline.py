"""A deadline: interrupt Python code that takes too long."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_MAIN: Final = threading.main_thread()
_AGAIN_S: Final = 0.2
"""Code that swallows the interrupt is interrupted again after so many seconds."""


class TooLong(BaseException):
    """Time is up. No `except Exception` of a learner's catches it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Interrupt what runs inside after `seconds`, where the system and the thread allow it.

    A bare `except:` in a loop would swallow the interrupt. So every further line of the functions
    that were running is interrupted, too, those of the `except:` among them.

    Raises:
        TooLong: In the code that was interrupted.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not _MAIN:
        yield
        return
    ours = {id(frame) for frame in _frames(sys._getframe())}
    tracing = sys.gettrace()

    def stop(_number: int, frame: FrameType | None) -> None:
        for running in _frames(frame):
            if id(running) not in ours:
                running.f_trace = _stop_line
        if tracing is None:
            sys.settrace(_no_call)
        raise TooLong

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    outer_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(tracing)
        signal.signal(signal.SIGALRM, before)
        if outer_s:  # a deadline around this one goes on
            left_s = max(outer_s - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left_s, _AGAIN_S)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _stop_line(_frame: FrameType, event: str, _value: Any) -> Any:  # noqa: ANN401
    if event == "line":
        raise TooLong
    return _stop_line


def _no_call(_frame: FrameType, _event: str, _value: Any) -> None:  # noqa: ANN401
    """Trace no new call: what is asked of the system is that it traces lines at all."""
