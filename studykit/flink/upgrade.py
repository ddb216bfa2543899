"""The production job stopped with a savepoint and started again, changed: lab 12 ends with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from flink_jobs.config import Settings
from studykit.errors import StudyError
from studykit.flink.production import JobRig, payments
from studykit.services.live.cell import ask
from studykit.services.rig import own_folder
from studykit.services.supervision.wait_line import wait_line
from studykit.services.supervision.waiting import wait_until

Resumes = Callable[[dict[str, list[int]], list[list[Any]], bool], Any]
"""L12.6: saved state by uid, the new job's operators, whether state may be dropped: the outcome."""

_MOST_PARALLEL: Final = 128
_COUNT: Final = 200
_PATIENCE_S: Final = 300
_UID: Final = "fraud"
_SIZE_MS: Final = Settings().size_ms
_OTHER: Final = {"WINDOW_SIZE_MINUTES": str(2 * _SIZE_MS // 60_000)}


def show(resumed: Resumes) -> None:
    """Say what the function expects of two starts from one savepoint, and try both for real.

    Args:
        resumed: What the learner wrote for L12.6.
    """
    print(
        "a Kafka, a Redis and the production job start, stop and start again: about two minutes\n"
        f"your function, for windows of {2 * _SIZE_MS:_} ms: {expected(resumed, 2 * _SIZE_MS)}\n"
        f"your function, for windows of {_SIZE_MS:_} ms: {expected(resumed, _SIZE_MS)}"
    )
    rig = UpgradeRig()
    with rig.shown():
        rig.start()
        rig.begin()
        print(f"stopped with a savepoint, {_COUNT} payments read")
        print(f"the job, for windows of {2 * _SIZE_MS:_} ms: refused\n  {rig.refusal(_OTHER)}")
        print(f"the job, for windows of {_SIZE_MS:_} ms: goes on, {rig.go_on()} payments read")


def expected(resumed: Resumes, size_ms: int) -> str:
    """Return in words what the function says of a start whose windows have this size.

    >>> expected(lambda saved, plan, may_drop: {"refused": ["fraud"]}, 600_000)
    "refused because of ['fraud']"
    """
    saved, plan = {_UID: [_MOST_PARALLEL, _SIZE_MS]}, [[_UID, _MOST_PARALLEL, size_ms]]
    try:
        outcome = ask(resumed, saved, plan, False)
        refused = outcome["refused"]
    except StudyError as error:
        return str(error)
    except (KeyError, TypeError, IndexError):
        return f"{outcome!r}, which is no dict with 'refused'. Let its check pass first"
    return f"refused because of {refused}" if refused else "goes on"


class UpgradeRig(JobRig):
    """A Kafka, a Redis and the production job, whose settings may change between two starts."""

    def __init__(self, home: Path | None = None) -> None:
        """Work in a folder that is removed at the end; nothing starts before `start`."""
        super().__init__(home or own_folder("lab12"))
        self._changes: Mapping[str, str] = {}

    def begin(self) -> None:
        """Let the job read payments, and stop it with a savepoint.

        Raises:
            StudyError: The job ends before, or takes too long.
        """
        self.send(payments(_COUNT))
        self.start_job()
        self.wait_until_read()
        with wait_line("the job stops with a savepoint"):
            self.stop_program()

    def refusal(self, changes: Mapping[str, str]) -> str:
        """Start the job from its savepoint with other settings; return why it ends.

        Raises:
            StudyError: It does not end.
        """
        self._changes = changes
        self.start_job()
        with wait_line("the job has not yet looked at the savepoint"):
            ended = wait_until(lambda: self._running() is None, _PATIENCE_S)
        if not ended:
            raise StudyError(f"the job has not refused {dict(changes)}: look into {self._log}")
        return self._last_words(2_000).splitlines()[-1]

    def go_on(self) -> int:
        """Start the job from its savepoint as it was; return how many payments it has read in all.

        Raises:
            StudyError: The job ends before, or takes too long.
        """
        self._changes = {}
        self.send(payments(_COUNT))
        self.start_job()
        return self.wait_until_read()

    def _environ(self) -> dict[str, str]:
        return {**super()._environ(), **self._changes}
