"""Hostile and broken submissions beside honest ones: what becomes of each, and of the others."""

from __future__ import annotations

import json
import resource
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from studykit.grading.example.maker import as_bytes, misled
from studykit.grading.intake.identity import identity
from tests.support.grading.hostile import SCRIPT, Case
from tests.support.grading.submissions import LAB, graded, put, solved, untouched, verdicts
from tests.support.grading.variants import CASES

HONEST = {
    "honest-solved": solved(),
    "honest-untouched": untouched(),
    **{
        f"honest-{exercise.id}-{bad.name}": solved({exercise.name: misled(exercise, bad.name)})
        for exercise in LAB.exercises
        for bad in exercise.misconceptions[:1]
    },
}


def write_honest(folder: Path) -> None:
    put(folder, {f"{name}/lab.ipynb": as_bytes(book) for name, book in HONEST.items()})


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("alone")
    write_honest(folder / "in")
    return graded(folder / "in", folder / "out")


@pytest.fixture(scope="module")
def before() -> set[psutil.Process]:
    """The processes below this one that are no grading's: the test run's own watchman."""
    return set(psutil.Process().children(recursive=True))


@pytest.fixture(scope="module")
def out(before: set[psutil.Process], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grade every hostile submission beside the honest ones, once."""
    folder = tmp_path_factory.mktemp("beside")
    write_honest(folder / "in")
    for case in CASES:
        (folder / "in" / case.name).mkdir()
        case.make(folder / "in" / case.name)
    graded(folder / "in", folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def beside(out: Path) -> dict[str, Any]:
    book = json.loads((out / "gradebook.json").read_text("utf-8"))
    return {student["student"]: student for student in book["students"]}


KINDS = {
    "broken", "file system", "forged types", "hang", "harmless", "identity", "import hijack",
    "metadata", "network", "notebook", "patched checker", "persistence", "process death",
    "protocol", "reading", "report", "resources", "serialized",
}  # fmt: skip


def test_the_table_covers_every_kind() -> None:
    rows = Counter(case.category for case in CASES)
    assert rows.keys() == KINDS
    assert min(rows.values()) >= 2
    assert len(CASES) >= 250
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: case.name[:40].encode("ascii", "replace").decode()
)
def test_a_hostile_submission_gets_its_verdict(beside: dict[str, Any], case: Case) -> None:
    found = beside[identity(case.name)]
    assert found["status"] == case.status, found["reason"]
    assert verdicts(found) == (case.verdicts if case.status == "graded" else {})
    assert case.flags <= set(found["flags"])
    if case.only:
        assert set(found["flags"]) == case.flags, (found["review"], found["restored"])


def test_the_reference_engine_comes_to_the_same_verdicts(tmp_path: Path) -> None:
    """All that is run, but what only waits: that takes its time and tells nothing new."""
    run = [case for case in CASES if case.runs and case.category != "hang"]
    assert len(run) >= 150
    for case in run:
        (tmp_path / "in" / case.name).mkdir(parents=True)
        case.make(tmp_path / "in" / case.name)
    book = graded(tmp_path / "in", tmp_path / "out", engine="testbook")
    found = {case.name: verdicts(book[identity(case.name)]) for case in run}
    assert found == {case.name: case.verdicts for case in run}


def test_honest_results_are_the_same_with_and_without_hostile_ones(
    alone: dict[str, Any], beside: dict[str, Any]
) -> None:
    assert {name: beside[name] for name in alone} == alone


def test_honest_results_are_right(alone: dict[str, Any]) -> None:
    assert alone["honest-solved"]["total"] == "5"
    assert alone["honest-untouched"]["total"] == "0"
    assert not any(exercise["attempted"] for exercise in alone["honest-untouched"]["exercises"])
    for exercise in LAB.exercises:
        bad = exercise.misconceptions[0].name
        found = alone[f"honest-{exercise.id}-{bad}"]
        assert {each["misconception"] for each in found["exercises"]} == {"", bad}


def test_nothing_is_left_of_any_submission(out: Path, before: set[psutil.Process]) -> None:
    assert set(psutil.Process().children(recursive=True)) <= before
    left = {path.name for path in out.iterdir()}
    files = {"gradebook.csv", "gradebook.json", "report.html", "timings.html", "to-settle.csv"}
    assert left == files | {"feedback", "results.jsonl", ".lock"}
    assert not Path("/tmp/evil.py").exists()
    assert not Path("/tmp/owned").exists()


def test_the_grader_stays_small(out: Path) -> None:
    """The largest of all processes that this one has waited for: its workers."""
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert out.exists()
    assert kilobytes < 600_000


def test_no_markup_of_a_submission_becomes_markup(out: Path) -> None:
    pages = [out / "report.html", *(out / "feedback").glob("*.html")]
    assert len(pages) == 1 + len(CASES) + len(HONEST)
    for path in pages:
        text = path.read_text("utf-8")
        assert SCRIPT not in text
        assert "<script" not in text
        assert "\x1b" not in text
    assert "&lt;script&gt;" in (out / "report.html").read_text("utf-8")


def test_no_cell_of_the_table_is_a_formula(out: Path) -> None:
    lines = (out / "gradebook.csv").read_text("utf-8").splitlines()
    assert any(line.startswith("'=1+1,") for line in lines)
    assert not any(line.startswith(("=", "+", "-", "@")) for line in lines)
