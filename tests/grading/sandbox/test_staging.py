"""Staging: what of the course a submission may see."""

from __future__ import annotations

import re
from pathlib import Path

from studykit.grading.sandbox.staging import stage


def test_nothing_that_answers_an_exercise_is_staged(tmp_path: Path) -> None:
    staged = {path.relative_to(tmp_path).as_posix() for path in stage(tmp_path).rglob("*")}
    assert "studykit/checks/lab.py" in staged
    assert not [name for name in staged if re.search(r"/lab\d|/(course|cli)/", name)]
    grading = [name for name in staged if "grading/" in name and name.endswith(".py")]
    assert all("/box/" in name or name.endswith("__init__.py") for name in grading)
