"""Similarity: renaming and comments hide nothing."""

from __future__ import annotations

from studykit.grading.book.results import Result
from studykit.grading.book.similarity import near_pairs, shingles


def test_renaming_and_comments_hide_nothing() -> None:
    text = "\n".join(f"x{n} = call(y{n}, {n}) + z[{n}] * {n} - {n}" for n in range(12))
    changed = text.replace("x", "other").replace("call", "invoke") + "  # mine"
    book = [
        Result(student=name, key="", status="graded", shingles=shingles([source], []))
        for name, source in (("a", text), ("b", changed), ("c", "def f():\n    return 1"))
    ]
    assert [(pair.first, pair.second, pair.share) for pair in near_pairs(book)] == [("a", "b", 1.0)]


def test_what_the_course_gives_is_nobody_s_own() -> None:
    given_text = "def f(x):\n    return x + 1 + 2 + 3 + 4"
    assert shingles([given_text], [given_text]) == ()
