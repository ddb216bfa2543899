"""Statements: the sentences that name an engine. Each is a claim, or says that it is none.

A sentence that names Flink, Kafka or Redis, or a part of one, is taken for a claim, and carries
the mark of one (see `claims`). If it does not say what an engine does, its author says so, and why:

    The lesson starts a Kafka of its own. <!-- no claim: ours -->

- `ours`: it is about this repository, its programs, its lessons, its measurements.
- `name`: it names or introduces something, and says nothing that could turn out to be wrong.
- `other`: it is about something else, such as a language or a habit of people.

In the definition of an exercise the same stands in a comment, `# no claim: ours`. In the head row
of a table it is for all rows. Headings and what repeats them, questions, links and blocks of code
need no mark. What this does not find: a sentence about an engine that has none of `NAMES` in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studykit.course.builder.path_table import GUIDE
from studykit.course.layout import Course

REASONS: Final = ("ours", "name", "other")

NAMES: Final = re.compile(
    r"\b(?:(?:Py)?Flink|Kafka|Redis|Java|JVM|SQL|DataStreams?|TaskManagers?|JobManagers?)(?![\w_])"
    r"|\b(?:[Bb]rokers?|[Ee]ngines|[Cc]heckpoints?|[Ss]avepoints?|[Ss]ubtasks?|[Bb]undles?)\b"
    r"|\b(?:[Mm]ini-clusters?|[Ss]ide outputs?|[Cc]onsumer groups?)\b"
    r"|\b(?:CreateTime|LogAppendTime|CURRENT_WATERMARK|numLateRecordsDropped)\b"
    r"|`(?:HOP|TUMBLE|SESSION|CUMULATE|OVER|\w+Function|window_all)\b"
)
"""What a sentence about an engine has in it."""

_MARK: Final = r"\s*<!--.*?-->(?:\s*<sup>.*?</sup>)?"
_END: Final = re.compile(rf"(?:(?<!\.\.)[.?!][*_)\"”]*|</summary>)(?:{_MARK})*(?=\s|$)", re.DOTALL)
_BLOCK: Final = re.compile(r"\n\s*\n|\n(?=\||#|>|- |\d+\. |</?details)")
_CLAIM: Final = re.compile(r"(?:<!--|#)\s*(no )?claim: *(.+?)(?: -->|\s*$)", re.MULTILINE)
_UNSEEN: Final = re.compile(r"<!--.*?-->|<sup>.*?</sup>|\[[^\]]*\]\([^)]*\)|</?\w+>", re.DOTALL)
_BLANKED: Final = re.compile(r"^```.*?^```|<summary>.*?</summary>", re.DOTALL | re.MULTILINE)
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ENTRY: Final = re.compile(r"^\d+\. ")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that names an engine.

    Attributes:
        sentence: On one line, without marks.
        place: File and line, relative to the clone.
        fault: What its author has to do, or None.
    """

    sentence: str
    place: str
    fault: str | None


def statements(course: Course) -> list[Statement]:
    """Return every statement of lessons, labs, exercises and the study guide."""
    lessons = [*course.gallery_sources(), *course.lesson_sources(), *course.lab_sources()]
    found = [
        statement
        for page in [course.root / GUIDE, *lessons]
        for statement in of_page(page, course.root)
    ]
    found += [statement for page in lessons for statement in of_code_cells(page, course.root)]
    definitions = sorted((course.root / "studykit" / "exercises").glob("lab*/*.py"))
    return found + [
        statement for path in definitions for statement in of_definition(path, course.root)
    ]


