"""The texts of SQL that lab 11 judges: whatever comes has a meaning or a sentence, and soon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.exercises.catalog import find_exercise
from studykit.exercises.lab11_pyflink import meaning, sql

WORDS = [
    "SELECT", "FROM", "TABLE", "(", ")", ",", "HOP", "TUMBLE", "TABLE payments", "DESCRIPTOR(rt)",
    "INTERVAL '1' SECOND", "INTERVAL '4.001' SECOND", "WHERE", "GROUP BY", "card", "window_start",
    "window_end", "COUNT(*)", "SUM(amount)", "CASE", "WHEN", "THEN", "ELSE", "END", "MOD", "/", "0",
    "'", "-", "NOT", "AND", "=>", "rt", "event_ms", "seen", "<=", "NULL", "IS", "IF", "CAST", "AS",
]  # fmt: skip
MEANINGS = [meaning.delay, meaning.rows, meaning.verdicts]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=30).map(" ".join))
def test_any_text_has_a_meaning_or_a_sentence(text: str) -> None:
    for told in MEANINGS:
        assert meaning.problem(told(text)) or not isinstance(told(text), dict)


@pytest.mark.parametrize(
    "text", ["(" * 3_999, "-" * 3_999, "NOT (" * 700, "x" * (sql.LONGEST + 1), "9*" * 1_999 + "9"]
)
def test_long_and_deep_texts_end(text: str) -> None:
    for told in MEANINGS:
        told(text)


def test_many_negative_numbers_side_by_side_are_not_deep() -> None:
    assert sql.expression(" + ".join(["- 1"] * (sql.DEEPEST + 1)))({}) == -(sql.DEEPEST + 1)


@pytest.mark.parametrize(("size", "fits"), [("1000", True), ("1001", False)])
def test_a_payment_is_in_no_more_windows_than_can_be_counted(size: str, fits: bool) -> None:
    text = (
        "SELECT COUNT(*) FROM TABLE(HOP(TABLE payments, DESCRIPTOR(rt), INTERVAL '1' SECOND, "
        f"INTERVAL '{size}' SECOND(4))) GROUP BY window_start, window_end"
    )
    assert (meaning.problem(meaning.rows(text)) == "") is fits


SAME = {
    "L11.1": "lambda bound_ms: f\"rt - INTERVAL '0.001' second -- late\\n - INTERVAL "
    "'{bound_ms // 1000}.{bound_ms % 1000:03}' SECOND\"",
    "L11.3": 'lambda size_s, slide_s: f"select card c, window_start as s, '
    "count(1), sum(amount) from table(hop(DATA => table payments, TIMECOL => descriptor(rt), "
    "SLIDE => interval '{slide_s}' seconds, SIZE => interval '{size_s}' seconds)) as w "
    'group by window_start, window_end, card;"',
    "L11.4": 'lambda size_ms, bound_ms: f"if((event_ms / {size_ms} + 1) * {size_ms} '
    "> seen - {bound_ms}, 'on time', 'late')\"",
}


@pytest.mark.parametrize("exercise_id", SAME)
def test_another_text_of_the_same_meaning_is_right(exercise_id: str) -> None:
    exercise = find_exercise(exercise_id)[1]
    answer = eval(SAME[exercise_id])
    for args in exercise.public_cases():
        assert exercise.accepts(answer(*args), exercise.expected(args))
