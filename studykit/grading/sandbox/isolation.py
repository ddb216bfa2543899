"""The sandbox around submissions, its levels, and the command that starts a process in it.

A level is what a self-test found to hold on this machine; see `selftest`. Without a sandbox
nothing is graded unless somebody asks for just that.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

import studykit
from studykit.grading.box import landlock
from studykit.grading.sandbox.cgroup import Branch

Level: TypeAlias = Literal["L4", "L3", "L2", "L0"]

MEANING: Final[dict[Level, str]] = {
    "L4": "bubblewrap, a user of its own for each worker, seccomp",
    "L3": "bubblewrap in a user namespace, seccomp",
    "L2": "Landlock and seccomp: it writes no file, opens no socket, reaches no other process",
    "L0": "untrusted isolation: a process with limits, no sandbox",
}

FIRST_USER: Final = 64_000
"""User ids from here on are given to submissions, one for each worker, where we are root."""
_RUNS: Final = 90
"""Ranges of user ids: the limit on processes counts all processes of a user, so two runs at the
same time must not share users. The last range ends below 65,536, as the ids of a container do."""
_WORKERS: Final = 16
"""User ids of a range, one for each worker; more workers than that take ids of the next range."""


def _first_user() -> int:
    return FIRST_USER + os.getpid() % _RUNS * _WORKERS


BUBBLES: Final[tuple[Level, ...]] = ("L4", "L3")
"""The levels at which everything runs inside of bubblewrap."""

COURSE: Final = "/course"
"""Where the staged course is, inside."""

_BIG: Final = str(64 * 2**20)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How to start a process: the level of isolation and the staged course.

    Attributes:
        level: What keeps the process in; `MEANING` says it in words.
        course: The folder that holds the course without answers, as `staging` has made it.
    """

    level: Level
    course: Path
    first_user: int = field(default_factory=_first_user)
    """The user of the first worker's submissions, where we are root."""
    branch: Branch | None = None
    """Where the kernel counts the memory of submissions; None where nothing was delegated."""

    def user(self, slot: int) -> int | None:
        """Return the user that submissions of worker number `slot` run as; None for our own."""
        return self.first_user + slot if self.level != "L0" and os.geteuid() == 0 else None

    @property
    def shared_count(self) -> bool:
        """Whether the system counts the processes of all workers' submissions together."""
        return self.level not in BUBBLES and self.user(0) is None

    @property
    def inside(self) -> str:
        """Where the staged course is for a process inside."""
        return COURSE if self.level in BUBBLES else str(self.course)

    @property
    def readable(self) -> list[str]:
        """What a process may read where there is no bubblewrap: the system, Python, the course."""
        system = [f"/{name}" for name in ("usr", "lib", "lib64", "bin", "sbin")]
        return [*system, *map(str, _pythons()), self.inside, self.environment()["HOME"]]

    def command(self, module: str, arguments: Sequence[str]) -> list[str]:
        """Return the command that runs a module of the course with `arguments`."""
        # -s: no package of the grader's home is found; -B: no bytecode is written.
        program = [sys.executable, "-s", "-B", "-m", module, *arguments]
        if self.level not in BUBBLES:
            return program
        return [_bwrap(), *_namespaces(self.level), *_folders(self.course), *program]

    def environment(self) -> dict[str, str]:
        """Return the environment of a process inside: nothing of the grader's own.

        One thread for a library, since threads count as processes; hashes of strings without
        chance, so that a set prints in the same order each time and a mark is the same twice.
        """
        home = "/box" if self.level in BUBBLES else str(self.course.parent / "home")
        return {
            "HOME": home,
            "IPYTHONDIR": f"{home}/.ipython",
            "LANG": "C.UTF-8",
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": home,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PATH": "/usr/bin:/bin",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": self.inside,
            "TZ": "UTC",
        }

    def start(
        self, module: str, arguments: Sequence[str], handles: Sequence[int]
    ) -> subprocess.Popen[bytes]:
        """Start a module of the course inside, with nothing open but `handles`.

        Args:
            module: Its name, as for `python -m`.
            arguments: Its arguments, which everything inside can read: no secret belongs there.
            handles: File descriptors, which have the same numbers inside.
        """
        environment = self.environment()
        home = None if self.level in BUBBLES else Path(environment["HOME"])
        if home:
            home.mkdir(exist_ok=True)
        return subprocess.Popen(
            self.command(module, arguments),
            env=environment,
            cwd=home,  # Python looks for modules where it is started
            pass_fds=handles,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def levels() -> list[Level]:
    """Return the levels that this machine might have, the best first, by what is installed."""
    found: list[Level] = []
    if shutil.which("bwrap") is not None:
        found.append("L4" if os.geteuid() == 0 else "L3")
    if landlock.version() >= landlock.LEAST:
        found.append("L2")
    return found


def _bwrap() -> str:
    return shutil.which("bwrap") or "bwrap"


def _namespaces(level: Level) -> list[str]:
    kinds = ["ipc", "pid", "net", "uts", "cgroup-try"] + (["user"] if level == "L3" else [])
    # For the zygote, which unshares, changes its user and kills; a runner gives all of them up.
    needed = ["SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "KILL"]
    return [
        *(f"--unshare-{kind}" for kind in kinds),
        # A new session: nothing inside can type into the terminal that the grader was started in.
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *(word for name in needed for word in ("--cap-add", f"CAP_{name}")),
    ]


def _folders(course: Path) -> list[str]:
    """Return the mounts: system and Python for reading, scratch that ends with the sandbox."""
    words = [*_system(), "--proc", "/proc", "--dev", "/dev"]
    for name in ("/tmp", "/box"):
        words += ["--perms", "1777", "--size", _BIG, "--tmpfs", name]
    homes = _pythons()
    for home in homes:
        if not home.is_relative_to("/usr"):
            words += [*_parents(home), "--ro-bind", str(home), str(home)]
    words += ["--ro-bind", str(course), COURSE]
    package = Path(studykit.__path__[0])
    if any(package.is_relative_to(home) for home in homes):
        words += ["--tmpfs", str(package)]  # installed, not linked: it would show the references
    # The root last: bubblewrap makes the mount points above, which a read-only root would refuse.
    return [*words, "--chdir", "/box", "--remount-ro", "/"]


def _pythons() -> list[Path]:
    """Return where Python and its packages are."""
    return list(dict.fromkeys(map(Path, (sys.base_prefix, sys.exec_prefix, sys.prefix))))


def _system() -> list[str]:
    words = ["--ro-bind", "/usr", "/usr"]
    for place in (Path("/", name) for name in ("lib", "lib64", "bin", "sbin")):
        if place.is_symlink():
            words += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    return words


def _parents(folder: Path) -> list[str]:
    """Return the words that make the parents of a mount; bubblewrap's own are closed to others."""
    above = [parent for parent in reversed(folder.parents) if len(parent.parts) > 1]
    return [word for parent in above for word in ("--perms", "0755", "--dir", str(parent))]