def of_page(path: Path, root: Path) -> Iterator[Statement]:
    """Yield the statements of a Markdown page, or of the text of a percent file."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        text = _only_text(text)
    text = _BLANKED.sub(_blank, text)
    headings = {_ENTRY.sub("", heading) for heading in _HEADING.findall(text)}
    for start, block in _blocks(text):
        for at, sentence in [(0, block)] if block.startswith("|") else _pieces(block, _END):
            words = _seen(sentence)
            if words in headings or not _states(words):
                continue
            place = _place(path, root, text.count("\n", 0, start + at) + 1)
            yield Statement(words, place, _fault(_CLAIM.findall(sentence), 1))


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield paragraphs, entries of lists and rows of tables, but neither headings nor what is told.

    A table whose head says that it makes no claim tells none in any row.
    """
    end, declared = 0, False  # where the block before ends; whether the table's head has a mark
    for start, block in _pieces(text, _BLOCK):
        row = block.startswith("|")
        apart = text.count("\n", end, start) != 1
        end = start + len(block)
        if row and apart:
            declared = any(no for no, _ in _CLAIM.findall(block))
        elif not block.startswith("#") and not (row and declared):
            number = _ENTRY.match(block)
            yield start, block[number.end() if number else 0 :]


def of_code_cells(path: Path, root: Path) -> Iterator[Statement]:
    """Yield what the code of a lesson says to a reader; it is the text that has the marks."""
    for line, text, _ in _strings(path):
        for _, sentence in _pieces(text, _END):
            if _states(sentence) and " " in sentence and sentence.endswith((".", "!")):
                place = _place(path, root, line)
                yield Statement(_seen(sentence), place, "say it in the text, and mark it there")


def of_definition(path: Path, root: Path) -> Iterator[Statement]:
    """Yield the texts of an exercise that make statements; each has a mark for every one."""
    for line, text, source in _strings(path):
        said = [words for _, piece in _pieces(text, _END) if _states(words := _seen(piece))]
        if said:
            fault = _fault(_CLAIM.findall(source), len(said))
            yield Statement(" ".join(said), _place(path, root, line), fault)


def _states(words: str) -> bool:
    return NAMES.search(words) is not None and not words.rstrip("*_)").endswith("?")


def _place(path: Path, root: Path, line: int) -> str:
    return f"{path.relative_to(root).as_posix()}:{line}"


def _fault(marks: list[tuple[str, str]], needed: int) -> str | None:
    """Return what is wrong with the marks of a text that makes `needed` statements."""
    strange = [reason for no, reason in marks if no and reason not in REASONS]
    if strange:
        return f"no reason {strange[0]!r}: choose from {', '.join(REASONS)}"
    if len(marks) >= needed:
        return None
    return "mark what it claims, `claim: <id>`; if it claims nothing, `no claim: <reason>`"


def _pieces(text: str, ends: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield what stands between the ends, each with its end, and where it begins."""
    start = 0
    for end in [*(found.end() for found in ends.finditer(text)), len(text)]:
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), piece.strip()
        start = end


def _seen(text: str) -> str:
    """Return what a reader sees of a text, on one line."""
    return " ".join(_UNSEEN.sub(" ", text).split()).replace(" .", ".")


def _only_text(source: str) -> str:
    """Return the Markdown of a percent file, line by line where it stands."""
    cells = re.split(r"^(?=# %%)", source, flags=re.MULTILINE)
    texts = [
        re.sub(r"^# ?", "", "\n\n" + cell.partition("\n")[2], flags=re.MULTILINE)[1:]
        if "[markdown]" in cell.partition("\n")[0]
        else _blank(cell)
        for cell in cells
    ]
    return "".join(texts)


def _blank(found: re.Match[str] | str) -> str:
    """Return as many empty lines, so that those after them keep their numbers."""
    return "\n" * (found if isinstance(found, str) else found[0]).count("\n")


def _strings(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the value and the source of every string in a Python file but docstrings."""
    source = path.read_text("utf-8")
    tree, lines = ast.parse(source), source.split("\n")
    unread = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in unread
        ):
            last = node.end_lineno or node.lineno
            yield node.lineno, node.value, "\n".join(lines[node.lineno - 1 : last])
