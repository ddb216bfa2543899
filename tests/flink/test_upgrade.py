"""Lab 12's last cell: the real job refuses other windows, and goes on from the same savepoint."""

from __future__ import annotations

import pytest

from studykit.exercises.lab12_production.e6_resumed import reference
from studykit.flink import upgrade


@pytest.mark.services
@pytest.mark.jvm
@pytest.mark.slow
def test_the_job_does_what_the_right_function_says(capsys) -> None:
    upgrade.show(reference)
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "your function, for windows of 600_000 ms: refused because of ['fraud']"
    assert said[2] == "your function, for windows of 300_000 ms: goes on"
    told = [line for line in said[3:] if not line.startswith("\r")]
    assert "the job, for windows of 600_000 ms: refused" in told
    refusal = told[told.index("the job, for windows of 600_000 ms: refused") + 1]
    assert "WINDOW_SIZE_MINUTES" in refusal or "size_minutes" in refusal
    assert told[-2] == "the job, for windows of 300_000 ms: goes on, 400 payments read"
    assert told[-1] == "stopped and removed"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, "None, which is no dict"),
        ([], "[], which is no dict"),
        ({"kept": []}, "{'kept': []}, which is no dict"),
        ({"refused": []}, "goes on"),
    ],
)
def test_what_no_start_can_be_is_said(outcome, said) -> None:
    assert upgrade.expected(lambda *_: outcome, 1).startswith(said)


def test_a_function_that_fails_is_said() -> None:
    assert "stops with ZeroDivisionError" in upgrade.expected(lambda *_: 1 / 0, 1)
