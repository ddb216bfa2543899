"""The commands of the labs, as they are typed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from studykit.checks import kernel
from studykit.checks.kernel import KernelFailure
from studykit.cli import course as commands
from studykit.cli.app import app
from studykit.course import proof
from studykit.course.builder.cells import dump, load
from studykit.course.layout import Course
from studykit.course.learner import watching
from studykit.course.learner.watching import LOOK_EVERY_S
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Exercise, Lab


def study(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_every_command_of_the_loop_has_help() -> None:
    for command in (commands.start, commands.check, commands.next_, commands.hint, commands.reset):
        assert command.__doc__
    assert study("check", "--help").exit_code == 0


def test_the_loop_from_start_to_reset(clone: Course) -> None:
    assert "Your copy is labs/my_lab01.ipynb" in study("start", "1").stdout
    checked = study("check", "01.3")
    assert checked.exit_code == 0
    assert checked.stdout.startswith("Checking labs/my_lab01.ipynb ...\nL01.3 not attempted yet: ")
    copy = clone.labs / "my_lab01.ipynb"
    notebook = load(copy)
    cell = next(cell for cell in notebook["cells"] if "def predict_out" in cell["source"])
    cell["source"] = cell["source"].replace("raise ", "return [3, 6]\n    raise ")
    copy.write_text(dump(notebook))
    checked = study("check", "L01.3")
    assert checked.exit_code == 1
    assert "L01.3 predict_out_of_order [neighbours-only]" in checked.stdout
    assert "[3, 4, 6, 7]" not in checked.stdout
    assert "your work is in labs/my_lab01.backup-1.ipynb" in study("reset", "01.3").stdout
    assert "01 Two clocks                   ..o..  0 of 5" in study("progress").stdout


def test_hint_and_next_ask_and_point(clone: Course) -> None:
    assert "(hint 3 of 3)" in study("hint", "02.1", "3").stdout
    lines = study("next").stdout.splitlines()
    assert lines[0].startswith("Lesson 01 first: ")
    assert lines[1].startswith("Next: L01.1 to_epoch_ms")
    levels = [study("hint", "02.2").stdout.strip()[-7:-1] for _ in range(4)]
    assert levels == ["1 of 3", "2 of 3", "3 of 3", "3 of 3"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("check",), "you have not started a lab yet: `study start 01` makes a copy of the first"),
        (("check", "03"), "you have no copy of lab03_windows yet: `study start 03`"),
        (("check", "lab03"), "you have no copy of lab03_windows yet: `study start 03`"),
        (("check", "03.9"), "there is no exercise '03.9': lab03_windows has L03.1"),
        (("start", "99"), "there is no lab '99': choose one of 01, 02"),
        (("hint", "01.1", "7"), "there is no hint 7: choose 1, 2 or 3"),
        (("course", "build", "zz"), "no source begins with 'zz'"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_remedy(
    clone: Course, words: tuple[str, ...], text: str
) -> None:
    result = study(*words)
    assert result.exit_code == 1
    assert text in result.output
    assert "Traceback" not in result.output


def test_watch_checks_what_is_saved_until_it_is_interrupted(
    clone: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    study("start", "04")
    copy = clone.labs / "my_lab04.ipynb"
    text = copy.read_text()
    saves = iter([text + "\n", "{", None])
    sleep = time.sleep

    def look_again(seconds: float) -> None:
        if seconds != LOOK_EVERY_S:
            return sleep(seconds)
        content = next(saves)
        if content is None:
            raise KeyboardInterrupt
        return copy.write_text(content) and None

    monkeypatch.setattr(time, "sleep", look_again)
    result = study("watch", "04.3")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1:3] == [
        "Checking labs/my_lab04.ipynb ...",
        "L04.3 not attempted yet: Write down how many sessions there are after each of six events, "
        "without running code.",
    ]
    assert "my_lab04.ipynb is no notebook" in lines[4]


def test_watch_moves_on_when_an_exercise_passes(
    clone: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    study("start", "04")
    marks = iter([[".."], ["no"], ["ok"], ["no"], ["ok"]])
    asked: list[str] = []

    def check(_path: Path, exercises: Sequence[Exercise]) -> list[str]:
        asked.append(" ".join(exercise.id for exercise in exercises))
        try:
            return next(marks)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(commands, "_check", check)
    monkeypatch.setattr(watching, "saved", lambda _files: iter(["04"] * 6))
    result = study("watch", "04.4")
    whole = "L04.1 L04.2 L04.3 L04.4 L04.5"
    assert asked == ["L04.4", "L04.4", "L04.4", "L04.5", "L04.5", whole]
    assert "Watching L04.5 add_event from now on." in result.output
    assert "Watching the whole lab 04 from now on." in result.output


def test_a_lab_whose_kernel_dies_costs_no_other_lab_its_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    died = "the kernel did not start (DeadKernelError): is the machine busy, or out of memory?"

    def prove_all_but_the_second(lab: Lab, _course: Course) -> proof.LabProof:
        if lab.number == "02":
            raise KernelFailure(died)
        return proof.LabProof(lab, (), (), ())

    monkeypatch.setattr(proof, "prove", prove_all_but_the_second)
    proofs, _ = proof.prove_each(labs(), Course.of_clone())
    assert [each.lab.number for each in proofs] == [
        lab.number for lab in labs() if lab.number != "02"
    ]
    told = study("course", "report")
    assert told.exit_code == 1
    last = told.stdout.splitlines()[-1]
    assert last == f"lab 02 is not proven: {died} Run it again: `study course report 02`"


@pytest.mark.parametrize("error", [RuntimeError("died"), TimeoutError("silent")])
def test_a_kernel_that_does_not_start_is_a_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(kernel.TestbookNotebookClient, "setup_kernel", refuse)
    with (
        pytest.raises(KernelFailure, match=r"the kernel did not start .*: is the machine busy"),
        kernel.run_lab({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, Path()),
    ):
        pass
