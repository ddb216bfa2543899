"""A cell that runs something real for a learner: it says how long that takes, and stops all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from studykit.errors import StudyError
from studykit.services.live.broker import own_broker
from studykit.services.supervision.wait_line import wait_line

Opened = Callable[[], AbstractContextManager[str]]
"""What starts a broker, gives its address, and ends it."""


def run_in_cell(work: Callable[[str], None], words: str, opened: Opened = own_broker) -> None:
    """Print `words`, start a broker, do the work with its address, and stop the broker.

    What goes wrong is printed as a sentence. An interrupt ends the work, and the broker, too.
    """
    print(words)
    try:
        with ExitStack() as stack:
            stack.callback(print, "stopped and removed")
            with wait_line("Kafka starts, in about ten seconds"):
                servers = stack.enter_context(opened())
            work(servers)
    except StudyError as error:
        print(error)


def ask(function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - a learner's function
    """Return what a learner's function returns.

    Raises:
        StudyError: The function stops with an error of its own.
    """
    try:
        return function(*args)
    except Exception as error:
        raise StudyError(
            f"your function stops with {type(error).__name__}: {error}. Let its check pass first."
        ) from error
