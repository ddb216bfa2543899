"""Who handed something in, by the names that common course systems give to files."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

LONGEST: Final = 100

_MOODLE: Final = re.compile(r"(?P<who>.+_\d+)_assignsubmission_file_?.*")
_CANVAS: Final = re.compile(r"(?P<who>[^_]+?)(?:_LATE)?_(?P<number>\d+)_\d+_.+")
_BLACKBOARD: Final = re.compile(
    r".+_(?P<who>[^_]+)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_.*|\.\w+)?"
)


@dataclass(frozen=True, slots=True)
class Who:
    """A student as named by the files, and when they were handed in if the name says so (UTC)."""

    student: str
    submitted: str | None = None


def who(place: PurePath, lab: str) -> Who:
    """Return who handed in the file at `place`, a path below the folder of all submissions.

    Args:
        place: The path; a folder's name counts before that of a file in it.
        lab: The lab's name, which many people put into a file's name.
    """
    first = place.parts[0]
    if found := _BLACKBOARD.fullmatch(first):
        day, clock = found["when"][:10], found["when"][11:].replace("-", ":")
        return Who(tidy(found["who"]), f"{day}T{clock}+00:00")
    if found := _MOODLE.fullmatch(first):
        return Who(tidy(found["who"]))
    if len(place.parts) > 1:
        return Who(tidy(first))
    if found := _CANVAS.fullmatch(first):
        return Who(tidy(f"{found['who']}_{found['number']}"))
    return Who(tidy(_without_lab(PurePath(first).stem, lab)))


def tidy(name: str) -> str:
    """Return a name as it is shown and compared: visible characters, and not endless."""
    normal = unicodedata.normalize("NFC", name)
    visible = "".join(one if one.isprintable() else "?" for one in normal).strip() or "?"
    if len(visible) <= LONGEST:
        return visible
    return f"{visible[:LONGEST]}~{_digest(name)}"


def alike(name: str) -> str:
    """Return what two names have in common that a person may take for the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def file_name(student: str) -> str:
    """Return a file name, without a suffix, that is safe everywhere and belongs to one student."""
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', plain).strip('-')[:48]}-{_digest(student)}".lstrip("-")


def _without_lab(stem: str, lab: str) -> str:
    short = lab.partition("_")[0]
    rest = re.sub(rf"(?i)(^|[-_ ])(?:my_)?(?:{lab}|{short})(?=[-_ ]|$)", "", stem).strip("-_ ")
    return rest or stem


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
