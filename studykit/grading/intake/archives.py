"""Archives from strangers: only regular files come out, and never more than a few."""

from __future__ import annotations

import calendar
import math
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from studykit.grading.intake.text import visible

SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_FILES: Final = 2_000
MAX_TOTAL: Final = 200 * 2**20
MAX_RATIO: Final = 200
"""An archive that unpacks to more than this many times its size is a bomb."""
MAX_CLASS_FILES: Final = 100_000
MAX_CLASS_BYTES: Final = 20 * 2**30

_FAR: Final = 2.0**40
"""Seconds from 1970, before or after, that no real file's time exceeds; one beyond is dropped."""


class Rejection(ValueError):
    """Input that is not opened. The error's text says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. `modified` is in seconds since 1970; `reason` is why it is not read."""

    name: str
    modified: float
    data: bytes
    reason: str = ""


def is_archive(name: str) -> bool:
    """Return whether a file is an archive, by its name."""
    return name.lower().endswith(SUFFIXES)


def members(path: Path) -> Iterator[Member]:
    """Yield the regular files of a student's archive.

    Raises:
        Rejection: It holds a link, a special file or a name that leads out of it, is too large
            when unpacked, or cannot be read.
    """
    size = path.stat().st_size
    left = min(MAX_TOTAL, max(2**20, MAX_RATIO * size))
    for member in _opened(path, MAX_FILES, left):
        if member.reason:
            raise Rejection(member.reason)
        left -= len(member.data)
        if left < 0:
            raise Rejection("the archive is too large when it is unpacked")
        yield member


def class_members(path: Path, most_bytes: int) -> Iterator[Member]:
    """Yield the files of an instructor's archive; what is odd about one stops no other.

    Raises:
        Rejection: The archive as a whole is damaged, or far too large.
    """
    left = MAX_CLASS_BYTES
    for member in _opened(path, MAX_CLASS_FILES, most_bytes):
        left -= len(member.data)
        if left < 0:
            raise Rejection("the archive is too large when it is unpacked")
        yield member


def _opened(path: Path, most_files: int, most_bytes: int) -> Iterator[Member]:
    """Yield the files of an archive, each with at most `most_bytes`.

    What the standard library raises for broken archives is many kinds of errors, undocumented.
    """
    reading = _zip_members if path.name.lower().endswith(".zip") else _tar_members
    inside = reading(path, most_files, most_bytes)
    while True:
        try:
            member = next(inside)
        except StopIteration:
            return
        except Rejection:
            raise
        except Exception:
            raise Rejection(f"the archive {visible(path.name)} is damaged or locked") from None
        yield member


def _zip_members(path: Path, most_files: int, most_bytes: int) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _require_few(len(entries), most_files)
        for entry in entries:
            kind = stat.S_IFMT(entry.external_attr >> 16)
            name, reason = _safe(entry.filename)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):  # 0: zipped where files have no mode
                reason = f"the archive holds a link or a special file: {visible(name)}"
            if entry.is_dir() and not reason:
                continue
            data = b""
            if not reason:
                try:
                    with archive.open(entry) as file:
                        data, reason = _bounded(file, most_bytes)
                except Exception:
                    reason = f"{visible(name)} is damaged or locked in the archive"
            yield Member(name, _seconds(_stamp(entry.date_time)), data, reason)


def _tar_members(path: Path, most_files: int, most_bytes: int) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        for number, entry in enumerate(archive, start=1):
            # On the way: a tar has no table of contents.
            _require_few(number, most_files)
            name, reason = _safe(entry.name)
            if not (entry.isreg() or entry.isdir()):
                reason = f"the archive holds a link or a special file: {visible(name)}"
            if entry.isdir() and not reason:
                continue
            data = b""
            if not reason and entry.size > most_bytes:
                reason = _TOO_LARGE
            elif not reason and (file := archive.extractfile(entry)):
                data, reason = _bounded(file, most_bytes)
            yield Member(name, _seconds(float(entry.mtime)), data, reason)


_TOO_LARGE: Final = "the archive is too large when it is unpacked"


def _require_few(count: int, most: int) -> None:
    if count > most:
        raise Rejection(f"the archive has more than {most} entries")


def _safe(name: str) -> tuple[str, str]:
    """Return a name with plain slashes, and why it is not opened if it leads out of its folder."""
    plain = name.replace("\\", "/")
    path = PurePosixPath(plain)  # which knows no drive: `C:` is looked for below
    if path.is_absolute() or ".." in path.parts or ":" in name[:3] or "\0" in name:
        return plain, f"the archive holds a name that leads out of it: {visible(name)}"
    return plain, ""


def _bounded(file: IO[bytes], limit: int) -> tuple[bytes, str]:
    data = file.read(limit + 1)  # the size that an archive names is a claim
    return (b"", _TOO_LARGE) if len(data) > limit else (data, "")


def _stamp(moment: tuple[int, int, int, int, int, int]) -> float:
    """Return the time of a zip entry as if its clock were in UTC; 0 where it is no time."""
    try:
        return float(calendar.timegm((*moment, 0, 0, 0)))
    except (ValueError, OverflowError):
        return 0.0


def _seconds(moment: float) -> float:
    return moment if math.isfinite(moment) and abs(moment) < _FAR else 0.0
