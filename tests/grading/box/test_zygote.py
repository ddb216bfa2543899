"""The zygote: what it remembers of processes that have ended."""

from __future__ import annotations

import socket

import pytest

from studykit.grading.box import zygote


def test_waiting_is_summed_over_processes_that_follow_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call runs in a process of its own; of those at one time, the longest wait counts."""
    looks = [{10: 0.0, 11: 1.0}, {10: 0.5, 11: 3.0}, {10: 0.5, 12: 2.0}, {10: 0.5}]
    with socket.socket() as control:
        watching = zygote.Zygote(control, None, None, [])
        for waits in looks:
            monkeypatch.setattr(zygote, "_waited_s", waits.__getitem__)
            watching._note_waits(list(waits))
    assert watching._waited_s == 1.0 + 2.0 + 2.0
