"""The self-test: tries to break out of the sandbox before anything is graded in it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from studykit.errors import StudyError
from studykit.grading.sandbox.cgroup import Branch
from studykit.grading.sandbox.fork_engine import ForkEngine
from studykit.grading.sandbox.isolation import MEANING, Level, Sandbox, levels
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.session import Death
from studykit.grading.sandbox.warden import EngineFailure

_ATTEMPTS: Final = {
    "read a file of the instructor": "open({canary!r}).read()",
    "change a file of the instructor": "import os; os.chmod({canary!r}, 0)",
    "see the environment of the instructor": "import os; os.environ['GRADING_CANARY']",
    "read the answers of an exercise": "import {answer_module}",
    "read the answers where the course is installed": "open({answers!r}).read()",
    "read the grader": "import {grader_module}",
    "write to the course": "open({inside!r} + '/x', 'w')",
    "write to Python": "import sys; open(sys.prefix + '/x', 'w')",
    "write to the root folder": "open('/x', 'w')",
    "write to the devices": "open('/dev/x', 'w')",
    "remove a device": "import os; os.remove('/dev/null')",
    "fill a folder with more files than it may": (
        "for n in range(3_000): open(f'/tmp/{{n}}', 'w').close()"
    ),
    "fill a folder with more bytes than it may": "open('/tmp/x', 'wb').write(bytes(40 * 2**20))",
    "see what is mounted": "open('/proc/self/mountinfo').read()",
    "ask the system what is mounted": (
        # statmount, refused (EPERM) or unknown to the kernel (ENOSYS): with no arguments it always
        # fails, and with another error it was there to ask
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); libc.syscall(457, 0, 0, 0, 0);"
        "assert ctypes.get_errno() not in (1, 38)"
    ),
    "reach a server by TCP": "import socket; socket.create_connection(('127.0.0.1', {port}), 1)",
    "reach a network by UDP": (
        "import socket; socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))"
    ),
    "reach a server by its file": "import socket; socket.socket(1, 1).connect({door!r})",
    # AF_VSOCK: where this machine is virtual, it leads to the one that hosts it, past its network.
    "open a socket to the host": "import socket; socket.socket(40, 1)",
    "signal the grader": "import os; os.kill({pid}, 0)",
    "set limits of the grader": (
        "import resource; resource.prlimit({pid}, resource.RLIMIT_CORE, (0, 0))"
    ),
    "see other processes": "import os; assert [p for p in os.listdir('/proc') if p.isdigit()]",
    "trace a process": "import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
    "make a namespace": "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "mount a folder": (
        "import ctypes; assert ctypes.CDLL(None).mount(b'x', b'/box', b'tmpfs', 0, b'') == 0"
    ),
    "become root": "import os; os.setuid(0); assert os.getuid() == 0 == os.geteuid(), 'no'",
    "take all memory": "bytearray({memory})",
    "keep memory in a file that has no name": "import os; os.memfd_create('x')",
    "keep memory in a shared segment": (
        "import ctypes; assert ctypes.CDLL(None).shmget(0, 4096, 0o600) >= 0"
    ),
    "keep memory in a shared mapping": "import mmap; mmap.mmap(-1, 4096)",
    "find what an earlier one left": (
        "import os; assert 'left' in os.listdir('/tmp') + os.listdir('.')"
    ),
}
_KEPT_OUT: Final = ("studykit.exercises.{lab}", "studykit.grading.secret")
"""Modules that must not be found inside; each is found outside, or the test would prove nothing."""

_WORK: Final = """
import os, socketserver, studykit.trace.stories
child = os.fork()
if child == 0:
    os._exit(7)
assert os.waitpid(child, 0)[1] == 7 << 8
"""
"""What must work: loading what was not loaded before, and starting a process."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the self-test found: the sandbox, and which attempts got out."""

    sandbox: Sandbox
    attempts: tuple[str, ...]
    escapes: tuple[str, ...]

    @property
    def level(self) -> Level:
        """The level that every report shows."""
        return self.sandbox.level

    @property
    def text(self) -> str:
        """One line about it."""
        held = len(self.attempts) - len(self.escapes)
        if not self.attempts:
            return f"isolation {self.level}: {MEANING[self.level]}"
        counted = ", memory counted by the kernel" if self.sandbox.branch else ""
        tried = f"{held} of {len(self.attempts)} break-outs failed"
        return f"isolation {self.level}: {MEANING[self.level]}{counted}; {tried}"


