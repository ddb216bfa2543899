"""A seccomp filter: the system calls that no answer needs and that break-outs begin with."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Sequence
from typing import Final

_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""By machine: the audit number of its system call table, and its column below."""

_DENIED: Final[dict[str, tuple[int, int]]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
"""Calls that lead out, that touch other processes, or that take memory which no process has."""

_SHARED: Final[dict[str, tuple[int, int | None]]] = {
    "chmod": (90, None),
    "chown": (92, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "file_setattr": (469, 469),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "futimesat": (261, None),
    "ioprio_set": (251, 30),
    "lchown": (94, None),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "setpriority": (141, 140),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}
"""Calls that change what others have too, unless it is unshared: owner, mode and times of files,
and how processes are scheduled. None: not there."""

_CLONE: Final = (56, 220)
_CLONE3: Final = (435, 435)
_SOCKET: Final = (41, 198)
_PRLIMIT: Final = (302, 261)

_NEW_NAMESPACES: Final = 0x7E020000
FAMILIES: Final = (1, 2, 10)
"""Sockets that may be opened: Unix, IPv4, IPv6. Others, such as vsock, may reach past a network
namespace."""

NETLINK: Final = 16
"""The library of notebook kernels asks for the network's interfaces; it sees one, the loopback."""

_LOAD, _EQUALS, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16
_X32: Final = 0x40000000


def program(machine: str, families: Sequence[int] = FAMILIES, *, shared: bool = True) -> bytes:
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
    code += [_op(_AT_LEAST, _X32, 0, 1), _op(_RETURN, _refusal(errno.EPERM))]
    denied = [*_DENIED.values(), *(() if shared else _SHARED.values())]
    for number in (numbers[column] for numbers in denied):
        if number is not None:
            code += [_op(_EQUALS, number, 0, 1), _op(_RETURN, _refusal(errno.EPERM))]
    # clone3 hides its flags in memory; told that it does not exist, the C library takes clone
    code += [_op(_EQUALS, _CLONE3[column], 0, 1), _op(_RETURN, _refusal(errno.ENOSYS))]
    code += [_op(_EQUALS, _CLONE[column], 0, 4), _op(_LOAD, _ARGUMENT)]
    code += [_op(_ANY_BIT, _NEW_NAMESPACES, 0, 1), _op(_RETURN, _refusal(errno.EPERM))]
    code += [_op(_RETURN, _ALLOW)]
    # limits of its own, which it names 0, and of no other process
    code += [_op(_EQUALS, _PRLIMIT[column], 0, 4), _op(_LOAD, _ARGUMENT)]
    code += [_op(_EQUALS, 0, 1, 0), _op(_RETURN, _refusal(errno.EPERM)), _op(_RETURN, _ALLOW)]
    code += [_op(_EQUALS, _SOCKET[column], 1, 0), _op(_RETURN, _ALLOW), _op(_LOAD, _ARGUMENT)]
    for family in families:
        code += [_op(_EQUALS, family, 0, 1), _op(_RETURN, _ALLOW)]
    return b"".join([*code, _op(_RETURN, _refusal(errno.EAFNOSUPPORT))])


def install(families: Sequence[int] = FAMILIES, *, shared: bool = True) -> None:
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


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _refusal(number: int) -> int:
    return 0x00050000 | number
