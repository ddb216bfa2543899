"""The learner's engine: assembled from what was passed, and raced against the course's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from studykit.checks.progress import Progress
from studykit.cli.app import app
from studykit.course.builder.cells import dump, load
from studykit.course.layout import Course
from studykit.course.learner.engine import PARTS, engine_line, race, race_payments
from studykit.errors import StudyError


@pytest.fixture
def clone(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Let the commands work in a clone in which the learner's copies are the solutions."""
    (tmp_path / "labs").mkdir()
    (tmp_path / "solutions").symlink_to(course.solutions)
    for path in course.solutions.glob("lab*.ipynb"):
        (tmp_path / "labs" / f"my_{path.name[:5]}.ipynb").write_text(path.read_text())
    mine = Course(tmp_path)
    monkeypatch.setattr(Course, "of_clone", classmethod(lambda _cls: mine))
    return mine


def study(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def pass_parts(path: Path, count: int) -> None:
    entries = {part.exercise_id: {"passed": True} for part in PARTS[:count]}
    path.write_text(json.dumps({"version": 1, "exercises": entries}))


def test_the_solutions_make_an_engine_that_agrees_in_every_row(
    clone: Course, own_progress: Path
) -> None:
    pass_parts(own_progress, len(PARTS))
    built = study("assemble")
    assert built.exit_code == 0, built.output
    assert f"labs/my_engine.py has {len(PARTS)} of {len(PARTS)} parts" in built.output
    raced = study("race", "--events", "400")
    assert raced.exit_code == 0, raced.output
    assert "400 events of one seeded log. No row differs." in raced.output
    assert "the whole job" in raced.output
    assert "the job by partition" in raced.output


def test_a_late_part_that_is_wrong_differs_row_by_row(clone: Course, own_progress: Path) -> None:
    pass_parts(own_progress, len(PARTS))
    copy = clone.labs / "my_lab12.ipynb"
    notebook = load(copy)
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("counts.get(end_ms, 0)", "counts.get(end_ms, 1)")
    copy.write_text(dump(notebook))
    study("assemble")
    laps = {lap.part.exercise_id: lap for lap in race(clone.labs / "my_engine.py", 400)}
    assert 0 < laps["L12.4"].differing < laps["L12.4"].rows
    assert not any(laps[name].differing for name in laps if name != "L12.4")


def test_assemble_says_why_other_exercises_add_nothing(clone: Course, own_progress: Path) -> None:
    pass_parts(own_progress, 1)
    assert "No other exercise is a part" in " ".join(study("assemble").output.split())


def test_a_part_that_was_not_passed_is_left_out(clone: Course, own_progress: Path) -> None:
    pass_parts(own_progress, 2)
    assert "has 2 of 11 parts: times in one unit, watermarks." in study("assemble").output
    source = (clone.labs / "my_engine.py").read_text()
    assert "def watermark(" in source  # watermarks calls it
    assert "def window_start(" not in source
    assert [lap.part.exercise_id for lap in race(clone.labs / "my_engine.py", 50)] == [
        "L01.2",
        "L02.2",
    ]


def test_an_answer_that_was_spoiled_since_differs(clone: Course, own_progress: Path) -> None:
    pass_parts(own_progress, 3)
    copy = clone.labs / "my_lab02.ipynb"
    notebook = load(copy)
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("oldest_expected_ms - 1", "oldest_expected_ms")
    copy.write_text(dump(notebook))
    study("assemble")
    raced = study("race", "--events", "100")
    assert raced.exit_code == 1
    assert "Look at L02.2 again." in raced.output


def test_helpers_of_other_cells_come_along(clone: Course, own_progress: Path) -> None:
    pass_parts(own_progress, 1)
    copy = clone.labs / "my_lab01.ipynb"
    notebook = load(copy)
    cell = next(cell for cell in notebook["cells"] if "def to_ms" in cell["source"])
    cell["source"] = (
        "LIMIT = 10**11\ndef seconds(stamp):\n    return stamp * 1_000\n"
        "def to_ms(stamp):\n    if stamp < LIMIT:\n        return seconds(stamp)\n"
        "    return stamp if stamp < 10**14 else stamp // 1_000"
    )
    copy.write_text(dump(notebook))
    study("assemble")
    assert study("race", "--events", "90").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("assemble",), "no part of your engine is passed yet: the first is L01.2 to_ms"),
        (("race",), "you have no engine yet: `study assemble` builds it"),
    ],
)
def test_without_an_engine_the_remedy_is_named(
    clone: Course, words: tuple[str, ...], says: str
) -> None:
    result = study(*words)
    assert result.exit_code == 1
    assert says in result.output


def test_an_engine_that_does_not_run_is_said_to(clone: Course, tmp_path: Path) -> None:
    path = tmp_path / "my_engine.py"
    path.write_text("import nothing_like_this")
    with pytest.raises(
        StudyError, match=r"does not run \(ModuleNotFoundError: .*: `study assemble`"
    ):
        race(path)
    path.write_text("def to_ms(stamp):\n    raise ValueError('no')")
    (lap,) = race(path, 10)
    assert lap.trouble == "stops with ValueError: no"


def test_the_engine_grows_with_what_is_passed(own_progress: Path) -> None:
    pass_parts(own_progress, 3)
    line = engine_line(Progress(own_progress))
    assert "xxx........  3 of 11; next part: sliding windows, L04.1" in line


def test_the_log_of_a_race_is_out_of_order_and_always_the_same() -> None:
    events = race_payments(500, 7)
    assert events == race_payments(500, 7)
    assert events != race_payments(500, 8)
    assert sorted(events) != events
