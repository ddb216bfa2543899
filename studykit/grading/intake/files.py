"""The files of a class: where each lies in the folder or archive, and why one is not opened.

Links and special files are never followed. An archive is unpacked under numbers, so that no name
in it is ever a path of this machine.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.grading.intake.archives import Rejection, class_members
from studykit.grading.intake.systems import is_of_a_system
from studykit.grading.intake.text import visible

MAX_FILE_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 8

_JUNK: Final = re.compile(
    r"__MACOSX|Thumbs\.db|desktop\.ini|\._.*|\.(DS_Store|ipynb_checkpoints|git|gitignore|venv)",
    re.DOTALL,
)
"""What systems and tools put beside the work of a person."""
_PEOPLE: Final = (".venv", "__MACOSX")
"""What may be a person's name at the top of a class, if work lies in it."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a class.

    Args:
        place: The names of its folders and its own, from the top of the class.
        path: Where its bytes lie.
        modified: When it was changed, in seconds since 1970; 0 where that is not known.
        reason: Why it is not opened, or ''.
    """

    place: tuple[str, ...]
    path: Path
    modified: float = 0.0
    reason: str = ""

    def below(self, depth: int) -> File:
        """Return the file as seen from a folder, `depth` steps from the top."""
        return File(self.place[depth:], self.path, self.modified, self.reason)


def read_regular(path: Path, at_most: int = MAX_FILE_BYTES) -> bytes:
    """Return the beginning of a regular file; a link is not followed.

    Raises:
        OSError: It is no regular file, or cannot be read. The text names no folder.
    """
    try:
        # Without O_NONBLOCK a pipe would be waited for. What was opened is asked for its kind, not
        # the path, which may name another file by now.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError("it is no regular file")
            return file.read(at_most)
    except OSError as error:
        why = error.strerror or str(error)
        raise OSError(f"the file {visible(path.name)} cannot be read: {why.lower()}") from None


def in_folder(folder: Path) -> list[File]:
    """Return the files below a folder.

    Raises:
        StudyError: The folder itself cannot be read.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise StudyError(f"cannot read {folder} ({error.strerror}): may you read it?") from None
    return _kept(list(_walk(folder, ())))


def one_file(path: Path) -> File:
    """Return a single file by its own name."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return File((path.name,), path, 0.0, "the file is not there")
    return File((path.name,), path, found.st_mtime, _why_not(path.name, found))


def in_archive(archive: Path, spool: Path) -> list[File]:
    """Unpack the instructor's archive to `spool`.

    Raises:
        StudyError: The archive as a whole cannot be read, or not be unpacked.
    """
    spool.mkdir(parents=True, exist_ok=True)
    found = []
    try:
        for number, member in enumerate(class_members(archive, MAX_FILE_BYTES)):
            path = spool / f"{number:06}"
            if not member.reason:
                path.write_bytes(member.data)
            parts = tuple(part for part in member.name.split("/") if part not in ("", "."))
            reason = member.reason or ("" if len(parts) <= MAX_DEPTH + 1 else _TOO_DEEP)
            found.append(File(parts or ("?",), path, member.modified, reason))
    except Rejection as error:
        raise StudyError(f"{archive}: {error}; unpack it by hand and give the folder") from None
    except OSError as error:
        raise StudyError(f"cannot unpack {archive} to {spool}: {error.strerror}") from None
    return _kept(found)


def without_wrapper(files: list[File]) -> tuple[str, list[File]]:
    """Return the name of the one folder that holds the class, or '', and the files as in it.

    A single folder is a student, if a notebook lies right in it, or nothing but files of which at
    most one is a notebook; unless its files are called as a course system calls them.
    """
    tops = {file.place[0] for file in files}
    if len(tops) != 1 or any(len(file.place) == 1 for file in files):
        return "", files
    direct = {file.place[1] for file in files if len(file.place) == 2}
    notebooks = [name for name in direct if ".ipynb" in name.lower()]
    folders = any(len(file.place) > 2 for file in files)
    one_student = len(notebooks) == 1 if notebooks else not folders
    if one_student and not (len(direct) > 1 and is_of_a_system(direct)):
        return "", files
    return next(iter(tops)), [file.below(1) for file in files]


_TOO_DEEP: Final = f"folders more than {MAX_DEPTH} deep"


def _kept(files: list[File]) -> list[File]:
    """Return the files without junk; a student may be called like it."""
    people = {
        file.place[0]
        for file in files
        if file.place[0] in _PEOPLE and len(file.place) > 1 and not _is_junk(file.place[1:])
    }
    tools = {file.place[0] for file in files if file.place[1:] == ("pyvenv.cfg",)}
    return [
        file
        for file in files
        if not _is_junk(file.place[1:] if file.place[0] in people - tools else file.place)
    ]


def _is_junk(place: tuple[str, ...]) -> bool:
    return any(_JUNK.fullmatch(name) for name in place)


def _walk(folder: Path, place: tuple[str, ...]) -> Iterator[File]:
    """Yield every file below a folder, junk included."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        why = (error.strerror or "it is gone").lower()
        yield File(place, folder, 0.0, f"the folder {visible(folder.name)} cannot be read: {why}")
        return
    if len(place) == 1 and not entries:
        yield File(place, folder, 0.0, "the folder is empty")
    for entry in entries:
        here, path = (*place, entry.name), Path(entry.path)
        if place and _JUNK.fullmatch(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            if len(here) > MAX_DEPTH:
                yield File(here, path, 0.0, _TOO_DEEP)
            else:
                yield from _walk(path, here)
        else:
            yield _file(entry, here, path)


def _file(entry: os.DirEntry[str], place: tuple[str, ...], path: Path) -> File:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        why = (error.strerror or "it is gone").lower()
        return File(place, path, 0.0, f"the file {visible(entry.name)} cannot be read: {why}")
    return File(place, path, found.st_mtime, _why_not(entry.name, found))


def _why_not(name: str, found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return f"{visible(name)} is a link or a special file"
    if found.st_size > MAX_FILE_BYTES:
        return f"{visible(name)} has more than {MAX_FILE_BYTES >> 20} MB"
    return ""
