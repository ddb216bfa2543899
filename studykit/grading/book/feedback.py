"""What a student reads: their own marks, and messages as in the notebook, of public cases only."""

from __future__ import annotations

from collections.abc import Iterator

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark, as_text
from studykit.grading.book.page import element, page
from studykit.grading.book.results import Graded

WORDS = {
    "pass": "done",
    "fail": "not yet",
    "timeout": "did not end in time",
    "crashed": "ended its process",
    "mem": "took too much memory",
    "output": "printed without end",
    "protocol": "gave no readable answer",
}


def feedback_page(mark: Mark, about: About) -> str:
    """Return the page of one student."""
    return page(f"{about.lab.title}: {mark.student}", _body(mark, about))


def _body(mark: Mark, about: About) -> Iterator[str]:
    yield element("h1", f"Lab {about.lab.number}: {about.lab.title.lower()}")
    yield element("p", mark.student, "soft")
    if mark.total is not None:
        yield element("p", f"{as_text(mark.total)} of {about.out_of} points")
    if mark.percent_off:
        yield element("p", f"{mark.percent_off} % off, because it was handed in late.")
    if mark.result.status == "infra_error":
        yield element("p", "It could not be graded yet; that is no fault of yours.", "warn")
    elif mark.result.status == "missing":
        yield element("p", "Nothing was handed in.", "warn")
    elif mark.result.status != "graded":
        yield element("p", f"It was not graded: {mark.result.reason}.", "warn")
    for reason in mark.reasons:
        yield element("p", f"Decided by the instructor. {reason}")
    titles = {exercise.id: exercise.title for exercise in about.lab.exercises}
    for one in mark.result.exercises:
        yield from _exercise(one, titles[one.id], mark)


def _exercise(one: Graded, title: str, mark: Mark) -> Iterator[str]:
    yield element("h2", title)
    word = WORDS[one.told] if one.attempted else "not attempted"
    kind = "pass" if one.told == "pass" else "fail"
    points = as_text(mark.points[one.id])
    yield element("p", f"{word}: {points} of {one.points} points", f"verdict {kind}")
    yield element("pre", one.feedback)
