"""The levels of isolation that an ordinary user has: what holds at the top holds below."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from studykit.cli.doctor import Finding, Level, examine
from studykit.errors import StudyError
from studykit.grading.example.maker import as_bytes
from studykit.grading.sandbox import selftest
from studykit.grading.sandbox.isolation import MEANING
from studykit.grading.sandbox.selftest import Findings
from studykit.grading.sandbox.warden import EngineFailure
from studykit.services.network.ports import free_port
from studykit.workspace import Workspace
from tests.support.grading.ordinary import CLONE, USER, as_ordinary_user, as_root_of_a_container
from tests.support.grading.submissions import LAB, graded, put, solved, untouched, verdicts
from tests.support.grading.variants import CASES

HOSTILE = [
    case
    for case in CASES
    if case.name
    in {
        "calls-home",
        "fork-bomb",
        "kills-everything",
        "leaves-a-daemon",
        "memory-by-children",
        "memory-in-a-call",
        "memory-in-shared-mappings",
        "prints-without-end",
        "reads-the-solutions",
        "removes-a-device",
        "stops-itself",
        "uses-devices",
        "writes-much-to-devices",
    }
]

WAYS = [
    ("L3", "fork", as_ordinary_user),
    ("L3", "testbook", as_ordinary_user),
    ("L2", "fork", as_ordinary_user),
]
if os.geteuid() == 0:
    WAYS.append(("L2", "fork", as_root_of_a_container))


@pytest.fixture(scope="module")
def submitted() -> Iterator[Path]:
    """A folder of submissions that everybody may read, as those of pytest are not."""
    with TemporaryDirectory(prefix="study-") as room:
        Path(room).chmod(0o755)
        write_class(Path(room) / "in")
        yield Path(room) / "in"


def write_class(folder: Path) -> None:
    books = {"solved": solved(), "untouched": untouched()}
    put(folder, {f"{name}/lab.ipynb": as_bytes(book) for name, book in books.items()})
    for case in HOSTILE:
        (folder / case.name).mkdir()
        case.make(folder / case.name)


@pytest.mark.parametrize(("level", "engine", "start"), WAYS)
def test_with_fewer_rights_grading_is_as_safe(
    submitted: Path, level: str, engine: str, start: Callable[..., list[str]]
) -> None:
    out = submitted.parent / f"{level}-{engine}-{start.__name__}"
    out.mkdir()
    if start is as_ordinary_user and os.geteuid() == 0:
        os.chown(out, USER, USER)
    words = [sys.executable, "-m", "tests.support.grading.climb", level, engine]
    words += [str(submitted), str(out)]
    subprocess.run(start(*words), cwd=CLONE, check=True)
    text = (out / "gradebook.json").read_text("utf-8")
    assert json.loads(text)["isolation"].startswith(f"isolation {level}: {MEANING[level]}; ")
    book = {student["student"]: student for student in json.loads(text)["students"]}
    assert {case.name: verdicts(book[case.name]) for case in HOSTILE} == {
        case.name: case.verdicts for case in HOSTILE
    }
    assert (book["solved"]["total"], book["untouched"]["total"]) == ("5", "0")
    if os.geteuid() == 0:
        deadline = time.monotonic() + 30
        while left := _processes_of(USER):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


def _processes_of(user: int) -> list[Any]:
    """Return what lives of a user who starts nothing but what is graded here."""
    found = psutil.process_iter(["uids", "status"])
    living = [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
    return [
        process for process in living if process.info["uids"] and process.info["uids"].real == user
    ]


def test_a_level_that_does_not_hold_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the best level does not start, and the one after it lets something out."""

    def examined(sandbox: Any, lab: str) -> Findings:
        assert lab == LAB.name
        if sandbox.level == "L4":
            raise EngineFailure("no namespaces")
        return Findings(sandbox, ("fly",), ("fly",))

    monkeypatch.setattr(selftest, "levels", lambda: ["L4", "L2"])
    monkeypatch.setattr(selftest, "examine", examined)
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    with pytest.raises(StudyError, match=r"L4 does not start .*; L2 .* possible to fly"):
        graded(tmp_path / "in", tmp_path / "out")


def test_the_doctor_says_whether_the_sandbox_works() -> None:
    (found,) = _grading()
    assert found.level is Level.GOOD
    assert "break-outs failed" in found.text


def test_without_a_sandbox_the_doctor_has_a_note_and_a_learner_can_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selftest, "levels", list)
    (found,) = _grading()
    assert found.level is Level.NOTE
    assert "there is no sandbox here: install bubblewrap" in found.text


def _grading() -> list[Finding]:
    with TemporaryDirectory() as home:
        environ = {"STUDY_CACHE": home, "KAFKA_PORT": str(free_port())}
        found = examine(Workspace(Path(home)), {**environ, "REDIS_PORT": str(free_port())})
        return [finding for finding in found if finding.subject == "grading"]
