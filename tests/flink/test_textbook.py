"""The textbook's job differs from the production job by its statements, not by their text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flink_jobs.job.graph import statement
from studykit.flink.textbook import OWN, textbook_statement

VALUES = {
    "topic": "transactions",
    "columns": "event_time",
    "decoded_columns": "decoded.event_time",
    "line_watermark_ms": "watermark_ms",
    "salts": "0",
    "restored_ms": 0,
    "bound_ms": 0,
    "seen_ms": "max_seen_ms",
    "max_future_ms": 0,
    "size_ms": 1,
    "slide_ms": 1,
}


def words(text: str) -> list[str]:
    return re.sub("--.*", "", text).split()


def indented_anew(read_text):
    return lambda path: re.sub(r"\n +", "\n\t\t", read_text(path))


@pytest.mark.parametrize("reformatted", [False, True], ids=["as it is", "indented anew"])
def test_no_line_of_the_textbook_s_job_names_a_watermark(monkeypatch, reformatted):
    if reformatted:
        monkeypatch.setattr(Path, "read_text", indented_anew(Path.read_text))
    ours, textbook = (make("routed", **VALUES) for make in (statement, textbook_statement))
    assert "CAST(watermark_ms AS STRING)" in " ".join(words(ours))
    assert "CAST(0 AS STRING)" in " ".join(words(textbook))
    assert "CAST(watermark_ms AS STRING)" not in " ".join(words(textbook))


@pytest.mark.parametrize("name", OWN)
def test_the_textbook_keeps_no_maximum_of_its_own(name):
    assert "max_seen_ms" not in words(textbook_statement(name, **VALUES))
    assert words(textbook_statement(name, **VALUES)) != words(statement(name, **VALUES))
