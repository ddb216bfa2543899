"""The learner's loop: copy, check, hint, next, reset, progress, watch; whatever breaks."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from studykit.checks.judging import Judgement
from studykit.checks.progress import Progress
from studykit.course.builder.cells import dump, load
from studykit.course.layout import Course
from studykit.course.learner.check import check_notebook
from studykit.course.learner.copies import copy_of, pristine, reset, start, started
from studykit.course.learner.recall import DAY_S, QUESTIONS, recall, recall_text, welcome
from studykit.course.learner.report import checks_text, next_text, progress_text
from studykit.course.learner.watching import saved
from studykit.errors import StudyError
from studykit.exercises.catalog import find_exercise, find_lab, labs

LAB = find_lab("02")


@pytest.fixture
def mine(course: Course, tmp_path: Path) -> Course:
    """Return a course of its own, with the labs of this one."""
    (tmp_path / "labs").mkdir()
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    shutil.copytree(course.solutions / "src", tmp_path / "solutions" / "src")
    for source in course.lesson_sources():
        shutil.copy(source, tmp_path / "notebooks" / "src")
    for lab in labs():
        shutil.copy(course.labs / f"{lab.name}.ipynb", tmp_path / "labs")
    return Course(tmp_path)


def write_answer(path: Path, name: str, body: str) -> None:
    """Put `body`, lines of code, in place of the hole of the function `name`."""
    notebook = load(path)
    for cell in notebook["cells"]:
        if re.search(rf"def {name}\b", cell["source"]) and "NotDone" in cell["source"]:
            hole = re.compile(r"raise lab\.NotDone\(\n?(?: *\".*\"\n?)+ *\)")
            cell["source"], count = hole.subn(body.replace("\\", r"\\"), cell["source"])
            assert count == 1
            break
    else:
        pytest.fail(f"there is no hole of {name}")
    path.write_text(dump(notebook))


def replace_example(path: Path, source: str) -> None:
    """Put `source` in place of the worked example."""
    notebook = load(path)
    cell = next(cell for cell in notebook["cells"] if cell["source"].startswith("highest = 0"))
    cell["source"] = source
    path.write_text(dump(notebook))


def test_start_copies_a_lab_once(mine: Course) -> None:
    copy = start(LAB, mine)
    assert copy.name == "my_lab02.ipynb"
    assert copy.read_bytes() == (mine.labs / f"{LAB.name}.ipynb").read_bytes()
    assert started(mine) == [LAB]
    with pytest.raises(StudyError, match=r"labs/my_lab02.ipynb is there already: open it, or"):
        start(LAB, mine)


def test_start_takes_work_in_the_original_along(mine: Course) -> None:
    write_answer(mine.labs / f"{LAB.name}.ipynb", "watermark", "return 1")
    assert "return 1" in start(LAB, mine).read_text()


def test_without_a_copy_the_remedy_is_named(mine: Course) -> None:
    with pytest.raises(StudyError, match="you have no copy of lab02_watermarks yet: `study start"):
        reset(LAB, None, mine)


def test_reset_keeps_every_backup(mine: Course) -> None:
    path = start(LAB, mine)
    for number in (1, 2):
        write_answer(path, "watermark", f"return {number}")
        fresh, backup = reset(LAB, None, mine)
        assert backup.name == f"my_lab02.backup-{number}.ipynb"
        assert f"return {number}" in backup.read_text()
        assert fresh.read_text() == dump(pristine(LAB, mine))
    assert copy_of(LAB, mine) == path


def test_reset_of_one_exercise_leaves_the_others(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "watermark", "return 'first'")
    write_answer(path, "watermarks", "return 'second'")
    reset(LAB, find_exercise("02.1")[1], mine)
    text = path.read_text()
    assert "'first'" not in text
    assert "'second'" in text


def test_check_tells_each_exercise_what_became_of_it(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "watermark", "return oldest_expected_ms - 1")
    write_answer(path, "watermarks", "return [1 // 0 for _ in times_ms]")
    write_answer(path, "predict_watermarks", "return (3_999, 9_999, 12_999)")
    write_answer(path, "smallest_bound", "return float('nan')")
    answers, notes = check_notebook(path, LAB.exercises)
    assert notes == []
    assert [answer.mark for answer in answers] == ["ok", "no", "ok", "no", "..", ".."]
    assert "got       ZeroDivisionError: integer division or modulo by zero" in answers[1].text
    assert "return [1 // 0 for _ in times_ms]" in answers[1].text
    assert "got       the number nan" in answers[3].text
    text = checks_text(answers, notes)
    assert text.startswith("ok  L02.1 watermark\nno  L02.2 watermarks\n")
    assert "Traceback" not in text


def test_a_syntax_error_costs_its_own_exercise_only(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "watermark", "return oldest_expected_ms -")
    write_answer(path, "predict_watermarks", "return [3_999, 9_999, 12_999]")
    answers, _ = check_notebook(path, LAB.exercises)
    assert [answer.mark for answer in answers] == ["no", "..", "ok", "..", "..", ".."]
    assert answers[0].text.startswith("L02.1 watermark: its cell stops with SyntaxError")


def test_an_answer_that_needs_another_says_which(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "watermarks", "return [watermark(time, bound_ms) for time in times_ms]")
    (answer,), _ = check_notebook(path, [find_exercise("02.2")[1]])
    assert answer.mark == ".."
    assert answer.text == "L02.2 uses L02.1 watermark, which is not done: do that one first."


def test_a_renamed_function_is_asked_for(mine: Course) -> None:
    path = start(LAB, mine)
    path.write_text(path.read_text().replace("def smallest_bound(", "def my_bound("))
    (answer,), _ = check_notebook(path, [find_exercise("02.4")[1]])
    assert answer.text == (
        "L02.4: there is no function smallest_bound. Did you rename it, or not run its cell yet?"
    )


def test_a_call_that_ends_the_kernel_is_named_and_the_others_are_checked(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "smallest_bound", "return __import__('os')._exit(3)")
    write_answer(path, "watermark", "return oldest_expected_ms - 1")
    exercises = [find_exercise(f"02.{n}")[1] for n in (4, 1)]
    answers, notes = check_notebook(path, exercises)
    assert notes == []
    assert [answer.mark for answer in answers] == ["no", "ok"]
    assert answers[0].text == (
        "L02.4 smallest_bound: the kernel ended or hung while it ran smallest_bound: does it call "
        "exit, or take all memory?"
    )


def test_a_cell_that_ends_the_kernel_is_left_out(mine: Course) -> None:
    path = start(LAB, mine)
    replace_example(path, "import os\nos._exit(3)")
    answers, notes = check_notebook(path, [find_exercise("02.1")[1]])
    assert [answer.mark for answer in answers] == [".."]
    assert notes == [
        "the cell that begins with 'import os' ended the kernel: does it call exit, or take all "
        "memory?"
    ]


def test_a_cell_that_hangs_is_left_out(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "watermark", "return oldest_expected_ms - 1")
    replace_example(path, "while True:\n    pass")
    answers, notes = check_notebook(path, [find_exercise("02.1")[1]], cell_timeout_s=2)
    assert [answer.mark for answer in answers] == ["ok"]
    assert notes == [
        "the cell that begins with 'while True:' did not end within 2 s: which loop in it has no "
        "end?"
    ]


def test_a_call_that_hangs_is_interrupted(mine: Course) -> None:
    path = start(LAB, mine)
    write_answer(path, "smallest_bound", "return [1 for _ in iter(int, 1)]")
    (answer,), _ = check_notebook(path, [find_exercise("02.4")[1]])
    assert "got       nothing within 5 s" in answer.text
    assert "[too-slow]" in answer.text
    assert "Is there a loop in your function that never ends?" in answer.text


def test_a_copy_that_is_no_notebook_is_refused(mine: Course) -> None:
    path = start(LAB, mine)
    path.write_text("<<<<<<< HEAD")
    with pytest.raises(StudyError, match=r"my_lab02.ipynb is no notebook"):
        check_notebook(path, LAB.exercises)


def test_next_is_the_first_exercise_that_was_never_passed(mine: Course, own_progress: Path) -> None:
    progress = Progress(own_progress)
    assert "Next: L01.1 to_epoch_ms (faded, about 8 minutes), after `study start 01`" in next_text(
        progress, mine
    )
    pass_all(own_progress, ["L01.1", "L01.3"])
    assert next_text(progress, mine).startswith("Next: L01.2 to_ms")
    pass_all(own_progress, [exercise.id for lab in labs() for exercise in lab.exercises])
    assert next_text(progress, mine) == "Every exercise is done."


AWAY_S = 1_800_000_000


def test_who_was_away_for_a_week_is_told_where_he_was_and_asked_three_questions(
    own_progress: Path,
) -> None:
    own_progress.write_text(
        '{"version": 1, "exercises": {'
        + ", ".join(
            f'"{id_}": {{"passed": true, "attempts": {attempts}, "at": {AWAY_S - attempts}}}'
            for id_, attempts in [("L01.1", 9), ("L01.3", 9), ("L02.1", 1), ("L02.2", 3),
                                  ("L03.1", 2), ("L03.4", 2)]
        )
        + f', "L04.1": {{"attempts": 1, "at": {AWAY_S}}}'
        + "}}"
    )  # fmt: skip
    progress = Progress(own_progress)
    week_s = 7 * DAY_S
    assert welcome(progress, AWAY_S + week_s - 1) == ""
    lines = welcome(progress, AWAY_S + week_s).splitlines()
    assert lines[0] == (
        "Welcome back. 7 days ago you were at L04.1 window_starts, which is not done yet."
    )
    asked = recall(progress, AWAY_S + week_s)
    # What took one attempt is asked about last, and a prediction never.
    assert len(asked) == QUESTIONS
    assert {exercise.id for exercise in asked} < {"L01.1", "L02.2", "L03.1", "L03.4"}
    assert lines[2] == f"1. {asked[0].title}: {asked[0].hints[0]}"
    told = recall_text(progress, answers=True, now_s=AWAY_S + week_s)
    assert asked[0].rule.split()[:3] == told.splitlines()[1].split()[:3]
    assert recall(progress, AWAY_S + week_s) == asked


def test_progress_of_before_knows_no_time_and_nobody_is_welcomed_back(own_progress: Path) -> None:
    pass_all(own_progress, ["L02.1"])
    assert welcome(Progress(own_progress)) == ""
    own_progress.write_text('{"version": 1, "exercises": {"L02.1": {"at": "long ago"}}}')
    assert welcome(Progress(own_progress)) == ""
    assert recall_text(Progress(own_progress), answers=False).startswith("Nothing to recall yet")


def pass_all(path: Path, ids: list[str]) -> None:
    entries = ", ".join(f'"{id_}": {{"passed": true}}' for id_ in ids)
    path.write_text(f'{{"version": 1, "exercises": {{{entries}}}}}')


def test_progress_counts_what_is_done(own_progress: Path) -> None:
    pass_all(own_progress, ["L02.1", "L02.6", "L77.1"])
    lines = progress_text(Progress(own_progress)).splitlines()
    assert lines[1] == f"02 {'Build the watermark':<28} x....x  2 of 6"


def test_watch_yields_a_file_that_was_saved_or_appeared(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_text("a")

    def wait(_seconds: float) -> None:
        next(steps)

    def happen() -> Iterator[None]:
        yield
        first.write_text("b")
        yield
        second.write_text("c")
        yield

    steps = happen()
    files = {"one": first, "two": second, "none": None}
    assert list(islice(saved(lambda: files, wait), 2)) == ["one", "two"]


def test_who_began_at_lab_11_goes_on_there_and_hears_once_what_lies_before(
    mine: Course, own_progress: Path
) -> None:
    progress = Progress(own_progress)
    first, second, third = find_lab("11").exercises[:3]
    progress.record_hint(first, 1)  # who only looks has not begun
    assert "before the one" not in next_text(progress, mine)
    progress.record(Judgement(first, "failed"))
    told = next_text(progress, mine)
    assert told.count("labs 01 to 10, before the one that you began with") == 1
    assert f"Next: {first.title}" in told
    pass_all(own_progress, [first.id, second.id])
    told = next_text(progress, mine)
    assert "before the one" not in told
    assert f"Next: {third.title}" in told
