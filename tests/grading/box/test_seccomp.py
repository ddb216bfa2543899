"""The system call filter: well-formed on every machine that it knows."""

from __future__ import annotations

import pytest

from studykit.grading.box import seccomp


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_filter_never_jumps_past_its_end(machine: str) -> None:
    code = seccomp.program(machine)
    steps = [code[at : at + 8] for at in range(0, len(code), 8)]
    for place, step in enumerate(steps):
        if step[0] & 0x07 == 0x05:
            assert place + 1 + max(step[2], step[3]) < len(steps)
    assert steps[-1][0] == 0x06


def test_a_machine_without_a_filter_is_no_sandbox() -> None:
    with pytest.raises(OSError, match="no seccomp filter"):
        seccomp.program("vax")
