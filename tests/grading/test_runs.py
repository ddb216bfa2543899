"""Whole runs: the example class, resuming, regrading, and both engines side by side."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from studykit.checks.judging import cases_of
from studykit.cli.app import app
from studykit.cli.grade import example_order
from studykit.errors import StudyError
from studykit.exercises.catalog import find_lab
from studykit.grading.book.ledger import ResultLedger
from studykit.grading.book.results import Result
from studykit.grading.example.comparing import differences
from studykit.grading.example.maker import as_bytes
from studykit.grading.run import grade_all
from studykit.grading.sandbox import selftest
from studykit.grading.sandbox.fork_engine import ForkEngine
from studykit.grading.sandbox.limits import Limits
from studykit.grading.sandbox.selftest import choose_sandbox
from studykit.grading.sandbox.warden import EngineFailure
from studykit.grading.secret import Secret
from tests.support.grading.hostile import CASES
from tests.support.grading.submissions import (
    COURSE,
    LAB,
    all_pass,
    graded,
    put,
    solved,
    untouched,
    verdicts,
)

CLONE = Path(__file__).parents[2]
STUDY = Path(sys.executable).with_name("study")
NEVER_TWICE_THE_SAME = {"results.jsonl", "timings.html", ".lock"}
"""The journal is in the order in which submissions ended, and seconds are seconds."""


def grade_example(out: Path, *more: str) -> subprocess.Popen:
    """Start the command as a person does."""
    words = [STUDY, "grade", "--example", "--out", out, *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def outputs(out: Path) -> dict[str, bytes]:
    """Return what must be the same in every run, by its place in the folder of results."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and "submissions" not in path.parts
        if path.name not in NEVER_TWICE_THE_SAME
    }


@dataclass(frozen=True)
class Example:
    """The example class, graded: where, and what the command said."""

    out: Path
    said: str


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    out = tmp_path_factory.mktemp("example")
    with grade_example(out) as run:
        said, _ = run.communicate()
        assert run.returncode == 0, said
    return Example(out, said)


def test_the_example_class_gets_the_committed_gradebook(example: Example) -> None:
    assert "The gradebook is the committed one, mark for mark." in example.said
    assert len(list((example.out / "feedback").iterdir())) == 30


def test_make_grade_without_a_word_grades_the_example_class() -> None:
    words = ["make", "--dry-run", "grade"]
    said = subprocess.run(words, cwd=CLONE, check=True, capture_output=True, text=True).stdout
    assert "study grade --example" in said
    words += ["LAB=lab01", "SUBMISSIONS=handed-in", "OUT=grades"]
    said = subprocess.run(words, cwd=CLONE, check=True, capture_output=True, text=True).stdout
    assert "study grade handed-in --lab lab01 --out grades" in said


def test_another_mark_than_the_committed_one_is_named(example: Example, tmp_path: Path) -> None:
    text = (example.out / "gradebook.csv").read_text("utf-8")
    changed = tmp_path / "changed.csv"
    changed.write_text(text.replace("abebe,graded,1,", "abebe,graded,0,"), "utf-8")
    assert differences(changed) == ["abebe, L01.1: 0 in place of 1"]
    changed.write_text(text.replace("abebe", "abel"), "utf-8")
    assert differences(changed) == ["abebe: only in the committed one", "abel: only in this one"]


def test_the_level_of_isolation_is_in_every_report(example: Example) -> None:
    out = example.out
    level = json.loads((out / "gradebook.json").read_text("utf-8"))["isolation"]
    assert level.startswith(("isolation L4", "isolation L3"))
    assert level in (out / "report.html").read_text("utf-8")


def test_a_student_reads_no_hidden_case(tmp_path: Path) -> None:
    """An answer that knows the public cases by heart says what else it is asked."""
    to_ms = LAB.exercises[1]
    known = {args[0]: to_ms.expected(args) for args in cases_of(to_ms)}
    source = f"def to_ms(stamp):\n    return {known}.get(stamp, 'leak')"
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved({"to_ms": source}))})
    exercise = graded(tmp_path / "in", tmp_path / "out")["a"]["exercises"][1]
    assert "a hidden one is not" in exercise["feedback"]
    assert "call " not in exercise["feedback"]
    assert "leak" not in exercise["feedback"]
    assert "leak" in exercise["detail"]
    pages = list((tmp_path / "out" / "feedback").iterdir())
    assert not any("leak" in page.read_text("utf-8") for page in pages)


