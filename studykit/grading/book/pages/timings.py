"""How long submissions took: on a page of its own, because it is never twice the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark
from studykit.grading.book.pages.page import element, page, table

SLOWEST: Final = 20
"""Most submissions that are shown."""


def timings_page(marks: Sequence[Mark], about: About, limit_s: float) -> str:
    """Return the page; what was graded in an earlier run keeps the time that it took then.

    Args:
        marks: The marks of everybody.
        about: What is known of the run.
        limit_s: Seconds that an exercise has for all its cases.
    """
    return page(f"Timings: {about.lab.name}", _body(marks, about, limit_s))


def _body(marks: Sequence[Mark], about: About, limit_s: float) -> Iterator[str]:
    yield element("h1", f"Lab {about.lab.number}: how long it took")
    seconds = [mark.result.seconds for mark in marks if mark.result.seconds]
    if not seconds:
        yield element("p", "Nothing was run.")
        return
    summary = f"{len(seconds)} submissions ran: half of them for {median(seconds):.2f} s or less"
    yield element("p", f"{summary}, the slowest for {max(seconds):.2f} s.")
    yield from _against_limit(marks, about, limit_s)
    slow = sorted(marks, key=lambda mark: (-mark.result.seconds, mark.student))[:SLOWEST]
    rows = [
        (mark.student, f"{mark.result.seconds:.2f}", _late(mark))
        for mark in slow
        if mark.result.seconds
    ]
    columns = ("student", "seconds", "did not end in time")
    yield table("The slowest, on the machine that graded", columns, rows, (1,))


def _against_limit(marks: Sequence[Mark], about: About, limit_s: float) -> Iterator[str]:
    """Yield how near to the limit the answers to each exercise came that were right."""
    rows = []
    for exercise in about.lab.exercises:
        took = sorted(
            (score.seconds, mark.student)
            for mark in marks
            for score in mark.result.exercises
            if score.id == exercise.id and score.verdict == "pass"
        )
        if took:
            usual, (most, who) = median(seconds for seconds, _ in took), took[-1]
            shares = (f"{100 * seconds / limit_s:.1f} %" for seconds in (usual, most))
            rows.append((exercise.title, *shares, who))
    columns = ("exercise", "half of them at most", "the slowest", "who")
    caption = f"Right answers: the part that they used of the {limit_s:g} s for all cases"
    yield table(caption, columns, rows, (1, 2))


def _late(mark: Mark) -> str:
    late = [score.id for score in mark.result.exercises if score.verdict == "timeout"]
    return ", ".join(late) or "-"
