"""Runs a service in the background: `launch.py RECORD LOG DETAILS COMMAND...`.

The service's own process writes its record before it becomes the service, so that no service
ever runs without one, whatever is killed when. It also takes a lock that it keeps for life: a
second one cannot start. This is a script of its own because a process with threads must not fork.

Exit status: 0 when the service runs, 1 when it cannot (the reason goes to standard error).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from pathlib import Path

import psutil

_LOCK_SECONDS = 5.0
"""A killed service counts as gone while its last threads still hold the lock for a moment."""


def main(record: Path, log: Path, details: str, command: list[str]) -> int:
    """Fork, and wait until the child has become `command`, or could not."""
    reader, writer = os.pipe()  # closed by a successful exec, which is how we learn of it
    if os.fork() == 0:
        try:
            _become(record, log, json.loads(details), command)
        except OSError as error:
            os.write(writer, f"{error.strerror}: {error.filename}".encode())
        os._exit(1)
    os.close(writer)
    failure = os.read(reader, 4096).decode()
    sys.stderr.write(failure)
    return 1 if failure else 0


def _become(record: Path, log: Path, details: dict[str, object], command: list[str]) -> None:
    os.setsid()  # Ctrl-C in the learner's terminal is not for the service
    lock = os.open(record.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    if not _take(lock):
        return  # it runs already; its own record says so
    # Through exec: the lock is the service's for as long as it lives.
    os.set_inheritable(lock, True)
    _write(record, details)
    _take_leash()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.execv(command[0], command)


def _take(lock: int) -> bool:
    """Take a lock, waiting a moment for it; tell whether this process has it."""
    # Not `wait_until`: this script starts quickly because it imports nothing of ours.
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _take_leash() -> None:
    """Write this process into the folders of those with whom it is to end: see `leash.py`."""
    me = psutil.Process()
    for folder in filter(None, os.environ.get("STUDY_LEASH", "").split(os.pathsep)):
        with contextlib.suppress(FileNotFoundError):  # the holder has ended; its watchman looks on
            Path(folder, f"{me.pid}-{me.create_time()}").touch()


def _write(record: Path, details: dict[str, object]) -> None:
    me = psutil.Process()
    # A reader finds no record or a whole one.
    temporary = record.with_suffix(".new")
    temporary.write_text(json.dumps({"pid": me.pid, "started": me.create_time(), **details}))
    temporary.replace(record)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
