"""Hidden means hidden: an attack in two steps, by every channel that there is.

The first hand-in tries to tell its author what it was asked. The second is a table of everything
that the first was asked, as if the attack had succeeded.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest

from studykit.grading.cases import Drawer, work_of
from studykit.grading.example.maker import as_bytes
from studykit.grading.grader import GradedLab, _run
from studykit.grading.notebook.reading import read_notebook
from studykit.grading.notebook.rebuild import Original, rebuild
from studykit.grading.sandbox.session import Call, CallAnswer, Execution
from studykit.grading.secret import Secret
from tests.support.grading.leaks import CHANNELS, KNOWN, TO_MS
from tests.support.grading.submissions import (
    COURSE,
    LAB,
    QUICK,
    all_pass,
    graded,
    put,
    solved,
    verdicts,
)

SECRET = Secret(b"a secret that only tests know")


def asked(source: str) -> list[int]:
    """Return the hidden stamps that an answer is asked."""
    book = read_notebook(as_bytes(solved({"to_ms": source})))
    cells = rebuild(Original.of(LAB, COURSE), book).cells
    hidden = Drawer(LAB, SECRET).cases(TO_MS, work_of([cell.source for cell in cells])).hidden
    return [args[0] for args in hidden]


def table(stamps: list[int]) -> str:
    """Return an answer that knows some stamps by heart, and nothing else."""
    known = {stamp: TO_MS.expected((stamp,)) for stamp in [*KNOWN, *stamps]}
    return f"def to_ms(stamp):\n    return {known}.get(stamp, stamp)"


@pytest.mark.parametrize("engine", ["fork", "testbook"])
def test_nothing_that_was_asked_in_secret_comes_back_or_helps(tmp_path: Path, engine: str) -> None:
    books = {**CHANNELS, **{f"then-{name}": table(asked(text)) for name, text in CHANNELS.items()}}
    files = {f"{name}/lab.ipynb": as_bytes(solved({"to_ms": text})) for name, text in books.items()}
    if engine == "testbook":  # the table is one and the same kind of answer
        files = {name: data for name, data in files.items() if not name.startswith("then-")}
    put(tmp_path / "in", files)
    book = graded(tmp_path / "in", tmp_path / "out", engine=engine)
    told = set()
    for name, source in CHANNELS.items():
        texts = _readable(tmp_path / "out", book[name], name)
        stamps = asked(source)
        assert len(stamps) == 20
        for stamp in stamps:
            assert str(stamp) not in texts, name
            assert f"{stamp:_}" not in texts, name
        if not name.startswith("from-"):
            assert verdicts(book[name])["L01.2"] != "pass", name
            told.add(_told(tmp_path / "out", name))
        if engine == "fork":
            second = book[f"then-{name}"]
            assert verdicts(second) == all_pass(e2="fail"), name
    assert len(told) == 1, "what a student reads depends on how a hidden case fails"


def _page(out: Path, name: str) -> str:
    pages = [path.read_text("utf-8") for path in (out / "feedback").iterdir()]
    (page,) = [text for text in pages if f">{name}<" in text]
    return html.unescape(page)


def _readable(out: Path, student: dict[str, Any], name: str) -> str:
    """Return all that can reach the author: the page, and the texts for it in the gradebook."""
    texts = [exercise["feedback"] for exercise in student["exercises"]]
    return "\n".join([_page(out, name), *texts, json.dumps(student["review"])])


def _told(out: Path, name: str) -> str:
    page = _page(out, name)
    return page[page.index("L01.2") : page.index("L01.3")]


class _Recorder:
    """An engine whose sessions answer with values that are right for the public cases only."""

    limits = QUICK

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def session(self) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, source: str, within_s: float) -> None:
        pass

    def call(self, call: Call, within_s: float) -> list[CallAnswer]:
        self.calls.append((call.exercise, len(call.cases)))
        exercise = next(each for each in LAB.exercises if each.id == call.exercise)
        return [[{"value": exercise.expected(args)} for args in call.cases]]

    def spent_s(self) -> float:
        return 0.0


def test_no_public_case_is_asked_after_a_hidden_one_has_entered() -> None:
    original = Original.of(LAB, COURSE)
    engine = _Recorder()
    plan = rebuild(original, read_notebook(as_bytes(solved())))
    found, left_out = _run(GradedLab(original, SECRET), plan, engine)
    assert left_out == []
    assert {score.verdict for score in found} == {"pass"}
    ids = [exercise.id for exercise in LAB.exercises]
    asked_ids = [exercise for exercise, _ in engine.calls]
    assert asked_ids[: len(ids)] == ids
    assert asked_ids[len(ids) :] == [each.id for each in LAB.exercises if each.random_case]


def test_an_execution_starts_nothing_before_it_is_asked() -> None:
    with Execution(_Recorder(), []) as execution:
        assert execution.ask([]) == {}
