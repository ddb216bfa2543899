"""Who is behind the folders of a Gradescope export: its `submission_metadata.yml`, as it writes it.

Only the few lines that are asked for are read, by their place; the rest of the file is whatever an
autograder had to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.grading.intake.systems import Owner

NAME: Final = "submission_metadata.yml"

_FOLDER: Final = re.compile(r"(submission_\d+):\s*")
_PERSON: Final = re.compile(r"  (?:- |  ):(name|sid|email): *(.*)")
_TIME: Final = re.compile(r"  :created_at: *(.+)")


@dataclass(slots=True)
class _Entry:
    people: list[dict[str, str]]
    submitted: str | None = None


def people(path: Path) -> dict[str, list[Owner]]:
    """Return who handed in each folder: several for a group, nobody where it is not said.

    Raises:
        StudyError: The file cannot be read.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"cannot read {path}: {error}") from None
    found: dict[str, _Entry] = {}
    entry = _Entry([])
    for line in lines:
        if folder := _FOLDER.fullmatch(line):
            entry = found.setdefault(folder[1], _Entry([]))
        elif person := _PERSON.fullmatch(line):
            if line.startswith("  - "):
                entry.people.append({})
            if entry.people:
                entry.people[-1][person[1]] = _plain(person[2])
        elif moment := _TIME.fullmatch(line):
            entry.submitted = _plain(moment[1])
    return {
        folder: [_owner(person, entry) for person in entry.people]
        for folder, entry in found.items()
        if entry.people
    }


def _owner(person: dict[str, str], entry: _Entry) -> Owner:
    """Return a person by name and, where there is one, the number that the school gave."""
    name = "_".join(filter(None, [person.get("name", ""), person.get("sid", "")]))
    email = person.get("email", "")
    return Owner(name or email or "?", email or name, entry.submitted)


def _plain(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].replace("''", "'")
    return text
