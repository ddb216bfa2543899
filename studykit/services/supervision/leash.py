"""A leash: whatever a process starts from here on ends with it, however it ends.

    hold_leash()  # in a demo, a bench, a lesson, a test run

Services run in sessions of their own, Java starts Python workers, and a kill -9 lets nobody clean
up. So the leash is a folder, whose name every process hands on in its environment to what it
starts, and a watchman: a process of its own that waits for the holder's end and then kills whatever
has that name. A service also writes itself into the folder (`launch.py`), since a Redis server
writes its title over its environment. What a person starts to stay (`make up`) takes the leash off
first: `slip_leash`.

The watchman is this file, run as a script: `leash.py PID FOLDER`.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

VARIABLE: Final = "STUDY_LEASH"
"""The environment variable with the folders of all holders above, as in `PATH`.

There are two where a test runs the demo.
"""

_FIRM: Final = "firm-leash-"
_LOOSE: Final = "leash-"
_HOLDERS: Final[dict[int, str]] = {}
"""The folder of this process, once it holds a leash; a fork inherits the entry, and holds none."""
_POLL_SECONDS: Final = 0.5
_SWEEP_SECONDS: Final = 0.2
_QUIET_SWEEPS: Final = 3
"""A process may be forking while it is looked at, so that one sweep without a find is no proof."""
_SWEEPS: Final = 50


def hold_leash(*, firm: bool = False) -> None:
    """Bind to this process whatever it starts from here on, and whatever those processes start.

    They are killed within seconds of this process's end, however it ends. A second call does
    nothing.

    Args:
        firm: Whether `slip_leash` cannot take this leash off: a test run leaves nothing behind.
    """
    if os.getpid() in _HOLDERS:
        return
    folder = _HOLDERS[os.getpid()] = tempfile.mkdtemp(prefix=_FIRM if firm else _LOOSE)
    subprocess.Popen(
        [sys.executable, "-I", __file__, str(os.getpid()), folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what kills the holder's process group must not kill the watchman
        cwd="/",
    ).returncode = 0  # else Python complains at its end that the watchman still runs
    os.environ[VARIABLE] = os.pathsep.join([*_folders(os.environ), folder])


def slip_leash(environ: MutableMapping[str, str]) -> None:
    """Take all leashes but firm ones off `environ`: what is started with it outlives the holder."""
    firm = [folder for folder in _folders(environ) if Path(folder).name.startswith(_FIRM)]
    environ.pop(VARIABLE, None)
    if firm:
        environ[VARIABLE] = os.pathsep.join(firm)


def leashed_folder(prefix: str, parent: Path | None = None) -> Path:
    """Return a new folder that is removed with what is on this process's leash, however it ends.

    `TemporaryDirectory` removes a folder only where the process has time to do it: a kernel that is
    restarted has none.

    Args:
        prefix: How the folder's name begins.
        parent: Where the folder is; None puts it into the leash, which is on the disk for temporary
            files.
    """
    hold_leash()
    leash = Path(_HOLDERS[os.getpid()])
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent or leash))
    if parent is not None:
        (leash / folder.name).symlink_to(folder)
    return folder


def held(folder: Path) -> Iterator[psutil.Process]:
    """Yield the running processes on the leash of `folder`.

    The system shows the environment of a process as it was when its program began. The holder took
    up its leash later, so it is not among them.
    """
    services = {entry.name for entry in folder.iterdir()}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # a process of another user, or one that just ended
            known = f"{process.pid}-{process.create_time()}" in services
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if known or str(folder) in _folders(process.environ()):
                yield process


def watch(holder: int, folder: Path) -> None:
    """Wait for the end of the process `holder`, then kill what is on its leash until nothing is.

    Nothing is asked to end before it is killed: nobody is left to read what it would write.
    """
    # The watchman outlives every signal to the holder's terminal: else nobody would clean up.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _wait_for_end(holder)
    quiet = 0
    for _ in range(_SWEEPS):
        found = [process for process in held(folder) if process.pid != os.getpid()]
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_SWEEPS:
            break
        time.sleep(_SWEEP_SECONDS)
    for entry in folder.iterdir():
        if entry.is_symlink():  # a folder elsewhere, which `rmtree` would leave
            shutil.rmtree(entry.resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for_end(pid: int) -> None:
    if hasattr(os, "pidfd_open"):  # Linux tells; elsewhere one has to look
        with suppress(ProcessLookupError):
            select.select([os.pidfd_open(pid)], [], [])
        return
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(_POLL_SECONDS)


def _folders(environ: Mapping[str, str]) -> list[str]:
    return [folder for folder in environ.get(VARIABLE, "").split(os.pathsep) if folder]


if __name__ == "__main__":
    watch(int(sys.argv[1]), Path(sys.argv[2]))
