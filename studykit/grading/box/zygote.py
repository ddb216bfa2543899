"""The zygote: a warm process inside the sandbox that forks one runner for each submission.

It has imported what the course needs and holds no secret. A runner gets namespaces, folders and a
user of its own before the first line of a submission runs, so that it can neither see this process
nor outlive its submission.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from studykit.grading.box import confine
from studykit.grading.box.runner import serve
from studykit.grading.box.shell import hush, make_shell
from studykit.grading.box.wire import Wire

LOOK_EVERY_S: Final = 0.05
PROCESSES: Final = 32


def main() -> None:
    """Serve the control socket whose number is the first argument.

    The second argument is JSON: `user` to become, or null; `modules` to import beforehand; `weak`
    where there is no sandbox around this process.
    """
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    confine.adopt_orphans()
    confine.hide_memory()
    for name in options["modules"]:
        with suppress(ImportError):
            importlib.import_module(name)
    shell = make_shell()
    gc.collect()
    gc.freeze()
    control.send(b'{"ready": true}')
    kind = WeakZygote if options["weak"] else Zygote
    kind(control, shell, options["user"]).serve()


class Zygote:
    """Starts and ends runners, one at a time."""

    def __init__(self, control: socket.socket, shell: Any, user: int | None) -> None:  # noqa: ANN401
        """Serve `control`; runners use `shell` and become `user`."""
        self._control = control
        self._shell = shell
        self._user = user
        self._own_pages = _resident(os.getpid())
        self._runner: int | None = None
        self._memory = 0
        self._over = False

    def serve(self) -> None:
        """Serve until the grader closes the control socket."""
        while True:
            self._control.settimeout(None if self._runner is None else LOOK_EVERY_S)
            try:
                data, ends, _, _ = socket.recv_fds(self._control, 65_536, 1)
            except TimeoutError:
                self._watch_memory()
                continue
            if not data:
                self._end()
                return
            request = json.loads(data)
            answer = self._start(ends[0], request) if "start" in request else self._end()
            self._control.send(json.dumps(answer).encode())

    def _start(self, end: int, request: dict[str, Any]) -> dict[str, Any]:
        self._memory, self._over = request["memory_bytes"], False
        self._runner = self._fork()
        if self._runner == 0:
            self._become_runner(end, request)
        os.close(end)
        return {"started": True}

    def _fork(self) -> int:
        """Fork a process that is the first of a new namespace; return its number, and 0 in it.

        A process between the two does the unsharing, because it cannot be taken back everywhere.
        """
        reader, writer = os.pipe()
        between = os.fork()
        if between == 0:
            try:
                confine.unshare(confine.CLONE_NEWPID)
                first = os.fork()
            except OSError:
                os._exit(1)
            if first:
                os.write(writer, str(first).encode())
                os._exit(0)
        os.close(writer)
        number = os.read(reader, 20) if between else b"0"
        os.close(reader)
        if between:
            os.waitpid(between, 0)
        return int(number)

    def _become_runner(self, end: int, request: dict[str, Any]) -> None:
        """Confine this process, serve the submission, end."""
        try:
            self._control.close()
            confine.limit(
                memory_bytes=request["memory_bytes"], processes=PROCESSES, cpu_s=request["cpu_s"]
            )
            self._confine()
            hush(request["output_bytes"])
            serve(Wire(socket.socket(fileno=end)), self._shell)
        finally:
            os._exit(1)

    def _confine(self) -> None:
        confine.fresh_folders()
        confine.become(self._user)

    def _end(self) -> dict[str, Any]:
        """Kill the runner and everything it started, wait for them, and say how it ended."""
        if self._runner is None:
            return {"status": 0, "memory": False, "cpu_s": 0.0}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # A runner that is ending already keeps its own status: a kill comes too late to change it.
        os.kill(self._runner, signal.SIGKILL)
        _, status = os.waitpid(self._runner, 0)  # waits for all processes of its namespace too
        self._runner = None
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"status": status, "memory": self._over, "cpu_s": cpu_s}

    def _theirs(self) -> list[int]:
        """Return the processes of the submission: all but this one and the sandbox's first."""
        pids = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
        return [pid for pid in pids if pid not in (1, os.getpid())]

    def _watch_memory(self) -> None:
        """Kill a submission whose processes together have taken more memory than one may."""
        if self._runner is None or self._over:
            return
        pages = sum(max(0, _resident(pid) - self._own_pages) for pid in self._theirs())
        if pages * resource.getpagesize() > self._memory:
            self._over = True
            os.kill(self._runner, signal.SIGKILL)


class WeakZygote(Zygote):
    """Without a sandbox: processes with limits, found and killed by their ancestry."""

    def _fork(self) -> int:
        return os.fork()

    def _confine(self) -> None:
        os.setsid()
        os.chdir(os.environ["HOME"])
        confine.become(self._user)

    def _theirs(self) -> list[int]:
        found = _children(os.getpid())
        for pid in found:
            found += _children(pid)
        return found

    def _end(self) -> dict[str, Any]:
        ended = super()._end()
        while heirs := _children(os.getpid()):
            for pid in heirs:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return ended


def _children(parent: int) -> list[int]:
    """Return the children of a process; orphans of a runner are adopted and so among them."""
    found = []
    for one in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            if int((one / "stat").read_text("ascii").rpartition(")")[2].split()[1]) == parent:
                found.append(int(one.name))
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0


if __name__ == "__main__":
    main()
