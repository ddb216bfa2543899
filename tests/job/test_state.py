"""The folder in which the production job keeps its checkpoints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flink_jobs.config import Settings
from flink_jobs.job.state import JobUnusable, State, StateFolder

RECOVERY = "execution.state-recovery.path"


def _checkpoint(folder: Path, age_s: int, *, complete: bool = True) -> Path:
    folder.mkdir(parents=True)
    if complete:
        (folder / "_metadata").touch()
        os.utime(folder / "_metadata", (1_000_000 - age_s, 1_000_000 - age_s))
    return folder


def test_a_first_start_recovers_from_nothing(tmp_path: Path):
    assert RECOVERY not in StateFolder(tmp_path / "new").options(Settings())


def test_the_newest_complete_one_is_gone_on_from_savepoint_or_checkpoint(tmp_path: Path):
    _checkpoint(tmp_path / "checkpoints" / "job" / "chk-9", 20)
    savepoint = _checkpoint(tmp_path / "savepoints" / "savepoint-1", 10)
    _checkpoint(tmp_path / "checkpoints" / "job" / "chk-10", 0, complete=False)
    assert StateFolder(tmp_path).options(Settings())[RECOVERY] == savepoint.as_uri()


def test_the_same_windows_are_gone_on_with_whatever_else_changes(tmp_path: Path):
    StateFolder(tmp_path).options(Settings())
    StateFolder(tmp_path).options(Settings(checkpoint_interval_ms=50, redis_port=1))


@pytest.mark.parametrize(
    "other",
    [
        Settings(window_size_minutes=6),
        Settings(window_slide_seconds=30),
        Settings(max_out_of_orderness_seconds=29),
        Settings(max_future_seconds=1),
    ],
)
def test_other_windows_are_refused_each_time(tmp_path: Path, other: Settings):
    StateFolder(tmp_path).options(Settings())
    for _ in range(2):
        with pytest.raises(JobUnusable, match=r"was left with other settings .*choose another"):
            StateFolder(tmp_path).options(other)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(JobUnusable, match=r"^cannot keep state in .*choose another --state$"):
        StateFolder(tmp_path / "file" / "state").options(Settings())


def test_a_folder_that_another_job_holds_is_one_sentence(tmp_path: Path):
    with (
        StateFolder(tmp_path).held(),
        pytest.raises(JobUnusable, match=r"runs already: stop that one first$"),
        StateFolder(tmp_path).held(),
    ):
        pass
    with StateFolder(tmp_path).held():  # a job that has ended leaves it free
        pass


def test_a_cluster_is_asked_for_nothing_that_its_configuration_says():
    options = State().options(Settings())
    assert not [name for name in options if name.endswith((".dir", ".path", "-dir"))]
    assert options["execution.checkpointing.mode"] == "EXACTLY_ONCE"
