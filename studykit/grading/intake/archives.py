"""Archives from strangers: only regular files come out, and never more than a few."""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MAX_FILES: Final = 2_000
MAX_TOTAL: Final = 200 * 2**20
MAX_RATIO: Final = 200
"""An archive that unpacks to more than this many times its size is a bomb."""


class Rejected(ValueError):
    """Input that is not opened. Its text says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. `modified` is comparable within one archive."""

    name: str
    modified: float
    data: bytes


def is_archive(name: str) -> bool:
    """Return whether a file is an archive, by its name."""
    return name.lower().endswith(SUFFIXES)


def members(path: Path, *, most_files: int = MAX_FILES, total: int = MAX_TOTAL) -> Iterator[Member]:
    """Yield the regular files of an archive.

    Args:
        path: The archive.
        most_files: With more entries it is rejected.
        total: With more bytes, unpacked, it is rejected.

    Raises:
        Rejected: It holds a link, a special file or a name that leads out of it, is too large
            when unpacked, or cannot be read.
    """
    try:
        if path.name.lower().endswith(".zip"):
            yield from _zip_members(path, most_files, total)
        else:
            yield from _tar_members(path, most_files, total)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError):
        raise Rejected(f"the archive {path.name} is damaged or locked") from None
    except (OSError, ValueError, MemoryError) as error:
        if isinstance(error, Rejected):
            raise
        raise Rejected(f"the archive {path.name} cannot be read") from None


def _zip_members(path: Path, most_files: int, total: int) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _require_few(len(entries), most_files)
        left = min(total, max(2**20, MAX_RATIO * path.stat().st_size))
        for entry in entries:
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Rejected(f"the archive holds a link or a special file: {entry.filename}")
            name = _safe(entry.filename)
            if entry.is_dir():
                continue
            with archive.open(entry) as file:
                data = _bounded(file, left)
            left -= len(data)
            yield Member(name, _stamp(entry.date_time), data)


def _tar_members(path: Path, most_files: int, total: int) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        left = min(total, max(2**20, MAX_RATIO * path.stat().st_size))
        for number, entry in enumerate(archive, start=1):
            _require_few(number, most_files)
            if not (entry.isreg() or entry.isdir()):
                raise Rejected(f"the archive holds a link or a special file: {entry.name}")
            if entry.size > left:
                raise Rejected("the archive is too large when it is unpacked")
            name = _safe(entry.name)
            file = archive.extractfile(entry) if entry.isreg() else None
            if file is None:
                continue
            data = _bounded(file, left)
            left -= len(data)
            yield Member(name, float(entry.mtime), data)


def _require_few(count: int, most: int) -> None:
    if count > most:
        raise Rejected(f"the archive has more than {most} entries")


def _safe(name: str) -> str:
    """Return a name that stays below the folder that it is put in."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name[:3] or "\0" in name:
        raise Rejected(f"the archive holds a name that leads out of it: {name}")
    return path.as_posix()


def _bounded(file: IO[bytes], limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise Rejected("the archive is too large when it is unpacked")
    return data


def _stamp(moment: tuple[int, int, int, int, int, int]) -> float:
    """Return a number that grows with the time of a zip entry."""
    stamp = 0
    for part, base in zip(moment, (1, 13, 32, 24, 60, 60), strict=True):
        stamp = stamp * base + part
    return float(stamp)
