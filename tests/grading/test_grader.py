"""Grading one submission: what is read is bounded in time, whatever it is made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studykit.grading import grader
from studykit.grading.example.maker import as_bytes
from studykit.grading.grader import GradedLab, grade
from studykit.grading.intake.submissions import take_in
from studykit.grading.notebook.rebuild import Original
from studykit.grading.secret import Secret
from tests.support.grading.submissions import COURSE, LAB, put, solved

FAR_S = 20.0


def spins(*_: object) -> None:
    """Take the processor for so long that no deadline can have been there."""
    until = time.monotonic() + FAR_S
    while time.monotonic() < until:
        pass
    pytest.fail("nothing ended it")


def sleeps(*_: object) -> None:
    time.sleep(FAR_S)
    pytest.fail("nothing ended it")


@pytest.mark.parametrize("step", ["choose", "rebuild"])
@pytest.mark.parametrize("endless", [spins, sleeps])
def test_what_cannot_be_read_in_time_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, endless: Callable[..., Any]
) -> None:
    """No engine is there: nothing of the submission is run."""
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    (submission,) = take_in(tmp_path / "in", LAB.name, tmp_path / "spool")
    monkeypatch.setattr(grader, "READING_S", 0.05)
    monkeypatch.setattr(grader, step, endless)
    assignment = GradedLab(Original.of(LAB, COURSE), Secret(b"a secret that only tests know"))
    found = grade(assignment, submission, "key", None)  # type: ignore[arg-type]
    assert (found.status, found.earned) == ("unreadable", 0)
    assert found.reason == "it is too large or too deep to read"
