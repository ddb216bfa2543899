"""The zygote: a warm process inside the sandbox that forks one runner for each submission.

It has imported what the course needs and holds no secret. A runner gets namespaces, folders and a
user of its own before the first line of a submission runs, so that it can neither see this process
nor outlive its submission.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import platform
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from studykit.grading.box import confine, kernel, landlock, seccomp
from studykit.grading.box.runner import rehearse, serve
from studykit.grading.box.shell import hush, make_shell
from studykit.grading.box.wire import Wire

LOOK_EVERY_S: Final = 0.05
PROCESSES: Final = 32
ALL_PROCESSES: Final = 2
"""All processes together may take as much as this many at their limit: a call runs in a fork, which
shows the memory of the process that it came from as its own."""

MOST_HANDLES: Final = len(kernel.CHANNELS) + 1
"""The connections of a kernel, and the door of a control group."""

DEVICES: Final = tuple(Path("/dev", name) for name in confine.DEVICES)


def main() -> None:
    """Serve the control socket whose number is the first argument.

    The second argument is JSON: `user` to become, or null; `modules` to import beforehand; `level`
    of isolation; `readable`, the paths that a runner may read where no sandbox is around this
    process; `kernels`, whether runners are notebook kernels.
    """
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    confine.adopt_orphans()
    confine.hide_memory()
    for name in options["modules"]:
        with suppress(ImportError):
            importlib.import_module(name)
    shell = None
    if options["kernels"]:
        kernel.preload()
    else:
        shell = make_shell()
        rehearse(shell)
    with suppress(OSError):
        seccomp.program(platform.machine())  # each runner finds it made
    gc.collect()
    with suppress(AttributeError):  # a C library without it
        ctypes.CDLL(None).malloc_trim(0)  # a fork costs by the memory that there is
    gc.freeze()  # a collection in a runner would write to shared pages, and so copy them
    control.send(b'{"ready": true}')
    readable = [Path(name) for name in options["readable"]]
    _KINDS.get(options["level"], Zygote)(control, shell, options["user"], readable).serve()


class Zygote:
    """Starts and ends runners, one at a time."""

    def __init__(
        self,
        control: socket.socket,
        shell: Any,  # noqa: ANN401
        user: int | None,
        readable: Sequence[Path],
    ) -> None:
        """Serve `control`; runners use `shell`, become `user` and may read `readable`."""
        self._control = control
        self._shell = shell
        self._user = user
        self._readable = readable
        self._own_pages = _resident(os.getpid())
        self._runner: int | None = None
        self._memory = 0
        self._over = False
        self._waits: dict[int, float] = {}
        self._waited_s = 0.0

    def serve(self) -> None:
        """Serve until the grader closes the control socket."""
        while True:
            self._control.settimeout(None if self._runner is None else LOOK_EVERY_S)
            try:
                data, ends, _, _ = socket.recv_fds(self._control, 65_536, MOST_HANDLES)
            except TimeoutError:
                self._look()
                continue
            if not data:
                self._end()
                return
            request = json.loads(data)
            self._control.send(json.dumps(self._answer(request, ends)).encode())

    def _answer(self, request: dict[str, Any], ends: Sequence[int]) -> dict[str, Any]:
        if "start" in request:
            return self._start(ends, request)
        if "usage" in request:
            return self._usage()
        return self._end()

    def _start(self, ends: Sequence[int], request: dict[str, Any]) -> dict[str, Any]:
        self._memory, self._over = ALL_PROCESSES * request["memory_bytes"], False
        self._waits, self._waited_s = {}, 0.0
        self._runner = self._fork()
        if self._runner == 0:
            self._become_runner(ends, request)
        for end in ends:
            os.close(end)
        return {"started": True}

    def _fork(self) -> int:
        """Fork a process that is the first of a new namespace; return its number, and 0 in it.

        A process between the two does the unsharing, because it cannot be taken back everywhere.
        """
        reader, writer = os.pipe()
        between = _bare_fork()
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

    def _become_runner(self, ends: Sequence[int], request: dict[str, Any]) -> None:
        """Confine this process, serve the submission, end."""
        try:
            self._control.close()
            if "group" in request:
                *ends, door = ends
                os.write(door, b"0")  # before the runner takes memory: what came before is ours
                os.close(door)
            os.setsid()  # what it sends to its group does not reach this zygote
            statm = confine.open_statm()
            # Before `_confine`: it counts the user's processes, and /proc shows none afterwards.
            confine.limit(processes=PROCESSES, cpu_s=request["cpu_s"], user=self._user)
            if "key" in request:
                self._confine()
                kernel.serve(ends, request["key"], statm)
                return
            confine.limit_memory(request["memory_bytes"], statm)
            os.close(statm)
            self._confine()
            hush(request["output_bytes"])
            serve(Wire(socket.socket(fileno=ends[0])), self._shell)
        finally:
            # Whatever was raised, a runner never comes back into the loop of the zygote.
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

    def _usage(self) -> dict[str, Any]:
        """Say whether the runner lives, how long it waited for a processor, and what it all used.

        Between two looks that process counts which waited longest, and of what all used the sum.
        """
        if self._runner is None:
            return {"alive": False, "waited_s": 0.0, "cpu_s": 0.0}
        done = os.waitid(os.P_PID, self._runner, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        theirs = self._theirs()
        self._note_waits(theirs)
        return {
            "alive": done is None,
            "waited_s": self._waited_s,
            "cpu_s": sum(map(_cpu_s, theirs)),
        }

    def _theirs(self) -> list[int]:
        """Return the processes of the submission: all but this one and the sandbox's first."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if pid not in (1, os.getpid())]

    def _look(self) -> None:
        """Count what a submission's processes have waited; end it if they took too much."""
        if self._runner is None or self._over:
            return
        theirs = self._theirs()
        self._note_waits(theirs)
        if self._memory_of(theirs) > self._memory:
            self._over = True
            os.kill(self._runner, signal.SIGKILL)

    def _note_waits(self, theirs: Sequence[int]) -> None:
        """Add how long the submission has waited for a processor since the last look.

        A sum over looks, because a process takes its own count with it when it ends: each call runs
        in a process of its own.
        """
        waits = {pid: _waited_s(pid) for pid in theirs}
        since = (wait_s - self._waits.get(pid, 0.0) for pid, wait_s in waits.items())
        self._waited_s += max(since, default=0.0)
        self._waits = waits

    def _memory_of(self, theirs: Sequence[int]) -> int:
        """Return the bytes that processes have taken beyond what this one has."""
        pages = sum(max(0, _resident(pid) - self._own_pages) for pid in theirs)
        return pages * resource.getpagesize()


