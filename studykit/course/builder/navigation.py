"""The bar at the top and the bottom of a notebook: previous, contents, next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from studykit.course.builder.cells import Cell
from studykit.errors import StudyError


def bar(source: Path, sources: Sequence[Path], partner: str | None = None) -> Cell:
    """Return the bar of the notebook that `source` builds.

    Args:
        source: A percent file, one of `sources`.
        sources: All sources of its kind, in order.
        partner: The Markdown link to the lab of a lesson, or to the lesson of a lab.
    """
    place = list(sources).index(source)
    parts = ["[Contents](../StudyDoc.md)"]
    if partner:
        parts.append(partner)
    if place > 0:
        parts.insert(0, f"[← {link_to(sources[place - 1])}")
    if place + 1 < len(sources):
        parts.append(f"[→ {link_to(sources[place + 1])}")
    return Cell("markdown", " | ".join(parts), ("nav",), locked=True)


def link_to(source: Path, folder: str = "") -> str:
    """Return the second half of a link to the notebook of `source`: its title and its file."""
    return f"{title(source)}]({folder}{source.stem}.ipynb)"


@cache
def title(source: Path) -> str:
    """Return the first heading of a source.

    Raises:
        StudyError: The source has no heading.
    """
    found = re.search(r"^# # (.+)$", source.read_text("utf-8"), re.MULTILINE)
    if not found:
        raise StudyError(f"{source.name} has no title: begin its first cell with `# # Title`")
    return found[1].strip()


def lesson_of(lab: Path, lessons: Sequence[Path]) -> Path | None:
    """Return the source of the lesson with the same number as a lab."""
    return next((source for source in lessons if source.stem[:2] == lab.stem[3:5]), None)


def lab_of(lesson: Path, labs: Sequence[Path]) -> Path | None:
    """Return the source of the lab with the same number as a lesson."""
    return next((source for source in labs if source.stem[3:5] == lesson.stem[:2]), None)
