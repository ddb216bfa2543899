"""Processes in the background, and the records by which another command knows them again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from flink_jobs.runtime.java import NO_PROXY
from studykit.errors import StudyError
from studykit.services.supervision.waiting import wait_until

_LAUNCHER = Path(__file__).with_name("launch.py")
_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0
_OF_ANOTHER_FLINK = ("FLINK_", "PYFLINK_", "PYTHON_LOOPBACK_")
"""How variables begin that are meant for another Flink: the user's own, or one in this process.

A Flink that is started with them would look for its settings there, and send its Python functions
to the workers of the one in this process.
"""
_CLOCK_SLACK_SECONDS = 2.0
"""A start time is boot time plus uptime, and the system corrects its boot time by a little."""


class BackgroundProcess(Struct, frozen=True):
    """A background process.

    Attributes:
        pid: Its number, which the system may give to another process later.
        started: Its start, epoch seconds, which tells it from such a later process.
        port: The port that it serves; 0 where it serves none.
    """

    pid: int
    started: float
    port: int

    def process(self) -> psutil.Process | None:
        """Return the process if it still runs, and is the one that was started."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _CLOCK_SLACK_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def launch(record: Path, log: Path, port: int, command: Sequence[str], folder: Path) -> None:
    """Start `command` in the background, in a session of its own; return when it runs.

    Args:
        record: The file that tells of the process. A record whose process runs is left as it is,
            and no second one is started.
        log: The file that its output is appended to.
        port: The port that it will serve.
        command: The program, by its path, and its arguments.
        folder: The folder that it runs in.

    Raises:
        StudyError: The command cannot be executed.
    """
    details = msgspec.json.encode({"port": port}).decode()
    # -I: neither PYTHONPATH nor a package of the user's home changes what the launcher imports.
    launcher = [sys.executable, "-I", str(_LAUNCHER), str(record), str(log), details]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(_OF_ANOTHER_FLINK)
    }
    environ.setdefault(*NO_PROXY)
    result = subprocess.run(
        [*launcher, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environ,
        start_new_session=True,  # a kernel that is interrupted interrupts its whole group
    )
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StudyError(f"cannot run {command[0]} ({reason}): `study doctor` says what is missing")


def read_record(record: Path) -> BackgroundProcess | None:
    """Return the process that `record` tells of; None if it has ended or the file is no record."""
    try:
        running = msgspec.json.decode(record.read_bytes(), type=BackgroundProcess)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return running if running.process() else None


def stop(running: BackgroundProcess, patience_seconds: float) -> None:
    """Ask a process to end, kill it after `patience_seconds`, and return when it has ended."""
    if process := running.process():
        process.terminate()
        if not _gone(running, patience_seconds):
            kill(running)


def kill(running: BackgroundProcess) -> None:
    """Kill a process (SIGKILL: it cannot clean up), and return when it has ended."""
    if process := running.process():
        process.kill()
        _gone(running, _KILL_SECONDS)


def _gone(running: BackgroundProcess, seconds: float) -> bool:
    """Wait for a process to end; a zombie, which its parent has yet to notice, counts as gone."""
    return wait_until(lambda: running.process() is None, seconds, _POLL_SECONDS)
