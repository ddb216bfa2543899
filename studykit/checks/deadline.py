"""A deadline: Python code that takes too long is interrupted, even where it swallows exceptions."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Final

_MAIN: Final = threading.main_thread()
_AGAIN_S: Final = 0.2
"""Code that swallows the interrupt is interrupted again after this many seconds."""
_AT_ONCE_S: Final = 0.001
"""As soon as may be: 0 would stop the timer."""


class TooLong(BaseException):
    """The time is up. It is no `Exception`, so that a learner's `except Exception` lets it pass."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Interrupt the code inside after `seconds` of wall time.

    A bare `except:` in a loop would swallow the interrupt. So every further line of the functions
    that were running is interrupted, too, those of the `except:` among them. Where the system has
    no timer, or in another thread than the main one, the code runs without a deadline.

    Nothing tells a callback of the interpreter's (`__del__`, of a weak reference, of the garbage
    collector) from what it interrupts, and it loses what is raised in it. So such a loss is not
    reported, as others are, but made good: the code is interrupted again once the callback is over.

    Raises:
        TooLong: In the code that was interrupted.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not _MAIN:
        yield
        return
    # The functions that called us must go on after the deadline: only those inside are stopped.
    ours = {id(frame) for frame in _frames(sys._getframe())}
    tracing = sys.gettrace()
    is_over = False

    def stop(_number: int, frame: FrameType | None) -> None:
        if is_over:  # in the clean-up `TooLong` would leave the timer running, for whoever is next
            return
        for running in _frames(frame):
            if id(running) not in ours:
                running.f_trace = _stop_line
        if tracing is None:
            sys.settrace(_no_call)
        raise TooLong

    report = sys.unraisablehook
    sys.unraisablehook = partial(_make_good, report)
    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    outer_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        try:
            yield
        finally:
            is_over = True
    finally:
        is_over = True  # again: the alarm may have come between the two
        sys.unraisablehook = report  # before the timer is stopped: the hook sets it
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(tracing)
        signal.signal(signal.SIGALRM, before)
        if outer_s:  # a deadline around this one goes on
            left_s = max(outer_s - (time.monotonic() - began), _AT_ONCE_S)
            signal.setitimer(signal.ITIMER_REAL, left_s, _AGAIN_S)


def _make_good(
    report: Callable[[sys.UnraisableHookArgs], Any], lost: sys.UnraisableHookArgs
) -> None:
    """Interrupt again at once where a callback has lost the interrupt; report what else it lost."""
    if isinstance(lost.exc_value, TooLong):
        signal.setitimer(signal.ITIMER_REAL, _AT_ONCE_S, _AGAIN_S)
    else:
        report(lost)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _stop_line(_frame: FrameType, event: str, _value: Any) -> Any:  # noqa: ANN401
    if event == "line":
        raise TooLong
    return _stop_line


def _no_call(_frame: FrameType, _event: str, _value: Any) -> None:  # noqa: ANN401
    """Trace no new call. Without a trace function Python would ignore `f_trace` of the frames."""
