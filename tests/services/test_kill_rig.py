"""What a kill rig says of a sink, and where nothing runs; lesson 09 kills a real processor."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.services.kafka import Kafka
from studykit.services.kills.rig import Difference, KillRig, compared
from studykit.services.redis import Redis


def next_action(read: int, written: int, committed: int, every: int) -> list[object]:
    return ["read", read]


def test_a_row_that_comes_again_is_neither_lost_nor_wrong() -> None:
    assert compared(5, [b"a", b"b"], [b"a", b"b", b"a"]) == Difference(5, 2, 0, 0, 1)


def test_a_row_that_is_missing_is_lost_and_one_that_nobody_asked_for_is_wrong() -> None:
    assert compared(1, [b"a", b"b"], [b"c", b"c"]) == Difference(1, 2, 2, 1, 1)


def test_without_services_it_says_which_cell_to_run(tmp_path: Path) -> None:
    rig = KillRig(home=tmp_path / "rig")
    with pytest.raises(StudyError, match="run the cell"):
        rig.kill_worker(next_action)
    assert rig.stop() == "nothing was running"
    assert not (tmp_path / "rig").exists()


def test_a_cell_that_is_run_again_ends_what_its_older_rig_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in (Kafka, Redis):
        monkeypatch.setattr(service, "start", lambda service: service.workspace.run)
    older, newer = (KillRig(home=tmp_path / name) for name in ("older", "newer"))
    older.start()
    assert older.workspace.logs.exists()
    older._launch([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, 500)
    program = older._running()
    assert program is not None
    newer.start()
    assert program.process() is None
    assert not (tmp_path / "older").exists()
    newer.stop()


def test_two_notebooks_have_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    homes = {KillRig().workspace.home for _ in range(2)}
    assert len(homes) == 2
    assert {home.parent for home in homes} == {tmp_path / "run"}


def test_what_an_interrupted_cell_left_running_ends_before_the_next_program(tmp_path: Path) -> None:
    rig = KillRig(home=tmp_path / "rig")
    sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
    rig._launch(sleeps, tmp_path, 500)
    first = rig._running()
    rig._launch(sleeps, tmp_path, 500)
    second = rig._running()
    assert first is not None
    assert first.process() is None
    assert second is not None
    assert second != first
    assert rig.stop() == "stopped and removed"
    assert second.process() is None
