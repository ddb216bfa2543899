"""The gradebook: nothing that a stranger writes steers a terminal or is calculated."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.grading.book.gradebook import About, write_csv, write_json
from studykit.grading.book.marks import mark
from studykit.grading.book.results import Result
from studykit.grading.intake.text import guarded, printable, visible
from tests.support.grading.submissions import LAB

ABOUT = About(LAB, "isolation L4", "L4", True, {})


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", " =1", "\uff1d1+1", "\u3000\uff0b1",
                                  "\t=1", "'=1", "\uff20x", "\ufe631"])  # fmt: skip
def test_a_formula_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@given(st.text(), st.text())
def test_shown_texts_are_as_different_as_their_originals(first: str, second: str) -> None:
    assert (visible(first) == visible(second)) == (first == second)
    assert (guarded(first) == guarded(second)) == (first == second)
    assert visible(first).isprintable()
    assert all(line.isprintable() for line in printable(first).split("\n"))


def test_no_character_of_a_reason_steers_what_shows_it(tmp_path: Path) -> None:
    evil = "x\x1b[2J\u202egnp\r\n=1\x07"
    result = Result(student="a", key="", status="rejected", reason=evil, review=(evil,))
    write_csv(tmp_path / "b.csv", [mark(result, None, {})], ABOUT)
    write_json(tmp_path / "b.json", [mark(result, None, {})], ABOUT)
    text = (tmp_path / "b.csv").read_text("utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) == 2
    student = json.loads((tmp_path / "b.json").read_text("utf-8"))["students"][0]
    for shown in (text, student["reason"], *student["review"]):
        assert not set("\x1b\u202e\r\x07") & set(shown)
