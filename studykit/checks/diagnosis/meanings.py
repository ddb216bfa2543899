"""Diagnoses of texts, such as SQL: what all that they mean has in common, or why they mean nothing.

Two texts that mean the same are equally right, so their letters say nothing. What they mean does.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import wraps
from typing import Final

from studykit.checks.diagnosis.facts import Facts
from studykit.checks.diagnosis.finding import CaseResult, Diagnosis
from studykit.checks.diagnosis.outline import outline
from studykit.checks.diagnosis.results import diagnose, told_apart
from studykit.exercises.definition import Exercise, Json, copy_json, same
from studykit.exercises.wording import short, with_article

_OF_PYTHON: Final = (
    (r'"', "a text stands between double quotes: in SQL those hold a name",
     "Which quotes does the example of the task put around a text?"),
    (r"//", "`//` is Python's: SQL reads it as no division at all",
     "What does `/` of two whole numbers give in SQL?"),
    (r"\bif\b.*\belse\b", "`… if … else …` is Python's: SQL says it with CASE or IF",
     "Which of the words that the task allows takes a condition?"),
    (r"==|!=|\*\*|\band\s+not\b.*:", "`==`, `!=` and `**` are Python's",
     "How does SQL compare two numbers?"),
)  # fmt: skip
"""A pattern of a text that cannot be read, what it is, and the question."""


def diagnose_meaning(
    exercise: Exercise, results: Sequence[CaseResult], facts: Facts | None
) -> Diagnosis | None:
    """Return what the meanings of all texts have in common; None where nothing is known.

    The first of `results` is the one that is shown.
    """
    if not exercise.meaning:
        return None
    shown = results[0]
    if not isinstance(shown.got, str):
        return Diagnosis(
            "another-type", f"a text is asked for, not {short(shown.got)}, "
            f"{with_article(type(shown.got).__name__)}",
            "What does the first line of your function say that it returns?", replaces=True,
        )  # fmt: skip
    meant = [
        replace(result, got=exercise.fingerprint(result.got),
                expected=exercise.fingerprint(result.expected))
        for result in results
    ]  # fmt: skip
    if _problem(meant[0].got):
        return next(_unread(exercise, shown.got, _problem(meant[0].got)))
    meant = [result for result in meant if not _problem(result.got)]
    plain = _plain(exercise)
    if all(_are_words(result.expected) for result in meant):
        meant = list(_word_by_word(meant))
        found = diagnose(plain, meant, facts) or outline(plain, meant)
    else:
        found = diagnose(plain, meant, facts) or told_apart(plain, meant) or outline(plain, meant)
    return found and replace(found, seen=f"{exercise.meaning}: {found.seen}", replaces=False)


def _are_words(meaning: Json) -> bool:
    return isinstance(meaning, list) and all(isinstance(word, str) for word in meaning)


def _word_by_word(results: Sequence[CaseResult]) -> Iterator[CaseResult]:
    """Yield a result for each word: nobody has seen the list in which they stand."""
    for result in results:
        for mine, wanted in zip(result.got, result.expected, strict=True):
            yield replace(result, got=mine, expected=wanted, right=same(mine, wanted))


def _problem(meaning: Json) -> str:
    """Return why a text means nothing; '' where it means something."""
    return str(meaning.get("problem", "")) if isinstance(meaning, dict) else ""


def _plain(exercise: Exercise) -> Exercise:
    """Return the exercise whose answer is the meaning itself."""

    @wraps(exercise.reference)
    def reference(*args: Json) -> Json:
        return copy_json(exercise.fingerprint(exercise.reference(*args)))

    return replace(exercise, reference=reference, fingerprint=copy_json, hidden="")


def _unread(exercise: Exercise, text: str, problem: str) -> Iterator[Diagnosis]:
    """Yield what keeps a text from meaning anything, the likeliest cause first."""
    braces = re.search(r"\{\w+\}", text)
    if braces:
        yield Diagnosis(
            "no-f-string", f"your text holds {braces[0]!r}, letter by letter",
            "Which letter before a text lets Python fill in what stands between braces?",
        )  # fmt: skip
    for name in inspect.signature(exercise.reference).parameters:
        if re.search(rf"\b{name}\b", text):
            yield Diagnosis(
                "a-name-of-python", f"`{name}` is a name in your function: SQL knows its columns "
                "and numbers, and nothing else", f"How does the value of {name} get into the text?",
            )  # fmt: skip
    for pattern, words, question in _OF_PYTHON:
        if re.search(pattern, text):
            yield Diagnosis("python-in-sql", words, question)
    if "refuses" in problem:
        yield Diagnosis(
            "refused", problem, "What is asked of SQL here that it cannot give?", replaces=True
        )
    yield Diagnosis(
        "cannot-be-read", problem,
        "Up to which word is your text of the form that the task shows, and what should follow?",
        replaces=True,
    )  # fmt: skip
