"""Locks and disks that are not to be had: a sentence instead of a traceback."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from studykit.cli.app import Commands
from studykit.errors import StudyError
from studykit.files import file_lock


def held(path: Path) -> None:
    with file_lock(path):
        pass


def test_a_lock_where_no_folder_can_be_made_names_the_settings_that_move_it() -> None:
    with pytest.raises(StudyError, match=r"cannot lock /proc/nowhere/command.lock .*: set STUDY_"):
        held(Path("/proc/nowhere/command.lock"))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_lock_on_a_share_that_keeps_no_locks_is_one_sentence(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Linux answers where the server keeps no locks, and where nothing locks at all."""

    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(StudyError, match=rf"{os.strerror(number)}.*on a disk of this machine"):
        held(tmp_path / "command.lock")


@pytest.mark.parametrize("path", ["/dev/full", "/proc/nowhere/file"])
def test_a_full_disk_is_one_sentence_and_another_error_stays_what_it_is(path: str) -> None:
    app = typer.Typer(cls=Commands)

    @app.command()
    def write() -> None:
        Path(path).write_text("anything")

    @app.command()
    def other() -> None:
        pass

    done = CliRunner().invoke(app, ["write"])
    assert done.exit_code == 1
    if path == "/dev/full":
        assert done.output.startswith("No space left on device: this disk: make room, then the")
    else:
        assert isinstance(done.exception, FileNotFoundError)
