"""Confining a process for good: own folders, hard limits, another user, no way back.

Everything here is called in a process that was just forked, before a line of a submission runs.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from studykit.grading.box import seccomp

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWPID: Final = 0x20000000

SCRATCH: Final = ("/tmp", "/box", "/dev/shm")
"""The only folders that a submission may write to; each is new and small, and ends with it."""

FOLDER_BYTES: Final = 32 * 2**20
FOLDER_INODES: Final = 2_048
"""Most files of a scratch folder: an empty file takes memory of the system, too."""

DEVICES: Final = ("null", "full", "random", "urandom")
"""All that is in /dev. /dev/zero is not: mapped and shared, it is memory that no sum over processes
counts."""

OPEN_FILES: Final = 64
"""Open files of a process. Sockets hold what was sent and not read, 208 KiB each."""

_PRIVATE_RECURSIVE: Final = 0x44000
_BIND_FLAG: Final = 0x1000
_NOSUID_NODEV: Final = 0x6
_READ_ONLY: Final = 0x1
_NOSUID: Final = 0x2
_REMOUNT: Final = 0x20
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _PR_NO_NEW_PRIVS = 4, 24, 36, 38
_CAPABILITIES_V3: Final = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process, or its future children, into new namespaces.

    Raises:
        OSError: The system refuses.
    """
    _require(_libc.unshare(flags), "unshare")


def adopt_orphans() -> None:
    """Make this process the parent of whatever its children leave behind."""
    _require(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper")


def hide_memory() -> None:
    """Let no process of the same user read or change the memory of this one."""
    _require(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")


def fresh_folders() -> None:
    """Give this process a file system on which nothing can be written but scratch of its own.

    Its /dev is new, read-only and without terminals, its /proc shows nothing. A Python that lies in
    a scratch folder stays visible there: a clone may be anywhere.

    Raises:
        OSError: The system refuses.
    """
    unshare(CLONE_NEWNS | CLONE_NEWIPC)
    # Else what is mounted from here on would be mounted outside, too.
    _mount("none", "/", "", _PRIVATE_RECURSIVE, "")
    kept = {path for path in (sys.base_prefix, sys.prefix) if path.startswith(SCRATCH)}
    # Opened before the scratch is mounted, which hides them.
    handles = {path: os.open(path, os.O_PATH) for path in kept}
    _fresh_devices()
    for folder in SCRATCH:
        limits = f"mode=1777,size={FOLDER_BYTES},nr_inodes={FOLDER_INODES}"
        _mount("scratch", folder, "tmpfs", _NOSUID_NODEV, limits)
    for place, handle in handles.items():
        os.makedirs(place)
        _bind(handle, place)
    # After the last `_bind`, which goes by /proc.
    _mount("none", "/proc", "tmpfs", _NOSUID_NODEV | _READ_ONLY, "size=4096")
    # The folder that this process stood in lies below the new mounts, and is still the old one.
    os.chdir("/box")


def _fresh_devices() -> None:
    handles = {f"/dev/{name}": os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES}
    _mount("devices", "/dev", "tmpfs", _NOSUID, "mode=755,size=65536,nr_inodes=16")
    for place, handle in handles.items():
        os.close(os.open(place, os.O_CREAT))
        _bind(handle, place)
    os.mkdir("/dev/shm")
    _mount("none", "/dev", "", _REMOUNT | _BIND_FLAG | _READ_ONLY | _NOSUID, "")


def _bind(handle: int, place: str) -> None:
    _mount(f"/proc/self/fd/{handle}", place, "", _BIND_FLAG, "")
    os.close(handle)


def open_statm() -> int:
    """Return a handle that tells the memory of this process when /proc shows nothing any more."""
    return os.open("/proc/self/statm", os.O_RDONLY)


def limit_memory(memory_bytes: int, statm: int, *, for_good: bool = True) -> None:
    """Let this process, and each that it starts, add that much address space to what it has now.

    Args:
        memory_bytes: How much.
        statm: A handle of `open_statm`.
        for_good: Whether none of them can ever raise the limit again.
    """
    most = int(os.pread(statm, 100, 0).split()[0]) * resource.getpagesize() + memory_bytes
    hard = most if for_good else resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def limit(*, processes: int, cpu_s: int, user: int | None) -> None:
    """Set hard limits on all but memory.

    Args:
        processes: Processes and threads that `user` may have beside those that it has now.
        cpu_s: Processor seconds of one process.
        user: The user that this process will become; None: it stays who it is.
    """
    for kind, value in (
        (resource.RLIMIT_NPROC, processes + _tasks(os.getuid() if user is None else user)),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _tasks(user: int) -> int:
    """Return how many processes and threads of a user can be seen from here."""
    found = 0
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and process.stat().st_uid == user:
                found += len(os.listdir(process / "task"))
    return found


def become(
    user: int | None, families: tuple[int, ...] = seccomp.FAMILIES, *, shared: bool = True
) -> None:
    """Become `user` (None: stay who one is) without any privilege, and never get one again.

    Of sockets, only those of `families` can be opened from then on; without `shared` no file can
    be given another owner, mode or time, and no process another priority.

    Raises:
        OSError: The system refuses.
    """
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # those above the last are unknown
    if user is not None:
        # The user last: whoever is no longer root may not leave a group.
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
    _require(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    no_new_privileges()
    # Last of all: the filter knows no call that changes a user or a capability.
    seccomp.install(families, shared=shared)


def no_new_privileges() -> None:
    """Make sure that no program that this process starts has more privileges than it."""
    _require(_libc.prctl(_PR_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def _mount(source: str, target: str, kind: str, flags: int, data: str) -> None:
    words = [word.encode() for word in (source, target, kind)]
    _require(_libc.mount(*words, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def _require(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
