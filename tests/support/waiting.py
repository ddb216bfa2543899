"""Waiting in tests: for a condition, with a long limit, and for a group's coordinator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from kafka.errors import RetriableError

from studykit.services.supervision.waiting import wait_until

T = TypeVar("T")


def eventually(what: Callable[[], T], seconds: float = 60.0, poll_seconds: float = 0.1) -> T:
    """Poll until an answer is true, and return it; fail after a long time without one.

    Asked more often, a question with a Kafka client of its own would keep a processor busy, which
    what is waited for needs.
    """
    answer = wait_until(what, seconds, poll_seconds)
    assert answer, f"still not so after {seconds} s"
    return answer


def coordinated(ask: Callable[[], T]) -> T:
    """Ask the group coordinator, which takes a moment after the broker's start."""
    answers: list[T] = []

    def answered() -> bool:
        with suppress(RetriableError):
            answers.append(ask())
        return bool(answers)

    eventually(answered)
    return answers[0]