def test_graded_again_nothing_is_run_and_no_byte_changes(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in example.out.rglob("*") if path.is_file()}
    monkeypatch.setattr("studykit.grading.run.Pool", None)
    grade_all(example_order(example.out), COURSE, *[lambda *_: None] * 3)
    assert {path: path.read_bytes() for path in example.out.rglob("*") if path.is_file()} == before


def test_killed_at_any_moment_the_same_command_ends_in_the_same_bytes(
    example: Example, tmp_path: Path
) -> None:
    for stop in (signal.SIGKILL, signal.SIGINT):
        with grade_example(tmp_path) as run:
            lines = _lines(tmp_path)
            _wait(lambda before=lines: _lines(tmp_path) > before + 3)
            below = psutil.Process(run.pid).children(recursive=True)
            run.send_signal(stop)
            run.communicate()
        _wait(lambda gone=below: not any(process.is_running() for process in gone))
    with (tmp_path / "results.jsonl").open("ab") as ledger:
        ledger.write(b'{"student": "torn')
    with grade_example(tmp_path) as run:
        said, _ = run.communicate()
    assert "are graded already" in said
    assert outputs(tmp_path) == outputs(example.out)


def _lines(out: Path) -> int:
    path = out / "results.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait(ready: Any, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def test_both_engines_agree_on_every_verdict_mark_and_message(
    example: Example, tmp_path: Path
) -> None:
    with grade_example(tmp_path, "--engine", "testbook") as run:
        said, _ = run.communicate()
    assert "The gradebook is the committed one, mark for mark." in said
    fork, testbook = (
        json.loads((out / "gradebook.json").read_text("utf-8"))["students"]
        for out in (example.out, tmp_path)
    )
    assert testbook == fork


def test_both_engines_agree_on_what_attacks_them(tmp_path: Path) -> None:
    names = ("exits-in-a-call", "memory-in-a-call", "memory-below-the-limit", "prints-in-a-call",
             "displays-without-end", "displays-and-clears", "writes-past-python",
             "waits-for-input", "installs", "system-exit")  # fmt: skip
    for case in CASES:
        if case.name in names:
            (tmp_path / "in" / case.name).mkdir(parents=True)
            case.make(tmp_path / "in" / case.name)
    fork = graded(tmp_path / "in", tmp_path / "fork")
    testbook = graded(tmp_path / "in", tmp_path / "testbook", engine="testbook")
    assert len(fork) == len(names)
    assert testbook == fork


def test_a_kernel_that_sends_too_much_past_its_count_is_given_up(tmp_path: Path) -> None:
    """JSON is what answers are made of, and so the one thing that is not counted inside."""
    flood = (
        "import time\n"
        "from IPython.display import publish_display_data\n"
        "for _ in range(60): publish_display_data({'application/json': 'x' * 100_000})\n"
        "time.sleep(10**6)"
    )
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved({"to_ms": flood}))})
    patient = Limits(cell_s=120.0, submission_s=240.0)
    book = graded(tmp_path / "in", tmp_path / "out", engine="testbook", limits=patient)
    assert verdicts(book["a"]) == all_pass(e2="output")


def test_a_changed_submission_alone_is_graded_again(tmp_path: Path) -> None:
    put(tmp_path / "in", {f"{name}/lab.ipynb": as_bytes(solved()) for name in ("a", "b")})
    graded(tmp_path / "in", tmp_path / "out")
    put(tmp_path / "in", {"b/lab.ipynb": as_bytes(untouched())})
    book = graded(tmp_path / "in", tmp_path / "out")
    lines = (tmp_path / "out" / "results.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["student"] for line in lines[2:]] == ["b"]
    assert (book["a"]["total"], book["b"]["total"]) == ("5", "0")


@pytest.mark.parametrize("mine", [None, "def to_ms(stamp): return 1"])
def test_of_a_whole_clone_the_course_s_own_copies_do_not_count(
    tmp_path: Path, mine: str | None
) -> None:
    """Who hands in a clone in which nothing was done has not handed in the solution."""
    files = {"labs/lab01_clocks.ipynb": as_bytes(untouched()), "solutions/a.ipynb": _SOLUTION}
    if mine:
        files["my_lab01.ipynb"] = as_bytes(solved({"to_ms": mine}))
    put(tmp_path / "in" / "a", files)
    put(tmp_path / "in" / "b", {"lab.ipynb": b""})
    found = graded(tmp_path / "in", tmp_path / "out")["a"]
    assert found["total"] == ("4" if mine else "0")
    assert found["review"] == []


_SOLUTION = as_bytes(solved())


def test_another_secret_grades_everything_again(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    for key in (b"one secret of sixteen", b"another secret of sixteen"):
        graded(tmp_path / "in", tmp_path / "out", secret=Secret(key))
    assert _lines(tmp_path / "out") == 2


def test_private_cases_count_and_stay_private(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved({"to_ms": _KNOWS_PUBLIC}))})
    put(tmp_path / "pack", {"lab01_clocks.py": b"CASES = {'L01.2': [(1_999_999_999,)]}"})
    found = graded(tmp_path / "in", tmp_path / "out", tests=tmp_path / "pack")["a"]
    exercise = found["exercises"][1]
    assert exercise["verdict"] == "fail"
    assert "1_999_999_999" in exercise["detail"]
    assert "1_999_999_999" not in exercise["feedback"]