def choose_sandbox(course: Path, lab: str, *, weak: bool, branch: Branch | None = None) -> Findings:
    """Return the best sandbox that holds on this machine.

    Args:
        course: The staged course.
        lab: The lab to be graded.
        weak: Whether to go on without one.
        branch: Where groups of submissions can be made, if anywhere.

    Raises:
        StudyError: None holds, and `weak` is not set.
    """
    reasons = []
    choices = [(level, tree) for level in levels() for tree in dict.fromkeys((branch, None))]
    for level, tree in choices:
        try:
            findings = examine(Sandbox(level, course, branch=tree), lab)
        except EngineFailure as failure:
            reasons.append(f"{level} does not start here ({failure})")
            continue
        if not findings.escapes:
            return findings
        reasons.append(f"{level} does not hold here: it was possible to {findings.escapes[0]}")
    if not weak:
        raise StudyError(
            f"{'; '.join(reasons) or 'there is no sandbox here'}: install bubblewrap and allow "
            "user namespaces (labs/INSTRUCTORS.md says how), or accept the risk with "
            "--allow-weak-isolation"
        )
    return Findings(Sandbox("L0", course), (), ())


def examine(sandbox: Sandbox, lab: str) -> Findings:
    """Try to break out of a sandbox.

    Raises:
        EngineFailure: It does not start, or what must work does not work in it.
    """
    engine = ForkEngine(sandbox, 0, [], Limits(memory_bytes=256 * 2**20))
    try:
        with engine.session() as session:
            if error := session.run(_WORK, 10):
                raise EngineFailure(f"no work can be done in it, {error[0]}: {error[1]}")
            session.run("open('/tmp/left', 'w'); open('left', 'w')", 10)
        with _target(sandbox.course.parent) as known:
            answers, grader = _kept_out(lab)
            known |= {"answer_module": answers.name, "grader_module": grader.name}
            known |= {"answers": answers.origin, "memory": 512 * 2**20, "inside": sandbox.inside}
            attempts = {name: code.format(**known) for name, code in _ATTEMPTS.items()}
            escapes = [name for name, code in attempts.items() if _gets_out(engine, code)]
    except Death as death:
        raise EngineFailure(f"no work can be done in it: {death.trouble}") from None
    finally:
        engine.close()
        os.environ.pop("GRADING_CANARY", None)
    return Findings(sandbox, tuple(attempts), tuple(escapes))


def _kept_out(lab: str) -> list[ModuleSpec]:
    """Return where the modules are that must not be found inside.

    Raises:
        EngineFailure: One is not here either: that it is not found inside would mean nothing.
    """
    specs = []
    for name in (pattern.format(lab=lab) for pattern in _KEPT_OUT):
        spec = find_spec(name)
        if spec is None:
            raise EngineFailure(f"the self-test looks for {name}, which has moved")
        specs.append(spec)
    return specs


def _gets_out(engine: ForkEngine, code: str) -> bool:
    """Return whether a cell runs to its end; a runner that dies in the cell has not escaped."""
    with engine.session() as session:
        try:
            return session.run(code, 10) is None
        except Death:
            return False


@contextmanager
def _target(folder: Path) -> Iterator[dict[str, object]]:
    """Offer what must not be reached: a file, a variable, a server, a process."""
    canary = folder / "canary"
    canary.write_text(json.dumps("canary"), "utf-8")
    canary.chmod(0o644)  # for everybody: nothing but the sandbox may keep it from being read
    os.environ["GRADING_CANARY"] = "1"
    with (
        TemporaryDirectory(prefix="study-") as room,
        socket.socket(socket.AF_UNIX) as door,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        Path(room).chmod(0o755)
        door.bind(f"{room}/door")
        Path(room, "door").chmod(0o777)
        door.listen()
        yield {
            "canary": str(canary),
            "door": f"{room}/door",
            "port": server.getsockname()[1],
            "pid": max(2, os.getpid()),  # 1 is the sandbox's own first process inside
        }
    canary.unlink()
