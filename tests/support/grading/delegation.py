"""What a grader finds where a branch of the tree of groups was given to it; run in `kernel.boot`.

Prints JSON: what became of submissions that take memory, with groups and without, what the run
leaves, and whether a branch is taken in which somebody else stands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

from studykit.grading.sandbox.cgroup import Branch, delegated
from studykit.grading.sandbox.fork_engine import ForkEngine
from studykit.grading.sandbox.isolation import Sandbox
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.session import Death
from studykit.grading.sandbox.staging import stage
from tests.support.grading.kernel import GROUPS

LIMITS = Limits(memory_bytes=48 * 2**20)
"""Two times this for all processes together: what their sockets hold is more than that."""

ORDINARY = "x = bytearray(10 * 2**20)"
IN_SOCKETS = """
import os, socket
full, told = os.pipe()
children = [1]
while all(children) and len(children) < 16:
    children.append(os.fork())
quiet, other = socket.socketpair()
kept = [socket.socketpair() for _ in range(27)]
for pair in kept:
    for end in pair:
        end.setblocking(False)
        try:
            while True:
                end.send(bytes(32_768))
        except BlockingIOError:
            pass
if all(children):
    for _ in children[1:]:
        os.read(full, 1)
else:
    os.write(told, b"x")
    quiet.recv(1)  # for ever: a child that came to its end would answer in the first one's place
"""
"""Each process keeps what it has sent and nobody reads: memory of the kernel, in no process. The
first one ends when all are full."""


def main() -> None:
    """Stand in a group of one's own, and say what is found."""
    home = Path(GROUPS, "given")
    home.mkdir()
    (home / "cgroup.procs").write_text(str(os.getpid()), "ascii")
    course = stage(Path(mkdtemp(dir="/dev/shm")) / "course")
    course.parent.chmod(0o755)
    found: dict[str, object] = {"before": _shape(home)}
    with delegated() as branch:
        found["within"] = _shape(home)
        counted, alone = Sandbox("L4", course, branch=branch), Sandbox("L4", course)
        found["ordinary"] = _fate(counted, ORDINARY)
        found["in sockets"] = _fate(counted, IN_SOCKETS)
        found["in sockets, not counted"] = _fate(alone, IN_SOCKETS)
    found["after"] = _shape(home)
    found["beside another"] = _beside_another(home)
    json.dump(found, sys.stdout)


def _fate(sandbox: Sandbox, source: str) -> str:
    engine = ForkEngine(sandbox, 0, [], LIMITS)
    try:
        with engine.session() as session:
            error = session.run(source, 60)
            return "lives" if error is None else ": ".join(error)
    except Death as death:
        return death.trouble
    finally:
        engine.close()


def _shape(home: Path) -> list[object]:
    """Return whether we stand in a group, what its groups below count, and which there are.

    Others may stand there for a moment: processes of a sandbox that was closed and that still end.
    """
    there = str(os.getpid()) in (home / "cgroup.procs").read_text("ascii").split()
    below = [path.name.rpartition("-")[0] for path in home.iterdir() if path.is_dir()]
    return [there, (home / "cgroup.subtree_control").read_text("ascii").split(), below]


def _beside_another(home: Path) -> Branch | None:
    with subprocess.Popen(["sleep", "60"]) as other:  # it starts in our group
        try:
            with delegated() as branch:
                return branch
        finally:
            other.kill()


if __name__ == "__main__":
    main()