_KNOWS_PUBLIC = """
def to_ms(stamp):
    if stamp == 1_999_999_999:
        return 0
    return stamp * 1_000 if stamp < 10**11 else stamp if stamp < 10**14 else stamp // 1_000
"""


@pytest.mark.parametrize("text", [b"", b"CASES = 1", b"raise SystemExit", b"import nowhere"])
def test_a_private_pack_that_does_not_work_is_one_sentence(tmp_path: Path, text: bytes) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    put(tmp_path / "pack", {"lab01_clocks.py": text})
    with pytest.raises(StudyError, match="does not hold CASES"):
        graded(tmp_path / "in", tmp_path / "out", tests=tmp_path / "pack")


def test_an_override_survives_a_regrade(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(untouched())})
    decided = tmp_path / "overrides.csv"
    decided.write_text("student,exercise,points,reason\na,L01.2,0.5,shown by hand\n", "utf-8")
    for key in (b"one secret of sixteen", b"another secret of sixteen"):
        book = graded(tmp_path / "in", tmp_path / "out", overrides=decided, secret=Secret(key))
        assert book["a"]["total"] == "0.5"
        assert book["a"]["overrides"] == ["L01.2: shown by hand"]


def test_who_is_on_the_roster_and_handed_in_nothing_is_missing(tmp_path: Path) -> None:
    put(tmp_path / "in", {f"{name}/lab.ipynb": as_bytes(solved()) for name in ("Ada", "x")})
    roster = tmp_path / "roster.csv"
    roster.write_text("student\nAda\nBob\n", "utf-8")
    book = graded(tmp_path / "in", tmp_path / "out", roster=roster)
    assert {name: (student["status"], student["total"]) for name, student in book.items()} == {
        "Ada": ("graded", "5"),
        "Bob": ("missing", "0"),
        "x": ("graded", "5"),
    }
    assert book["x"]["review"] == ["not on the roster"]


