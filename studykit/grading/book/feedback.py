"""What a student reads: their own marks, and messages as in the notebook, of public cases only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

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


_WHY: Final = {
    "infra_error": "It could not be graded yet; that is no fault of yours.",
    "missing": "Nothing was handed in.",
    "rejected": "It was not graded: {}.",
    "unreadable": "It was not graded: {}.",
}


def feedback_page(mark: Mark, about: About) -> str:
    """Return the page of one student."""
    return page(f"{about.lab.title}: {mark.student}", _body(mark, about))


def _body(mark: Mark, about: About) -> Iterator[str]:
    yield element("h1", f"Lab {about.lab.number}: {about.lab.title.lower()}")
    yield element("p", mark.student, "soft")
    if mark.unsettled:
        yield element("p", "Your instructor has yet to settle something about it.", "warn")
        return
    if mark.total is not None:
        yield element("p", f"{as_text(mark.total)} of {about.out_of} points")
    if mark.percent_off:
        yield element("p", f"{mark.percent_off} % off, because it was handed in late.")
    if mark.result.status in _WHY:
        yield element("p", _WHY[mark.result.status].format(mark.result.reason), "warn")
    for reason in mark.reasons:
        yield element("p", f"Decided by the instructor. {reason}")
    titles = {exercise.id: exercise.title for exercise in about.lab.exercises}
    for graded in mark.result.exercises:
        yield from _exercise(graded, titles[graded.id], mark)


def _exercise(graded: Graded, title: str, mark: Mark) -> Iterator[str]:
    yield element("h2", title)
    word = WORDS[graded.told] if graded.attempted else "not attempted"
    kind = "pass" if graded.told == "pass" else "fail"
    points = as_text(mark.points[graded.id])
    yield element("p", f"{word}: {points} of {graded.points} points", f"verdict {kind}")
    yield element("pre", graded.feedback)
