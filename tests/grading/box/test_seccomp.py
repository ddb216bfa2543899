"""The system call filter: well-formed on every machine that it knows, and closed by default."""

from __future__ import annotations

import errno
import struct
from typing import Final

import pytest

from studykit.grading.box import seccomp, syscalls

ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000
MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LEAD_OUT: Final = {
    "statmount": (457, 457),
    "listmount": (458, 458),
    "mount": (165, 40),
    "ptrace": (101, 117),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "setns": (308, 268),
    "vmsplice": (278, 75),
    "process_vm_readv": (310, 270),
    "of the next kernel": (9_999, 9_999),
    "of the other table of x86": (0x40000000 + 59, 9_999),
}


def run(program: bytes, machine: str, number: int, *arguments: int) -> int:
    """Run a filter as the kernel does: an interpreter of what such filters are made of."""
    data = struct.pack(
        "IIQ6Q", number, MACHINES[machine], 0, *arguments, *[0] * (6 - len(arguments))
    )
    steps = list(struct.iter_unpack("HBBI", program))
    place, value = 0, 0
    while True:
        code, if_true, if_false, operand = steps[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("I", data, operand)
        elif code == 0x54:
            value &= operand
        elif code == 0x06:
            return operand
        else:
            true = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}
            place += if_true if true[code] else if_false


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def column(machine: str) -> int:
    return list(MACHINES).index(machine)


def test_a_filter_never_jumps_past_its_end(machine: str) -> None:
    code = seccomp.program(machine)
    steps = [code[at : at + 8] for at in range(0, len(code), 8)]
    for place, step in enumerate(steps):
        if step[0] & 0x07 == 0x05:
            assert place + 1 + max(step[2], step[3]) < len(steps)
    assert steps[-1][0] == 0x06


def test_what_is_listed_is_allowed_and_nothing_else_exists(machine: str) -> None:
    code, at = seccomp.program(machine), column(machine)
    looked_at = (syscalls.MMAP, syscalls.CLONE, syscalls.PRLIMIT, syscalls.SOCKET)
    looked_at += (syscalls.SETSOCKOPT, syscalls.FCNTL)
    listed = {
        numbers[at] for table in (syscalls.ALLOWED, syscalls.SHARED) for numbers in table.values()
    }
    arguments = {numbers[at] for numbers in looked_at}
    for number in range(600):
        expected = ALLOW if number in listed else REFUSE | errno.ENOSYS
        assert number in arguments or run(code, machine, number) == expected, number


@pytest.mark.parametrize("name", LEAD_OUT)
def test_what_leads_out_does_not_exist(machine: str, name: str) -> None:
    found = run(seccomp.program(machine), machine, LEAD_OUT[name][column(machine)])
    assert found == REFUSE | errno.ENOSYS


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        (syscalls.MMAP, (0, 4096, 3, 0x22), ALLOW),  # private, unnamed
        (syscalls.MMAP, (0, 4096, 1, 0x01), ALLOW),  # shared, of a file
        (syscalls.MMAP, (0, 4096, 3, 0x21), REFUSE | errno.EPERM),
        (syscalls.CLONE, (0x01200011,), ALLOW),  # fork
        (syscalls.CLONE, (0x10000011,), REFUSE | errno.EPERM),  # a namespace of users
        (syscalls.PRLIMIT, (0, 7), ALLOW),
        (syscalls.PRLIMIT, (1, 7), REFUSE | errno.EPERM),
        (syscalls.SOCKET, (1, 1), ALLOW),
        (syscalls.SOCKET, (2, 2), REFUSE | errno.EAFNOSUPPORT),
        (syscalls.SOCKET, (40, 1), REFUSE | errno.EAFNOSUPPORT),
        (syscalls.SETSOCKOPT, (3, 1, 2), ALLOW),
        (syscalls.SETSOCKOPT, (3, 1, 7), REFUSE | errno.EPERM),  # a larger buffer
        (syscalls.SETSOCKOPT, (3, 6, 7), ALLOW),  # the same number at another level
        (syscalls.FCNTL, (3, 4), ALLOW),
        (syscalls.FCNTL, (3, 1031), REFUSE | errno.EPERM),  # a larger pipe
    ],
)
def test_of_some_calls_the_arguments_decide(
    machine: str, call: tuple[int, int], arguments: tuple[int, ...], expected: int
) -> None:
    assert run(seccomp.program(machine), machine, call[column(machine)], *arguments) == expected


def test_where_files_are_shared_their_modes_are_not_for_a_submission(machine: str) -> None:
    at = column(machine)
    for number in (numbers[at] for numbers in syscalls.SHARED.values()):
        if number is not None:
            closed = seccomp.program(machine, (), shared=False)
            assert run(closed, machine, number) == REFUSE | errno.ENOSYS


def test_another_table_of_calls_ends_the_process() -> None:
    data = run(seccomp.program("aarch64"), "x86_64", 0)
    assert data == 0x80000000


def test_a_machine_without_a_filter_is_no_sandbox() -> None:
    with pytest.raises(OSError, match="no seccomp filter"):
        seccomp.program("vax")
