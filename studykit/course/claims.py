"""Claims: what the course says about Flink, Kafka or Redis, each marked where it is said.

In a lesson, a lab or the study guide a mark follows the sentence, and readers do not see it:

    A window fires at its last millisecond. <!-- claim: flink-fires-at-end-minus-1 -->

In the definition of an exercise, whose text is shown as it is, the mark is a comment at the end of
the line: `# claim: flink-fires-at-end-minus-1`.

A test with the mark `claim` and the same id proves it on the real engine. What cannot be run here
is tied to a primary source instead, and readers see that at once, because a link follows the mark:

    <!-- claim: kafka-... --><sup>[source: Kafka, topic settings](https://...)</sup>

That no sentence is without a mark is the matter of `statements`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studykit.course.builder.path_table import GUIDE
from studykit.course.layout import Course

ENGINES: Final = ("flink", "kafka", "redis")

_ID: Final = re.compile(rf"(?:{'|'.join(ENGINES)})(?:-[a-z0-9]+)+")
_MARK: Final = re.compile(
    r"<!--\s*claim:\s*(?P<id>.*?)\s*-->"
    r"(?:\s*<sup>\[source:\s+(?P<name>[^\]]+)\]\((?P<link>https://[^)\s]+)\)</sup>)?",
    re.DOTALL,
)
_COMMENT: Final = re.compile(r'^\s*(?P<said>"[^\n]*")?.*# claim: (?P<id>\S+)$', re.MULTILINE)
_SENTENCE_END: Final = re.compile(r"(?:[.?!]\**|-->|</sup>|</summary>)\s+|\n\s*\n|\n[-|>]|\n\d\. ")


@dataclass(frozen=True, slots=True)
class Claim:
    """One mark: an id, the sentence before it, and where it stands.

    Attributes:
        id: Begins with the engine that it is about: `flink-`, `kafka-` or `redis-`.
        sentence: The text that the mark follows, on one line.
        place: File and line, relative to the clone.
        source: The name of the primary source that stands for a proof, else None.
    """

    id: str
    sentence: str
    place: str
    source: str | None = None

    @property
    def is_well_formed(self) -> bool:
        """Whether the id names an engine, then says what is claimed, in small letters."""
        return _ID.fullmatch(self.id) is not None


def claims(course: Course) -> list[Claim]:
    """Return every claim of the course, in the order of its pages."""
    lessons = [*course.gallery_sources(), *course.lesson_sources()]
    pages = [course.root / GUIDE, *lessons, *course.lab_sources()]
    found = [claim for page in pages for claim in claims_of_page(page, course.root)]
    definitions = sorted((course.root / "studykit" / "exercises").glob("lab*/*.py"))
    return found + [claim for path in definitions for claim in claims_of_code(path, course.root)]


def claims_of_page(path: Path, root: Path) -> Iterator[Claim]:
    """Yield the claims of a Markdown page, or of the text of a percent file."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
    for mark in _MARK.finditer(text):
        name = mark["name"] and " ".join(mark["name"].split())
        yield Claim(mark["id"], _sentence(text, mark.start()), _place(path, root, mark), name)


def claims_of_code(path: Path, root: Path) -> Iterator[Claim]:
    """Yield the claims of an exercise's definition."""
    for mark in _COMMENT.finditer(path.read_text("utf-8")):
        yield Claim(mark["id"], (mark["said"] or "").strip('"'), _place(path, root, mark, "id"))


def _place(path: Path, root: Path, mark: re.Match[str], group: str | int = 0) -> str:
    line = mark.string.count("\n", 0, mark.start(group)) + 1
    return f"{path.relative_to(root).as_posix()}:{line}"


def _sentence(text: str, end: int) -> str:
    """Return the sentence that ends at `end`, on one line."""
    before = text[:end].rstrip()
    starts = [found.end() for found in _SENTENCE_END.finditer(before) if found.end() < len(before)]
    return " ".join(before[starts[-1] if starts else 0 :].split())
