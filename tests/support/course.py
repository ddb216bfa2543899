"""The course as tests see it: its folders, a clone, proofs of labs, and a progress of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import pytest

from studykit.course.layout import Course
from studykit.course.proof import LabProof, prove
from studykit.exercises.catalog import find_lab, labs
from studykit.exercises.definition import Lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the progress of whoever runs the tests as it is."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv("STUDY_PROGRESS", str(path))
    return path


@pytest.fixture(scope="session")
def course() -> Course:
    return Course(ROOT)


@pytest.fixture
def clone(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Let the commands work in a clone whose labs are its own, with the sources of this one."""
    (tmp_path / "labs").mkdir()
    for name in ("solutions", "notebooks"):
        (tmp_path / name).symlink_to(course.root / name)
    mine = Course(tmp_path)
    monkeypatch.setattr(Course, "of_clone", classmethod(lambda _cls: mine))
    return mine


@pytest.fixture(scope="session")
def proof_of() -> Callable[[str], LabProof]:
    """Return the proof of a lab by its name, without mutants; each runs once, in two kernels."""

    @cache
    def proved(name: str) -> LabProof:
        return prove(find_lab(name), Course(ROOT), with_mutants=False)

    return proved


@pytest.fixture(params=labs(), ids=lambda lab: lab.name)
def lab(request: pytest.FixtureRequest) -> Lab:
    return request.param


@pytest.fixture(scope="session", autouse=True)
def no_process_left() -> None:
    """Every kernel that a test starts ends with it."""
    yield
    kernels = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it may end while it is looked at
            kernels += [child] if "ipykernel" in " ".join(child.cmdline()) else []
    assert kernels == []
