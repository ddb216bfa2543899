"""How long submissions took: on a page of its own, because it is never twice the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark
from studykit.grading.book.page import element, page, table

SLOWEST: Final = 20
"""As many submissions are shown."""


def timings_page(marks: Sequence[Mark], about: About) -> str:
    """Return the page; what was graded in an earlier run keeps the time that it took then."""
    return page(f"Timings: {about.lab.name}", _body(marks, about))


def _body(marks: Sequence[Mark], about: About) -> Iterator[str]:
    yield element("h1", f"Lab {about.lab.number}: how long it took")
    seconds = [mark.result.seconds for mark in marks if mark.result.seconds]
    if not seconds:
        yield element("p", "Nothing was run.")
        return
    summary = f"{len(seconds)} submissions ran: half of them for {median(seconds):.2f} s or less"
    yield element("p", f"{summary}, the slowest for {max(seconds):.2f} s.")
    slow = sorted(marks, key=lambda mark: (-mark.result.seconds, mark.student))[:SLOWEST]
    rows = [
        (mark.student, f"{mark.result.seconds:.2f}", _late(mark))
        for mark in slow
        if mark.result.seconds
    ]
    columns = ("student", "seconds", "did not end in time")
    yield table("The slowest, on the machine that graded", columns, rows, (1,))


def _late(mark: Mark) -> str:
    late = [graded.id for graded in mark.result.exercises if graded.verdict == "timeout"]
    return ", ".join(late) or "-"