class WeakZygote(Zygote):
    """Without a sandbox: processes with limits, found and killed by their ancestry."""

    def _fork(self) -> int:
        return os.fork()

    def _confine(self) -> None:
        os.chdir(os.environ["HOME"])
        confine.become(self._user)

    def _theirs(self) -> list[int]:
        return _descendants(os.getpid())

    def _end(self) -> dict[str, Any]:
        """Kill everything before anything is waited for.

        The dead count as processes until then, so that the living cannot replace them for ever.
        """
        quiet = 0
        while self._runner is not None and quiet < 2:  # a parent may end while we look
            alive = self._theirs()
            quiet = 0 if alive else quiet + 1
            for pid in alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return super()._end()


class LandlockZygote(WeakZygote):
    """Where nothing can be unshared: runners that may read the course and do nothing else."""

    def _confine(self) -> None:
        os.chdir(os.environ["HOME"])
        confine.no_new_privileges()
        landlock.restrict(self._readable, DEVICES)
        confine.become(self._user, (), shared=False)


_KINDS: Final = {"L2": LandlockZygote, "L0": WeakZygote}


def _bare_fork() -> int:
    """Fork without what Python does after a fork, for a child that only forks again and ends.

    That is right only because this process has no other thread whose locks the child would need.
    """
    return int(ctypes.PyDLL(None).fork())


def _descendants(ancestor: int) -> list[int]:
    """Return the living descendants of a process; orphans of a runner are adopted and so found."""
    parents: dict[int, int] = {}
    dead: set[int] = set()
    for path in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            # By the last bracket: the name of a process may hold brackets and spaces.
            state, parent = (path / "stat").read_text("ascii").rpartition(")")[2].split()[:2]
            parents[int(path.name)] = int(parent)
            dead |= {int(path.name)} if state in "ZX" else set()
    found = {ancestor}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - dead - {ancestor})


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _waited_s(pid: int) -> float:
    """Return how long a process was ready to run and did not; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process and of its children that have ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0


if __name__ == "__main__":
    main()
