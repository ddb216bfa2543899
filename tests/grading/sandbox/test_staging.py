"""Staging: what of the course a submission may see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flink_jobs
import studykit
from studykit.grading.sandbox import staging
from studykit.grading.sandbox.staging import STAGED, stage, staged_files


def test_nothing_that_answers_an_exercise_is_staged(tmp_path: Path) -> None:
    staged = {path.relative_to(tmp_path).as_posix() for path in stage(tmp_path).rglob("*")}
    assert "studykit/checks/lab.py" in staged
    assert not [name for name in staged if re.search(r"/lab\d|/(course|cli)/", name)]
    grading = [name for name in staged if "grading/" in name and name.endswith(".py")]
    assert all("/box/" in name or name.endswith("__init__.py") for name in grading)


def test_what_nobody_has_allowed_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room that is new in the course is not staged until somebody names it."""
    home = tmp_path / "studykit"
    for name in ("errors.py", "trace/words.py", "answers/all.py", "exercises/lab01/e1.py"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("", "ascii")
    monkeypatch.setattr(staging.studykit, "__path__", [str(home)])
    found = [
        path.relative_to(home).as_posix() for _, path in staged_files() if home in path.parents
    ]
    assert found == ["errors.py", "trace/words.py"]


def test_every_name_that_is_allowed_is_there() -> None:
    """A room that has moved would silently be missing inside."""
    homes = [Path(package.__path__[0]).parent for package in (flink_jobs, studykit)]
    for pattern in STAGED:
        assert any(any(home.glob(pattern)) for home in homes), pattern