def test_without_a_sandbox_nothing_is_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "levels", list)
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    with pytest.raises(StudyError, match="--allow-weak-isolation"):
        graded(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out" / "gradebook.csv").exists()
    book = graded(tmp_path / "in", tmp_path / "out", weak=True)
    assert book["a"]["total"] == "5"
    assert "untrusted isolation" in (tmp_path / "out" / "gradebook.csv").read_text("utf-8")


def test_a_sandbox_that_does_not_hold_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(selftest._ATTEMPTS, "do nothing at all", "pass")
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    with pytest.raises(StudyError, match="possible to do nothing at all"):
        graded(tmp_path / "in", tmp_path / "out")


def test_our_own_failure_is_tried_again_and_never_a_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox fails after the self-test has passed."""
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})

    def choose(*args: Any, **more: Any) -> Any:
        found = choose_sandbox(*args, **more)
        monkeypatch.setattr(ForkEngine, "session", _fails)
        return found

    monkeypatch.setattr("studykit.grading.run.choose_sandbox", choose)
    book = graded(tmp_path / "in", tmp_path / "out")
    assert (book["a"]["status"], book["a"]["total"]) == ("infra_error", None)
    monkeypatch.undo()
    assert graded(tmp_path / "in", tmp_path / "out")["a"]["total"] == "5"


def _fails(_: ForkEngine) -> None:
    raise EngineFailure("the sandbox is on strike")


def test_two_runs_never_write_to_one_folder(tmp_path: Path) -> None:
    from studykit.grading.book.ledger import only_grader  # noqa: PLC0415

    again = pytest.raises(StudyError, match="another grading run")
    with only_grader(tmp_path, "lab01"), again, only_grader(tmp_path, "lab01"):
        pass


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_ledger_loses_only_its_torn_last_line(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "results.jsonl"
    ledger = ResultLedger(path)
    for name in "ab":
        ledger.add(Result(student=name, key="k", status="graded"))
    ledger.close()
    data = path.read_bytes()
    path.write_bytes(data[: -min(cut, len(data) // 2 - 1)])
    again = ResultLedger(path)
    assert set(again.results) == {"a"}
    again.add(Result(student="b", key="k", status="graded"))
    again.close()
    assert path.read_bytes() == data


def test_a_late_notebook_with_a_known_time_loses_points(tmp_path: Path) -> None:
    from studykit.grading.book.marks import LatePolicy  # noqa: PLC0415
    from studykit.grading.intake.times import parse_time  # noqa: PLC0415

    put(tmp_path, {"a.ipynb": as_bytes(solved())})
    table = tmp_path / "list.csv"
    table.write_text("student,path,submitted\na,a.ipynb,2026-03-02T10:00Z\n", "utf-8")
    policy = LatePolicy(parse_time("2026-03-01T00:00Z").latest, 10, 7)
    found = graded(table, tmp_path / "out", policy=policy)["a"]
    assert (found["percent_off"], found["total"]) == (20, "4")
    assert verdicts(found) == dict.fromkeys([exercise.id for exercise in LAB.exercises], "pass")


def test_an_unsettled_name_has_no_mark_until_an_instructor_decides(tmp_path: Path) -> None:
    put(tmp_path / "in", {f"{name}/lab.ipynb": as_bytes(solved()) for name in ("ADA", "x")})
    roster = tmp_path / "roster.csv"
    roster.write_text("student\nAda\nx\n", "utf-8")
    out = tmp_path / "out"
    book = graded(tmp_path / "in", out, roster=roster)
    assert {name: student["total"] for name, student in book.items()} == {
        "ADA": None,
        "Ada": None,
        "x": "5",
    }
    lines = (out / "gradebook.csv").read_text("utf-8").splitlines()
    assert lines[1].startswith("ADA,graded,,,,,,0,,5,unsettled review,")
    assert "Without a mark" in (out / "report.html").read_text("utf-8")
    assert not any("5 of 5" in page.read_text("utf-8") for page in _pages(out, "ADA"))
    filled = (out / "to-settle.csv").read_text("utf-8").replace(",settled,,,", ",settled,,asked,")
    (tmp_path / "decided.csv").write_text(filled, "utf-8")
    book = graded(tmp_path / "in", out, roster=roster, overrides=tmp_path / "decided.csv")
    assert {name: student["total"] for name, student in book.items()} == {
        "ADA": "5",
        "Ada": "0",
        "x": "5",
    }
    assert _lines(out) == 2


def _pages(out: Path, name: str) -> list[Path]:
    return list((out / "feedback").glob(f"{name}-*.html"))


def test_results_never_lie_among_the_submissions(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    for out in (tmp_path / "in" / "out", tmp_path / "in"):
        with pytest.raises(StudyError, match="is inside of"):
            graded(tmp_path / "in", out)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["a"]


def test_results_of_two_labs_never_share_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    graded(tmp_path / "in", tmp_path / "out")
    before = outputs(tmp_path / "out")
    with pytest.raises(StudyError, match="holds the results of lab01_clocks"):
        graded(tmp_path / "in", tmp_path / "out", lab=find_lab("02"))
    assert outputs(tmp_path / "out") == before


def test_a_folder_that_cannot_be_written_to_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "in", {"a/lab.ipynb": as_bytes(solved())})
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(StudyError, match="cannot write to"):
        graded(tmp_path / "in", tmp_path / "file" / "out")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ResultLedger, "add", full)
        with pytest.raises(StudyError, match="No space left on device"):
            graded(tmp_path / "in", tmp_path / "out")
    assert graded(tmp_path / "in", tmp_path / "out")["a"]["total"] == "5"


def test_the_command_says_one_sentence_for_a_mistake(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for words, said in (
        ([tmp_path / "none", "--lab", "01"], "cannot grade"),
        ([empty, "--lab", "99"], "there is no lab"),
        ([empty], "say what to grade"),
        ([], "study grade --example"),
        ([empty, "--lab", "01"], "nothing was handed in"),
        ([empty, "--lab", "01", "--due", "soon"], "is no time"),
        ([empty, "--lab", "01", "--due", "2026-03-01T23:59"], "is no time of one zone"),
        ([empty, "--lab", "01", "--zone", "Mars"], "there is no zone 'Mars'"),
        ([empty, "--lab", "01", "--system", "ilias"], "there is no course system 'ilias'"),
    ):
        given = [str(word) for word in words]
        run = CliRunner().invoke(
            app,
            ["grade", *given, "--out", str(tmp_path / "out")],
            env={"STUDY_HOME": str(tmp_path / "home")},
        )
        assert run.exit_code == 1
        assert said in run.output
        assert "Traceback" not in run.output
