"""What a student reads: their own marks, and messages as in the notebook, of public cases only."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Final

from studykit.grading.book.gradebook import About
from studykit.grading.book.marks import Mark, as_text
from studykit.grading.book.pages.page import element, page
from studykit.grading.book.results import Score

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


def moodle_zip(pages: Mapping[str, str]) -> bytes:
    """Return pages as Moodle's *Upload multiple feedback files in a zip* takes them.

    Moodle knows a person by the number behind the first underscore of a folder, so that a name may
    have none. The same pages give the same bytes.

    Args:
        pages: The pages by the names of the students, which end in that number.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for student in sorted(pages):
            name, _, number = student.rpartition("_")
            plain = re.sub(r"[^\w .,'-]|_", " ", name).strip() or "student"
            place = f"{plain}_{number}_assignsubmission_file/feedback.html"
            archive.writestr(zipfile.ZipInfo(place, _FIRST_DAY), pages[student])
    return data.getvalue()


_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


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
    for score in mark.result.exercises:
        yield from _exercise(score, titles[score.id], mark)


def _exercise(score: Score, title: str, mark: Mark) -> Iterator[str]:
    yield element("h2", title)
    word = WORDS[score.told] if score.attempted else "not attempted"
    kind = "pass" if score.told == "pass" else "fail"
    points = as_text(mark.points[score.id])
    yield element("p", f"{word}: {points} of {score.points} points", f"verdict {kind}")
    yield element("pre", score.feedback)
