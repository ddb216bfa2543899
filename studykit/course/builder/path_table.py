"""The tables of the study guide: the path has the links and minutes of the sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from studykit.course.builder.navigation import title
from studykit.course.concepts import with_concepts
from studykit.course.layout import Course
from studykit.errors import StudyError

GUIDE = "StudyDoc.md"

_ROW = re.compile(
    r"^\| (?P<number>\d\d) \| (?P<lesson>.+?) \| (?P<lab>.+?)"
    r" \| (?P<lesson_minutes>\d+)(?: \+ (?P<lab_minutes>\d+))? \| (?P<words>.+) \|$",
    re.MULTILINE,
)


def refresh(course: Course, *, write: bool) -> bool:
    """Bring the tables of the study guide up to date; return whether they were already.

    Args:
        course: The folders of the guide and the sources.
        write: Whether to write the guide if a table is out of date.
    """
    path = course.root / GUIDE
    old = path.read_text("utf-8")
    new = with_concepts(with_path(old, course), course)
    if write and new != old:
        path.write_text(new, "utf-8")
    return new == old


def with_path(guide: str, course: Course) -> str:
    """Return `guide` with a link and the minutes of every lesson and lab that has a source.

    What is planned, and what one can do afterwards, is left as the author wrote it.

    Raises:
        StudyError: A source has no row, or does not say how long it takes.
    """
    sources = [*course.lesson_sources(), *course.lab_sources()]
    rows = {row["number"] for row in _ROW.finditer(guide)}
    for source in sources:
        if _number(source) not in rows:
            raise StudyError(f"{source.name} is not on the path: add a row for it to {GUIDE}")
    return _ROW.sub(lambda row: _row(row, course), guide)


def _row(row: re.Match[str], course: Course) -> str:
    number = row["number"]
    lesson, lesson_minutes = _entry(number, course.lesson_sources(), "notebooks")
    lab, lab_minutes = _entry(number, course.lab_sources(), "labs")
    minutes = lesson_minutes or row["lesson_minutes"]
    if lab_minutes or row["lab_minutes"]:
        minutes += f" + {lab_minutes or row['lab_minutes']}"
    cells = [number, lesson or row["lesson"], lab or row["lab"], minutes, row["words"]]
    return f"| {' | '.join(cells)} |"


def _entry(number: str, sources: Sequence[Path], folder: str) -> tuple[str, str]:
    """Return the link to the notebook of this number and its minutes; empty without a source."""
    source = next((path for path in sources if _number(path) == number), None)
    if source is None:
        return "", ""
    found = re.search(r"^# About (\d+) minutes", source.read_text("utf-8"), re.MULTILINE)
    if not found:
        raise StudyError(f"{source.name} does not say how long it takes: `# About 30 minutes.`")
    name = title(source).split(": ")[-1]  # of `Lab 03: assign windows` the number is in the row
    return f"[{name}]({folder}/{source.stem}.ipynb)", found[1]


def _number(source: Path) -> str:
    return source.stem.removeprefix("lab")[:2]
