"""Flink SQL on trial: the real engine runs every log, and the wrong queries are found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from studykit import adversary
from studykit.adversary.jobs import JobError
from studykit.adversary.search import search
from studykit.adversary.sql import SqlJob
from studykit.trace.steps import Policy

pytestmark = pytest.mark.jvm

EXAMPLES = Path(adversary.__file__).with_name("examples")
FORM = """
CREATE TABLE t (event_ms BIGINT, card STRING, amount BIGINT, rt AS TO_TIMESTAMP_LTZ(event_ms, 3),
WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND) WITH (${events});
"""
TIME = "CAST(rt AS TIMESTAMP(3)) AS window_start"


def test_right_sums_are_found_right_on_flink() -> None:
    assert search(SqlJob(EXAMPLES / "window_sums.sql", Policy()), Policy(), logs=100) is None


@pytest.mark.parametrize("name", ["missing_millisecond", "grouped_by_start"])
def test_a_wrong_query_is_found_in_six_events_or_fewer(name: str) -> None:
    found = search(SqlJob(EXAMPLES / f"{name}.sql", Policy()), Policy(), logs=250)
    assert found is not None
    assert len(found.log.events) <= 6, str(found.log)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SELECT 1;", "not of the form"),
        (FORM, "not of the form"),
        (FORM + "SELECT card FROM t;", "the query gives card"),
        (FORM + "SELECT nothing FROM t;", "Flink refuses .*nothing"),
        (FORM + "SELEC card FROM t;", "Flink refuses"),
        (FORM + f"SELECT card, {TIME}, {TIME} FROM t;", "window_start0, is .* no sum"),
        (FORM + "SELECT card, rt AS window_start, amount FROM t;", "no type that Python has"),
        (FORM + f"SELECT 'a' AS card, {TIME}, amount FROM t;", "the card 'a', which no"),
    ],
    ids=[
        "one_statement", "no_query", "no_window", "unknown_column", "no_sql", "no_sum", "no_type",
        "no_card",
    ],
)  # fmt: skip
def test_what_is_no_window_query_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    job = tmp_path / "job.sql"
    job.write_text(text)
    with pytest.raises(JobError, match=sentence) as refused:
        search(SqlJob(job, Policy()), Policy(), logs=1)
    assert "\n" not in str(refused.value)
