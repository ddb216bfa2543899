"""Intake: from a folder, an archive or a list to the files that each student handed in.

Nothing is opened here but folders and the archive or list of the instructor's own. Links and
special files are never followed.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.grading.intake import gradescope
from studykit.grading.intake.archives import Rejected, is_archive, members
from studykit.grading.intake.identity import Who, alike, tidy, who

MAX_FILES: Final = 500
"""As many files a student may hand in."""
MAX_FILE_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 8
MAX_CLASS_FILES: Final = 100_000
MAX_CLASS_BYTES: Final = 20 * 2**30

_JUNK: Final = re.compile(
    r"__MACOSX|Thumbs\.db|desktop\.ini|\._.*|\.(DS_Store|ipynb_checkpoints|git|gitignore|venv)"
)
"""What systems and tools put beside the work of a person."""


@dataclass(slots=True)
class Handed:
    """What one student handed in: files, or why they are not opened."""

    student: str
    files: list[Path] = field(default_factory=list)
    rejected: str = ""
    submitted: str | None = None
    review: list[str] = field(default_factory=list)

    def digest(self) -> str:
        """Return a hash of the files' names and bytes."""
        sha = hashlib.sha256(self.rejected.encode())
        for path in self.files:
            sha.update(path.name.encode("utf-8", "surrogateescape") + b"\0")
            sha.update(read_regular(path))
        return sha.hexdigest()


def read_regular(path: Path, at_most: int = MAX_FILE_BYTES) -> bytes:
    """Return the beginning of a regular file; a link is not followed.

    Raises:
        OSError: It is no regular file, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is no regular file")
        return file.read(at_most)


def take_in(source: Path, lab: str, spool: Path) -> list[Handed]:
    """Return what each student handed in, by name.

    Args:
        source: A folder, an archive, or a CSV file with the columns `student`, `path` and, if
            known, `submitted`.
        lab: The lab's name.
        spool: Where to unpack an archive.

    Raises:
        StudyError: Nothing is there, or it is none of these.
    """
    if source.is_dir():
        found = _by_student(source, lab)
    elif is_archive(source.name) and source.is_file():
        _unpack(source, spool)
        found = _by_student(spool, lab)
    elif source.suffix == ".csv" and source.is_file():
        found = _listed(source)
    else:
        raise StudyError(
            f"cannot grade {source}: give a folder, a zip or tar archive, or a CSV file with the "
            "columns student and path"
        )
    if not found:
        raise StudyError(f"nothing was handed in below {source}: is it the right folder?")
    _doubt_twins(found)
    return [found[name] for name in sorted(found)]


def _by_student(folder: Path, lab: str) -> dict[str, Handed]:
    found: dict[str, Handed] = {}
    root = _without_wrapper(folder)
    key = root / gradescope.NAME
    known = gradescope.people(key) if key.is_file() and not key.is_symlink() else {}
    for path, reason in _walk(root, 0):
        place = path.relative_to(root)
        if path != key:
            for whose in known.get(place.parts[0]) or [_named(place, root, lab)]:
                _put(found, whose, path, reason)
    return found


def _named(place: Path, root: Path, lab: str) -> Who:
    """Return who a path names. GitHub Classroom puts `x-ada` into `x-submissions`: ada."""
    prefix = root.name.removesuffix("submissions")
    if prefix != root.name and len(place.parts) > 1 and place.parts[0].startswith(prefix):
        return who(Path(place.parts[0].removeprefix(prefix), *place.parts[1:]), lab)
    return who(place, lab)


def _put(found: dict[str, Handed], whose: Who, path: Path | None, reason: str) -> None:
    handed = found.setdefault(whose.student, Handed(whose.student))
    handed.submitted = max(handed.submitted or "", whose.submitted or "") or None
    handed.rejected = handed.rejected or reason
    if path is not None and not reason:
        handed.files.append(path)
    if len(handed.files) > MAX_FILES:
        handed.files.clear()
        handed.rejected = f"more than {MAX_FILES} files"


def _walk(folder: Path, depth: int) -> Iterator[tuple[Path, str]]:
    """Yield every file below a folder, with the reason for not opening it, or ''."""
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        path = Path(entry.path)
        if _JUNK.fullmatch(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth == MAX_DEPTH:
                yield path, f"folders more than {MAX_DEPTH} deep"
            else:
                yield from _walk(path, depth + 1)
        else:
            yield path, _why_not(entry)


def _why_not(entry: os.DirEntry[str]) -> str:
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        return f"{tidy(entry.name)} is a link or a special file"
    if found.st_size > MAX_FILE_BYTES:
        return f"{tidy(entry.name)} has more than {MAX_FILE_BYTES >> 20} MB"
    return ""


def _without_wrapper(folder: Path) -> Path:
    """Return the one folder that holds all others, as archives often have it."""
    inside = [one for one in os.scandir(folder) if not _JUNK.fullmatch(one.name)]
    if len(inside) == 1 and inside[0].is_dir(follow_symlinks=False):
        deeper = [one for one in os.scandir(inside[0]) if not _JUNK.fullmatch(one.name)]
        if len(deeper) > 1 or any(one.is_dir(follow_symlinks=False) for one in deeper):
            return Path(inside[0].path)
    return folder


def _unpack(archive: Path, spool: Path) -> None:
    """Unpack the instructor's archive.

    Raises:
        StudyError: It cannot be read.
    """
    try:
        for member in members(archive, most_files=MAX_CLASS_FILES, total=MAX_CLASS_BYTES):
            target = spool / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(member.data)
            os.utime(target, (member.modified, member.modified))
    except Rejected as error:
        raise StudyError(f"{archive}: {error}; unpack it by hand and give the folder") from None


def _listed(source: Path) -> dict[str, Handed]:
    """Read a list of submissions; paths are relative to it."""
    found: dict[str, Handed] = {}
    for row in read_table(source, ("student", "path")):
        name, path = tidy(row["student"]), source.parent / row["path"]
        files = list(_walk(path, 0)) if path.is_dir() and not path.is_symlink() else [_one(path)]
        for one, reason in files:
            _put(found, Who(name, row.get("submitted") or None), one, reason)
    return found


def _one(path: Path) -> tuple[Path, str]:
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return path, "the file is not there"
    return path, "" if stat.S_ISREG(found.st_mode) else "a link or a special file"


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a CSV file.

    Raises:
        StudyError: It cannot be read, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{str(k): v or "" for k, v in row.items() if k} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"cannot read {path}: {error}") from None
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise StudyError(f"{path} has no column {missing[0]!r}: its first line names the columns")
    return rows


def _doubt_twins(found: dict[str, Handed]) -> None:
    """Mark students whose names a person may take for each other."""
    groups: dict[str, list[Handed]] = {}
    for handed in found.values():
        groups.setdefault(alike(handed.student), []).append(handed)
    for group in groups.values():
        for handed in group if len(group) > 1 else ():
            others = ", ".join(one.student for one in group if one is not handed)
            handed.review.append(f"another student has nearly the same name: {others}")
