"""The labs' commands where something is wrong around them: one sentence, a remedy, no traceback."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from studykit.checks import lab as lab_module
from studykit.checks.progress import Progress
from studykit.checks.running import run_cases
from studykit.cli.app import app
from studykit.course.builder.cells import dump, load
from studykit.course.layout import Course
from studykit.course.learner.report import age_text
from studykit.exercises.catalog import find_exercise


def study(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def with_cell(copy: Path, mark: str, source: str) -> None:
    """Put `source` in place of the cell of a copy that holds `mark`."""
    notebook = load(copy)
    cell = next(
        cell for cell in notebook["cells"] if cell["cell_type"] == "code" and mark in cell["source"]
    )
    cell["source"] = source
    copy.write_text(dump(notebook))


@pytest.mark.parametrize("text", ["[1,2]", "null", "7", "{}", '{"cells": 3}', "", '"text"'])
def test_a_copy_that_is_other_json_is_refused(clone: Course, text: str) -> None:
    (clone.labs / "my_lab01.ipynb").write_text(text)
    result = study("check", "01")
    assert result.exit_code == 1
    assert "my_lab01.ipynb is no notebook (" in result.output


def test_a_link_to_a_file_that_is_gone_is_named(clone: Course) -> None:
    (clone.labs / "my_lab01.ipynb").symlink_to("nowhere")
    result = study("check", "01")
    assert "my_lab01.ipynb is a link to a file that is gone: delete it" in result.output


def test_one_broken_copy_does_not_stop_the_others(clone: Course) -> None:
    study("start", "03")
    (clone.labs / "my_lab01.ipynb").write_text("[1,2]")
    (clone.labs / "my_lab02.ipynb").symlink_to("nowhere")
    result = study("check")
    assert result.exit_code == 1
    assert "my_lab01.ipynb is no notebook" in result.output
    assert "my_lab02.ipynb is a link to a file that is gone" in result.output
    assert "0 of 5 done; `study next` says what is next." in result.output


def test_a_folder_of_labs_that_cannot_be_written_is_said(
    clone: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("studykit.course.learner.copies.write_whole", refuse)
    result = study("start", "01")
    assert result.exit_code == 1
    assert "my_lab01.ipynb (Permission denied): make its folder writable" in result.output


@pytest.fixture
def progress_unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep progress where nothing can be written: below a file."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STUDY_PROGRESS", str(tmp_path / "file" / "progress.json"))


@pytest.mark.usefixtures("progress_unwritable")
def test_the_verdict_comes_although_progress_cannot_be_kept(clone: Course) -> None:
    study("start", "01")
    with_cell(clone.labs / "my_lab01.ipynb", "def to_ms", "def to_ms(stamp):\n    return stamp")
    result = study("check", "01.2")
    place = result.output.index("L01.2 to_ms [all-ms]")
    assert result.output.index("Your progress could not be kept (") > place
    assert "Your progress could not be kept (" in study("hint", "01.1").output
    assert study("next").exit_code == study("progress").exit_code == 0


@pytest.mark.parametrize(
    "entry",
    [
        {"attempts": "many", "hints": [3], "passed": "yes", "misconceptions": 5, "same": None},
        {"attempts": None},
        [],
        7,
    ],
)
def test_wrong_types_in_progress_are_taken_for_nothing(own_progress: Path, entry: object) -> None:
    exercise = find_exercise("L01.1")[1]
    own_progress.write_text(json.dumps({"version": 1, "exercises": {"L01.1": entry}}))
    assert not Progress(own_progress).passed(exercise)
    assert "(hint 1 of 3)" in study("hint", "01.1").output
    assert "(hint 2 of 3)" in study("hint", "01.1").output
    assert study("progress").exit_code == 0


def test_damaged_progress_is_put_aside_and_said(own_progress: Path) -> None:
    own_progress.write_text("{")
    assert "Your progress file was damaged: it is kept as " in study("progress").output
    assert own_progress.with_name("progress.damaged-1.json").read_text() == "{"
    assert "damaged" not in study("progress").output


def test_reset_of_one_exercise_says_which_is_fresh(clone: Course) -> None:
    study("start", "01")
    said = study("reset", "01.1").output
    assert said.startswith("L01.1 to_epoch_ms in labs/my_lab01.ipynb is fresh; your work is in")


def test_work_in_the_original_is_taken_along(clone: Course, course: Course) -> None:
    original = clone.labs / "lab01_clocks.ipynb"
    original.write_text((course.labs / original.name).read_text())
    assert "you have no copy of lab01_clocks yet" in study("check", "01").output
    with_cell(original, "def to_ms", "def to_ms(stamp):\n    return 7")
    assert "your work is in the original, labs/lab01_clocks.ipynb" in study("check", "01").output
    study("start", "01")
    assert "return 7" in (clone.labs / "my_lab01.ipynb").read_text()


def test_a_check_in_the_original_warns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "/labs/lab01_clocks.ipynb")
    namespace = {"lab": lab_module, "to_ms": lambda stamp: stamp}
    exec('lab.check("L01.2")', namespace)
    assert "This is the original of the lab. `study start 01`" in capsys.readouterr().out
    monkeypatch.setenv("JPY_SESSION_NAME", "/labs/my_lab01.ipynb")
    exec('lab.check("L01.2")', namespace)
    assert "original" not in capsys.readouterr().out


def test_a_notebook_that_was_saved_long_ago_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "my_lab01.ipynb"
    path.write_text("")
    assert age_text(path) == ""
    for minutes, text in ((1.5, "1 minute"), (4.5, "4 minutes"), (180.5, "3 hours")):
        then = time.time() - 60 * minutes
        os.utime(path, (then, then))
        assert age_text(path) == f", saved {text} ago"


def test_a_loop_that_swallows_every_exception_is_interrupted() -> None:
    def stubborn(number: int) -> int:
        while True:
            try:  # noqa: SIM105 - this is what is tested
                number += 1
            except:  # noqa: E722
                pass

    assert run_cases(stubborn, [(1,)], 0.2) == [{"hung": 0.2}]


@pytest.mark.parametrize("way", ["exit()", "quit()", "raise SystemExit(3)", "input('?')"])
def test_an_answer_cannot_end_the_program_or_ask(way: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"def ends(number):\n    {way}", namespace)
    outcomes = run_cases(namespace["ends"], [(1,), (2,)])
    assert len(outcomes) == 2
    assert all(str(outcome["raised"]).startswith(("NotHere", "SystemExit")) for outcome in outcomes)


def test_cells_that_exit_print_for_ever_or_have_a_long_folder_do_not_stop_a_check(
    clone: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study("start", "01")
    copy = clone.labs / "my_lab01.ipynb"
    printing = (
        "import threading, time  # imported here\n"
        "def go_on():\n"
        "    while True:\n"
        "        print('tick')\n"
        "        __import__('time').sleep(0.01)\n"
        "threading.Thread(target=go_on, daemon=True).start()\n"
    )
    with_cell(copy, "delays_ms", printing)
    answer = "def to_ms(stamp):\n    if stamp < 10**11:\n        return stamp * 1_000\n"
    answer += "    return stamp if stamp < 10**14 else stamp // 1_000\n\nexit()"
    with_cell(copy, "def to_ms", answer)
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    result = study("check", "01")
    lines = result.output.splitlines()
    assert "ok  L01.2 to_ms" in lines
    assert "..  L01.5 latest_by_key" in lines
