"""Files that stay whole through a crash, and that two processes may change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studykit.errors import StudyError


class LockFailure(StudyError):
    """A lock cannot be had, now or later. The text says what to do."""

    def __init__(self, path: Path, error: OSError) -> None:
        """Say why `path` cannot be locked, as the system told it in `error`."""
        self.strerror = error.strerror
        super().__init__(
            f"cannot lock {path} ({error.strerror}): set STUDY_HOME and STUDY_CACHE to folders on "
            "a disk of this machine that you may write to"
        )


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; wait without a limit while another process holds it.

    The system releases the lock of a process that dies, so that no lock outlives its holder.

    Raises:
        LockFailure: The file cannot be made, or its file system has no locks, as some network
            shares.
    """
    if sys.platform == "emscripten":  # one process, and files whose locks are never got
        yield
        return
    from filelock import FileLock  # noqa: PLC0415 - its hooks would make every fork dearer

    # A file as a lock, which filelock would fall back to, outlives its holder.
    lock = FileLock(path, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise LockFailure(path, error) from None
    try:
        yield
    finally:
        lock.release()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a crash, finds the old content or the new one, whole.

    A text is written as UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the file: a rename is atomic within one file system only.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.replace(path)


def free_name(path: Path, word: str) -> Path:
    """Return a name beside `path` that is not taken: `lab.backup-1.ipynb`, then `-2`, and so on."""
    number = 1
    while (other := path.with_name(f"{path.stem}.{word}-{number}{path.suffix}")).exists():
        number += 1
    return other
