"""What every background service can do: start, wait, stop and be killed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from studykit.errors import StudyError
from studykit.services.network.ports import HOST, is_taken, refusal
from studykit.services.supervision import process
from studykit.services.supervision.process import BackgroundProcess
from studykit.services.supervision.waiting import wait_until
from studykit.workspace import Workspace

Say = Callable[[str], None]
"""A function that tells a waiting person, in a few words, what is being done."""

_POLL_SECONDS = 0.05
_PORT_SECONDS = 2.0


def silent(_words: str) -> None:
    """Tell nobody: the `Say` of callers on whom no person waits."""


class Service(ABC):
    """A service of one workspace on one port of the loopback interface.

    A subclass says how to start the service (`command`) and how to know that it works (`answers`).

    Attributes:
        name: The name of its files, its port variable and its folder.
        title: The name that a person reads.
        default_port: The port where nobody chooses another.
        ready_seconds: Wall time from the start within which the service must answer.
        stop_seconds: Wall time that the service has to end by itself before it is killed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    default_port: ClassVar[int]
    ready_seconds: ClassVar[float] = 90.0
    stop_seconds: ClassVar[float] = 20.0

    def __init__(self, workspace: Workspace, port: int) -> None:
        self.workspace = workspace
        self.port = port

    @classmethod
    def port_variable(cls) -> str:
        """The environment variable that chooses the port."""
        return f"{cls.name.upper()}_PORT"

    @classmethod
    def record(cls, workspace: Workspace) -> BackgroundProcess | None:
        """Return the process of this service that runs in `workspace`; None if none runs."""
        return process.read_record(workspace.run / f"{cls.name}.json")

    @property
    def address(self) -> str:
        """Host and port, as clients write them."""
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """The file with what the service has written since its last start."""
        return self.workspace.logs / f"{self.name}.log"

    @property
    def data(self) -> Path:
        """The folder in which the service keeps its data."""
        return self.workspace.data / self.name

    def running(self) -> BackgroundProcess | None:
        """Return the process of this service; None if it does not run."""
        return self.record(self.workspace)

    def start(self, say: Say = silent) -> None:
        """Start the service unless it runs, and wait until it answers.

        Raises:
            StudyError: The port is taken, the service runs on another one, or it does not answer.
        """
        running = self.running()
        if running is None:
            # First: after a refusal nothing may have changed, neither settings nor the old log.
            self._refuse_taken_port()
            command = self.command(say)
            self._put_old_log_aside()
            process.launch(
                self.workspace.run / f"{self.name}.json",
                self.log,
                self.port,
                command,
                self.workspace.home,
            )
        elif running.port != self.port:
            raise StudyError(
                f"{self.title} already runs on port {running.port}: "
                f"`study down` stops it, then it can start on {self.port}"
            )
        say("waiting for an answer")
        self.wait()

    def wait(self) -> None:
        """Wait until the service answers.

        Raises:
            StudyError: It ended, or did not answer in `ready_seconds`.
        """
        if not wait_until(self._answers_or_died, self.ready_seconds, _POLL_SECONDS):
            raise StudyError(
                f"{self.title} has not answered for {self.ready_seconds:.0f} s{self._last_words()}"
            )

    def _answers_or_died(self) -> bool:
        answers = self.answers()
        if not answers and self.running() is None:
            raise StudyError(f"{self.title} stopped while it was starting{self._last_words()}")
        return answers

    def stop(self) -> bool:
        """Stop the service, if it runs; return whether it ran."""
        running = self.running()
        if running is not None:
            process.stop(running, self.stop_seconds)
        (self.workspace.run / f"{self.name}.json").unlink(missing_ok=True)
        return running is not None

    def kill(self) -> None:
        """Kill the service as a crash would. Its record stays, as after a crash."""
        running = self.running()
        if running is not None:
            process.kill(running)

    @abstractmethod
    def command(self, say: Say) -> list[str]:
        """Prepare what the service needs, and return the command that runs it."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the service does its work; a listening socket is not enough."""

    def _refuse_taken_port(self) -> None:
        """Refuse a port that is taken, after a moment: a killed service still holds its port."""
        if not wait_until(lambda: not is_taken(self.port), _PORT_SECONDS, _POLL_SECONDS):
            raise StudyError(refusal(self.port, self.port_variable()))

    def _put_old_log_aside(self) -> None:
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        words = f"; its last log line: {lines[-1].strip()[:300]}" if lines else ""
        return f"{words} (the whole log is {self.log})"
