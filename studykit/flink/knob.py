"""A running Flink job, one operator of which can be made slow: what lesson 14 starts when asked."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.flink.recording import JobRecording, record
from studykit.services.network.ports import free_port
from studykit.services.packages import has_flink
from studykit.services.supervision import process
from studykit.services.supervision.leash import hold_leash
from studykit.services.supervision.waiting import wait_until

_PATIENCE_S: Final = 300
_STOP_S: Final = 20


class KnobJob:
    """The job of `knob_job.py`, in a process of its own, with its numbers and its knob."""

    def __init__(self, folder: Path, is_over: Callable[[], bool] = lambda: False) -> None:
        """Start it; return when it works.

        Args:
            folder: The folder of its files.
            is_over: Whether nobody waits for it any more: then it need not work.

        Raises:
            StudyError: It does not start, or has not said anything of itself in time.
        """
        self._port = free_port()
        self._record, self._log = folder / "job.json", folder / "job.log"
        self._knob = folder / "knob"
        self.turn(0)
        job = [sys.executable, "-m", "studykit.flink.knob_job", str(self._port), str(self._knob)]
        process.launch(self._record, self._log, self._port, job, folder)
        try:
            if not wait_until(lambda: is_over() or self._works(), _PATIENCE_S, 1.0):
                raise StudyError(f"Flink has not answered within {_PATIENCE_S} s: start it again")
        except BaseException:
            self.close()
            raise

    @property
    def running(self) -> process.BackgroundProcess | None:
        """The process of the job; None if it has ended."""
        return process.read_record(self._record)

    def turn(self, sleep_ms: int) -> None:
        """Let the operator sleep for so many milliseconds for each record."""
        self._knob.write_text(f"{sleep_ms}")

    def look(self) -> JobRecording:
        """Return what each operator says of itself now, as a recording of one moment.

        Raises:
            StudyError: The job runs no more.
        """
        return record(self._port, 1)

    def close(self) -> None:
        """End the job."""
        if running := self.running:
            process.stop(running, _STOP_S)

    def _works(self) -> bool:
        """Return whether the job runs and has sent records to its last operator."""
        if self.running is None:
            last = (self._log.read_text("utf-8").strip().splitlines() or ["it said nothing"])[-1]
            raise StudyError(f"the job has ended: {last}")
        try:
            return self.look().moments[-1].operators[-1].records > 0
        except StudyError:
            return False


@contextmanager
def knob_job(is_over: Callable[[], bool] = lambda: False) -> Iterator[KnobJob]:
    """Start the job, and end it whatever happens; with this process it ends, too.

    Args:
        is_over: Whether nobody waits for its start any more.

    Raises:
        StudyError: PyFlink is not installed, or the job does not start.
    """
    if not has_flink():
        raise StudyError("PyFlink is not installed: `scripts/install.sh --flink` brings it, 370 MB")
    hold_leash()
    with tempfile.TemporaryDirectory(prefix="knob-job-") as folder:
        job = KnobJob(Path(folder), is_over)
        try:
            yield job
        finally:
            job.close()
