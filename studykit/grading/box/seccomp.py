"""A seccomp filter: the system calls that an answer may make; no other call exists for it."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from studykit.grading.box import syscalls

_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""By machine: the audit number of its system call table, and its column in our tables."""

_NEW_NAMESPACES: Final = 0x7E020000
_SHARED_UNNAMED: Final = 0x21
"""MAP_SHARED and MAP_ANONYMOUS: such memory stays when no process has it in use any more, so that
no sum over processes counts it."""
_SOL_SOCKET: Final = 1
_BUFFER_SIZES: Final = (7, 8, 32, 33)
"""Of SO_SNDBUF, SO_RCVBUF and the two that force them: a socket's buffers keep their usual size."""
_F_SETPIPE_SZ: Final = 1031

FAMILIES: Final = (1,)
"""Sockets that may be opened: Unix. IPv4 and IPv6 lead nowhere and have large buffers; others, such
as vsock, may reach past a network namespace."""

_LOAD, _EQUALS, _ANY_BIT, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_NUMBER, _ARCH = 0, 4


@lru_cache
def program(machine: str, families: tuple[int, ...] = FAMILIES, *, shared: bool = True) -> bytes:
    """Return the filter for a machine, as `platform.machine()` names it.

    Args:
        machine: The machine.
        families: The address families of which sockets may be opened.
        shared: Whether calls are allowed that change what others have, unless it is unshared.

    Raises:
        OSError: No filter is known for it.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no seccomp filter for {machine}")
    audit, column = _ARCHITECTURES[machine]
    code = [_op(_LOAD, _ARCH), _op(_EQUALS, audit, 1, 0), _op(_RETURN, _KILL), _op(_LOAD, _NUMBER)]
    for numbers, block in (
        (syscalls.MMAP, _unless(3, _SHARED_UNNAMED, _SHARED_UNNAMED)),
        (syscalls.CLONE, _without_bits(0, _NEW_NAMESPACES)),
        # limits of its own process, which it names 0, and of no other
        (syscalls.PRLIMIT, _only(0, (0,), errno.EPERM)),
        (syscalls.SOCKET, _only(0, families, errno.EAFNOSUPPORT)),
        (syscalls.SETSOCKOPT, _usual_buffers()),
        (syscalls.FCNTL, _unless(1, 0xFFFFFFFF, _F_SETPIPE_SZ)),
    ):
        code += [_op(_EQUALS, numbers[column], 0, len(block)), *block]
    tables = [syscalls.ALLOWED, *([syscalls.SHARED] if shared else [])]
    allowed = [numbers[column] for table in tables for numbers in table.values()]
    for first, last in _runs(number for number in allowed if number is not None):
        code += [_op(_AT_LEAST, first, 0, 2), _op(_AT_LEAST, last + 1, 1, 0), _op(_RETURN, _ALLOW)]
    # clone3 hides its flags in memory; told that it does not exist, the C library takes clone
    return b"".join([*code, _op(_RETURN, _refusal(errno.ENOSYS))])


def install(families: tuple[int, ...] = FAMILIES, *, shared: bool = True) -> None:
    """Put this process, for good, under the filter. The arguments are those of `program`.

    Raises:
        OSError: The system or the machine has no seccomp.
    """
    code = program(platform.machine(), families, shared=shared)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    pr_set_seccomp, mode_filter = 22, 2
    if libc.prctl(pr_set_seccomp, mode_filter, ctypes.c_char_p(header), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _only(argument: int, values: Sequence[int], refusal: int) -> list[bytes]:
    """Return the end of a program that allows a call if an argument is one of `values`."""
    checks = [_op(_LOAD, _place(argument))]
    for value in values:
        checks += [_op(_EQUALS, value, 0, 1), _op(_RETURN, _ALLOW)]
    return [*checks, _op(_RETURN, _refusal(refusal))]


def _unless(argument: int, mask: int, value: int) -> list[bytes]:
    """Return the end of a program that refuses a call if an argument, masked, is `value`."""
    return [
        _op(_LOAD, _place(argument)),
        _op(_AND, mask),
        _op(_EQUALS, value, 0, 1),
        _op(_RETURN, _refusal(errno.EPERM)),
        _op(_RETURN, _ALLOW),
    ]


def _without_bits(argument: int, bits: int) -> list[bytes]:
    """Return the end of a program that refuses a call if an argument has one of `bits`."""
    return [
        _op(_LOAD, _place(argument)),
        _op(_ANY_BIT, bits, 0, 1),
        _op(_RETURN, _refusal(errno.EPERM)),
        _op(_RETURN, _ALLOW),
    ]


def _usual_buffers() -> list[bytes]:
    checks = [_op(_LOAD, _place(2))]
    for value in _BUFFER_SIZES:
        checks += [_op(_EQUALS, value, 0, 1), _op(_RETURN, _refusal(errno.EPERM))]
    return [
        _op(_LOAD, _place(1)),
        _op(_EQUALS, _SOL_SOCKET, 1, 0),
        _op(_RETURN, _ALLOW),
        *checks,
        _op(_RETURN, _ALLOW),
    ]


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and the last number of each run without a gap."""
    ordered = sorted(set(numbers))
    breaks = [0, *(n for n, (a, b) in enumerate(pairwise(ordered), 1) if b > a + 1), len(ordered)]
    return [(ordered[start], ordered[end - 1]) for start, end in pairwise(breaks)]


def _place(argument: int) -> int:
    """Return where the lower half of an argument is."""
    # No upper half is looked at: the kernel takes these for an int, or for flags that end below it.
    return 16 + 8 * argument


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refusal(number: int) -> int:
    return 0x00050000 | number
