"""One word for each verdict: the glossary has it, and text, figures and executions use no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flink_jobs.dead_letter import DeadLetter
from studykit.course.layout import Course
from studykit.drawing import style
from studykit.trace.steps import VERDICTS

COURSE = Course(Path(__file__).resolve().parents[2])
GUIDE = (COURSE.root / "StudyDoc.md").read_text("utf-8")
GLOSSARY = dict(
    re.findall(r"^\| ([^|]+?) \| ([^|]+) \|$", GUIDE.partition("## Glossary")[2], re.MULTILINE)
)
WORDS = {term for term, meaning in GLOSSARY.items() if meaning.startswith("A verdict")}
ALSO = ("accepted", "behind the watermark", "future", "malformed")
"""Words of the ledger and of the text that are no verdicts of a window, but have their entry."""
BASICS = (
    "append time", "checkpoint", "entity", "key", "offset", "operator", "partition", "savepoint",
    "upsert",
)  # fmt: skip
PAGES = [
    COURSE.root / "StudyDoc.md",
    *COURSE.gallery_sources(),
    *COURSE.lesson_sources(),
]

STRAY = re.compile(
    r"\blate[,]? (?:and |but )?kept\b|\btoo late for any\b|\bpartially late\b|\bpartial loss\b"
    r"|\b[Ee]vent \d+\b|\bEvents \d+ and\b",
)
"""Other words for a verdict, and an event that is called without its mark, as in `event 4`."""


def test_a_trace_has_the_verdicts_of_the_glossary() -> None:
    assert set(VERDICTS) | {"late"} == WORDS


def test_a_picture_has_the_words_of_a_trace() -> None:
    assert [look.word for look in style.VERDICT_LOOKS.values()] == list(VERDICTS)


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    reasons = re.findall(r'"([a-z_]+)"', str(DeadLetter.__annotations__["reason"]))
    for reason in reasons or ("late", "partial_late", "malformed", "future_timestamp"):
        assert f"`{reason}`" in GLOSSARY["dead letter"]


@pytest.mark.parametrize("term", [*ALSO, *BASICS])
def test_a_word_that_lessons_use_has_its_entry(term: str) -> None:
    assert term in GLOSSARY


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_has_another_word_for_a_verdict(page: Path) -> None:
    text = " ".join(re.sub(r"^# ?", "", page.read_text("utf-8"), flags=re.MULTILINE).split())
    assert [found[0] for found in STRAY.finditer(text)] == []
