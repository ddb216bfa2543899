"""Control groups: where a machine delegates one, its kernel counts all memory of a submission.

A sum over processes does not see what the kernel keeps for them: what sockets hold, page tables,
names of files. The kernel's own count does. Only version 2 is used, and only a part of the tree
that was given to us; `delegated` says what is needed. Source of the rules: "Control Group v2" of
the Linux kernel (https://docs.kernel.org/admin-guide/cgroup-v2.html), sections "Delegation", "No
Internal Process Constraint" and "Memory Interface Files".
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GONE_S: Final = 5.0
"""Seconds within which a group whose processes were killed can be removed."""
_AGAIN_S: Final = 0.002
_SUBMISSION: Final = "submission"
_CONTROL: Final = "cgroup.subtree_control"


@dataclass(frozen=True, slots=True)
class Branch:
    """The part of the tree of groups that was given to this run."""

    folder: Path

    def group(self, memory_bytes: int) -> SubmissionGroup:
        """Make a group whose processes may together add `memory_bytes` of memory.

        Raises:
            OSError: The system refuses.
        """
        number = 0
        while True:
            folder = self.folder / f"{_SUBMISSION}-{os.getpid()}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:  # its processes are still ending
                number += 1
                continue
            (folder / "memory.max").write_text(str(memory_bytes), "ascii")
            # All of its processes end, or none: without one it would go on, and be wrong.
            (folder / "memory.oom.group").write_text("1", "ascii")
            with suppress(FileNotFoundError):  # a kernel without swap
                (folder / "memory.swap.max").write_text("0", "ascii")
            return SubmissionGroup(folder)

    def opens(self) -> bool:
        """Move what is in the branch to a group of its own; return whether groups can be made."""
        try:
            self._own.mkdir()
            _move(self.folder, self._own)
            (self.folder / _CONTROL).write_text("+memory", "ascii")
            self.group(2**30).remove()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the branch back as it was, if no other run uses it."""
        for left in self.folder.glob(f"{_SUBMISSION}-*"):  # by a worker that was killed
            with suppress(OSError):
                left.rmdir()
        with suppress(OSError):
            (self.folder / _CONTROL).write_text("-memory", "ascii")
            _move(self._own, self.folder)
            self._own.rmdir()

    @property
    def _own(self) -> Path:
        return self.folder / f"study-{os.getpid()}"


@dataclass(frozen=True, slots=True)
class SubmissionGroup:
    """The group of one submission."""

    folder: Path

    def open_door(self) -> int:
        """Return a handle; the process that writes "0" to it enters the group."""
        return os.open(self.folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    def overflowed(self) -> bool:
        """Return whether the kernel ended processes because the group had no memory left."""
        lines = (self.folder / "memory.events").read_text("ascii").splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"]) > 0

    def remove(self) -> None:
        """Remove the group; its processes have been killed."""
        until = time.monotonic() + GONE_S
        while time.monotonic() < until:
            try:
                self.folder.rmdir()
            except OSError:  # the last process is dead, and its memory not yet given back
                time.sleep(_AGAIN_S)
            else:
                return


@contextmanager
def delegated() -> Iterator[Branch | None]:
    """Offer the branch that this process stands in, ready for groups; None if it has none.

    It needs a tree of version 2 with the memory controller, the right to write to the group of this
    process, and that this process and its ancestors are alone in that group: a group with groups
    below has no processes of its own, so all of them move to one below. `systemd-run --user --scope
    -p Delegate=yes` gives just that.
    """
    folder = _own_folder(Path("/proc/self/mountinfo"), Path("/proc/self/cgroup"))
    if folder is None or not _is_ours(folder):
        yield None
        return
    branch = Branch(folder)
    try:
        yield branch if branch.opens() else None
    finally:
        branch.close()


def _move(source: Path, target: Path) -> None:
    for number in (source / "cgroup.procs").read_text("ascii").split():
        (target / "cgroup.procs").write_text(number, "ascii")


def _own_folder(mountinfo: Path, cgroup: Path) -> Path | None:
    """Return where the group of this process is in the file system."""
    try:
        mounts = [line.split() for line in mountinfo.read_text("utf-8").splitlines()]
        own = [line for line in cgroup.read_text("utf-8").splitlines() if line.startswith("0::")]
    except OSError:
        return None
    for words in mounts:
        root, place, kind = words[3], words[4], words[words.index("-") + 1]
        if kind == "cgroup2" and own and Path(own[0][3:]).is_relative_to(root):
            return Path(place, Path(own[0][3:]).relative_to(root))
    return None


def _is_ours(folder: Path) -> bool:
    """Return whether groups can be made in `folder` and nobody else is in it."""
    try:
        controllers = (folder / "cgroup.controllers").read_text("ascii").split()
        there = set(map(int, (folder / "cgroup.procs").read_text("ascii").split()))
    except OSError:
        return False
    files = (folder, folder / "cgroup.procs", folder / _CONTROL)
    writable = all(os.access(path, os.W_OK) for path in files)
    return "memory" in controllers and writable and there <= set(_ancestry())


def _ancestry() -> list[int]:
    """Return this process and its ancestors."""
    found = [os.getpid()]
    while found[-1] > 1:
        try:
            words = Path(f"/proc/{found[-1]}/stat").read_text("ascii", "replace")
        except OSError:
            break
        found.append(int(words.rpartition(")")[2].split()[1]))
    return found
