"""Copies of labs that were made when things were kept elsewhere: they run and are checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studykit.checks import story as first
from studykit.course.learner.check import check_notebook
from studykit.exercises.catalog import find_lab
from studykit.services.kills.lab import KillLab
from studykit.services.kills.rig import KillRig
from studykit.trace import stories
from studykit.trace import story as second

OLDER = Path(__file__).parent / "older" / "lab05_lateness.ipynb"
"""A copy with its answers, as it was made before the rooms were built; none of it is changed."""


@pytest.mark.slow
def test_a_copy_with_the_older_imports_passes_as_it_did(tmp_path: Path) -> None:
    assert "from studykit.checks.story import" in OLDER.read_text("utf-8")
    lab = find_lab("05")
    copy = shutil.copy(OLDER, tmp_path / "my_lab05.ipynb")
    checks, notes = check_notebook(copy, lab.exercises)
    assert [check.mark for check in checks] == ["ok"] * len(lab.exercises)
    assert notes == []


def test_copies_of_both_times_find_the_ten_events_with_their_numbers() -> None:
    assert first.STORY is second.STORY
    assert [event.number for event in first.STORY] == list(range(1, 11))
    told = [(event.event_ms, event.arrival_ms, event.key, event.value) for event in first.STORY]
    assert told == [
        (event.event_ms, event.arrival_ms, event.key, event.value) for event in stories.STORY
    ]
    assert (first.BOUND_MS, first.SIZE_MS, first.LATENESS_MS) == (4_000, 10_000, 3_000)
    assert [event.event_ms for event in stories.STORY] == first.TIMES
    assert isinstance(first.STORY[0], first.Arrival)


def test_a_copy_of_lab_09_finds_the_kill_rig_by_its_older_name() -> None:
    assert KillLab is KillRig
