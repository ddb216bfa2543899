"""Landlock: what a process gives up by itself, without any privilege, for good.

From then on it reads what it is told, writes nothing, uses no TCP, and signals no process but its
own. Whose a file is, and other kinds of sockets, Landlock leaves alone; `seccomp` takes those.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

LEAST: Final = 3
"""The oldest version that will do: with an earlier one a submission may truncate files."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # calls as young as these have one number everywhere
_VERSION_FLAG: Final = 1
_BENEATH: Final = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_FILES: Final = {3: 0x7FFF, 5: 0xFFFF}
"""Every right over files, by the first version that has it."""
_TCP: Final = (4, 0x3)
_SCOPES: Final = (6, 0x3)
"""The first version that knows scopes, and their bits: abstract sockets and signals."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def version() -> int:
    """Return the version of Landlock that this system has; 0 without any."""
    if sys.platform != "linux":
        return 0
    found = _libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(0, int(found))


def restrict(readable: Iterable[Path], devices: Iterable[Path]) -> None:
    """Give up, in this thread and all that it starts, everything but a few paths.

    `confine.no_new_privileges` comes first: without it the kernel refuses whoever is not root.

    Args:
        readable: What may be read and run, with all that is below.
        devices: Files that may be read and written.

    Raises:
        OSError: The system has no Landlock, or too old a one.
    """
    known = version()
    if known < LEAST:
        raise OSError("Landlock is too old")
    files = _FILES[max(since for since in _FILES if since <= known)]
    tcp, scopes = (bits if known >= since else 0 for since, bits in (_TCP, _SCOPES))
    rules = struct.pack("QQQ", files, tcp, scopes)[: 8 if known < 4 else 16 if known < 6 else 24]
    ruleset = _call(_CREATE, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint32(0))
    for path in readable:
        _allow(ruleset, path, _EXECUTE | _READ_FILE | _READ_DIR)
    for path in devices:
        _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
    _call(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Allow `rights` on a path and below it; what is not there needs no right."""
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= ~_READ_DIR  # the kernel refuses a right over folders for what is none
        rule = struct.pack("=Qi", rights, handle)
        _call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), rule, ctypes.c_uint32(0))
        os.close(handle)


def _call(number: int, *words: object) -> int:
    found = int(_libc.syscall(ctypes.c_long(number), *words))
    if found < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return found
