"""Holes: what a lab, or the engine that a lesson asks for, has in the place of an answer."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Final

from studykit.checks.hole import BEGIN, END
from studykit.errors import StudyError
from studykit.exercises.definition import Exercise

WIDTH: Final = 88
"""Longest line of a hole, in characters; a notebook would cut off a longer one."""

TELLING: Final = 12
"""A line of an answer that has at least this many characters must not be in the lab."""

_TYPED: Final = re.compile(
    r"^( *)# BEGIN SOLUTION (\S[^\n]*)\n(.*?)^ *# END SOLUTION *\n?", re.MULTILINE | re.DOTALL
)
"""Lines of the engine that a learner types: the indent, what is asked for, and the lines."""


def dig(source: str, exercise: Exercise) -> str:
    """Return `source` with each answer replaced by `raise lab.NotDone(...)`.

    Raises:
        StudyError: A marker has no partner, or the source has no answer to take out.
    """
    kept: list[str] = []
    open_hole = False
    holes = 0
    for line in source.splitlines():
        if begin := BEGIN.match(line):
            _require(not open_hole, exercise)
            kept.append(_hole(begin[1], exercise))
            open_hole, holes = True, holes + 1
        elif END.match(line):
            _require(open_hole, exercise)
            open_hole = False
        elif not open_hole:
            kept.append(line)
    _require(not open_hole and holes > 0, exercise)
    return "\n".join(kept)


def hollow(source: str) -> str:
    """Return a cell of the learner's engine, each answer replaced by `raise typed.NotDone(...)`.

    The hole says what stands behind `# BEGIN SOLUTION`, and how many lines the answer has.
    """
    return _TYPED.sub(lambda found: _asked(*found.groups()) + "\n", source).rstrip("\n")


def typed(source: str) -> str:
    """Return a cell of the learner's engine as its author typed it, without markers."""
    return _TYPED.sub(lambda found: found[3], source).rstrip("\n")


def _asked(indent: str, task: str, answer: str) -> str:
    count = sum(bool(line.strip()) for line in answer.splitlines())
    return _raised(indent, "typed.NotDone", f"{task} ({count} line{'s' * (count > 1)})")


def answers(source: str) -> Iterator[str]:
    """Yield the lines between the markers, stripped."""
    inside = False
    for line in source.splitlines():
        if BEGIN.match(line):
            inside = True
        elif END.match(line):
            inside = False
        elif inside and line.strip():
            yield line.strip()


def leaks(source: str, lab: str) -> list[str]:
    """Return the long lines of the answers in `source` that the text `lab` has, too."""
    return [line for line in answers(source) if len(line) >= TELLING and line in lab]


def _hole(indent: str, exercise: Exercise) -> str:
    """Return the line in place of an answer: it names the exercise and asks the first question."""
    return _raised(indent, "lab.NotDone", f"{exercise.title}: {exercise.hints[0]}")


def _raised(indent: str, exception: str, text: str) -> str:
    """Return the statement that raises `exception`, its text broken where it would be too long."""
    line = f"{indent}raise {exception}({_quoted(text)})"
    if len(line) <= WIDTH:
        return line
    # Python puts the parts together again: each keeps its spaces.
    parts = textwrap.wrap(text, WIDTH - len(indent) - 8, drop_whitespace=False)
    inside = "\n".join(f"{indent}    {_quoted(part)}" for part in parts)
    return f"{indent}raise {exception}(\n{inside}\n{indent})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _require(good: bool, exercise: Exercise) -> None:
    if not good:
        raise StudyError(
            f"{exercise.title}: put the answer between one `# BEGIN SOLUTION` and one "
            "`# END SOLUTION`, each alone on its line"
        )
