"""The deadline of an answer, where the interpreter is in one of its own callbacks."""

from __future__ import annotations

import gc
import signal
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from studykit.checks.deadline import TooLong, deadline


def endless(*_: object) -> None:
    """Be interrupted in the middle of this, whenever that is, and for ever go on."""
    signal.raise_signal(signal.SIGALRM)
    while True:
        pass


class Thing:
    """Something that a weak reference can refer to."""


class Hanging:
    """Something that takes for ever to vanish."""

    __del__ = endless


class Faulty:
    """Something that fails when it vanishes."""

    def __del__(self) -> None:
        raise ValueError


def vanishes() -> None:
    Hanging()


def is_referred_to() -> None:
    thing = Thing()
    _watch = weakref.ref(thing, endless)
    del thing


def is_collected() -> None:
    gc.callbacks.append(endless_once)
    gc.collect()


def endless_once(*_: object) -> None:
    gc.callbacks.remove(endless_once)  # or the next collection, after the deadline, never ends
    endless()


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what the interpreter says of exceptions that a callback has lost."""
    reports: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: reports.append(lost.exc_type))
    return reports


@pytest.mark.parametrize("callback", [vanishes, is_referred_to, is_collected])
def test_an_interrupt_lost_in_a_callback_is_made_good_in_silence(
    reported: list[Any], callback: Callable[[], None]
) -> None:
    with pytest.raises(TooLong), deadline(10):
        callback() or time.sleep(600)  # of one line: no further line is there to interrupt
    assert TooLong not in reported  # the collector may find what others have left


def test_what_else_a_callback_loses_is_reported_as_before(reported: list[Any]) -> None:
    report = sys.unraisablehook
    with deadline(60):
        Faulty()
    assert ValueError in reported
    assert sys.unraisablehook is report


@pytest.mark.timeout(method="thread")  # the usual method has the same alarm and the same timer
def test_an_alarm_in_the_clean_up_leaves_no_timer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    set_timer = signal.setitimer

    def alarmed(which: int, seconds: float, *again: float) -> tuple[float, float]:
        if seconds == 0:
            signal.raise_signal(signal.SIGALRM)
        return set_timer(which, seconds, *again)

    monkeypatch.setattr(signal, "setitimer", alarmed)
    with deadline(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
