"""The ledger: one line for each graded submission, on the disk before the next one is begun."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from studykit.errors import StudyError
from studykit.grading.book.results import Result

NAME: Final = "results.jsonl"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Result).decode


class ResultLedger:
    """An append-only file of results; a student's newest result counts."""

    def __init__(self, path: Path) -> None:
        """Read the file, and cut off a last line that was never finished."""
        self._path = path
        self.results: dict[str, Result] = {}
        good = self._read()
        self._file = path.open("ab")
        self._file.truncate(good)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, result: Result) -> None:
        """Append a result and sync the file: after the return, the result survives a crash."""
        self._file.write(_encode(result) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.results[result.student] = result

    def has(self, student: str, key: str) -> bool:
        """Return whether the newest result of a student is good, and is of this key."""
        result = self.results.get(student)
        # A failure of the grader is no result of the student: the next run tries again.
        return result is not None and result.key == key and result.status != "infra_error"

    def _read(self) -> int:
        """Read the results and return the length of the part of the file that is whole."""
        good = 0
        if not self._path.exists():
            return good
        for line in self._path.read_bytes().splitlines(keepends=True):
            try:
                if not line.endswith(b"\n"):
                    break
                result = _decode(line)
            except msgspec.MsgspecError:
                break
            self.results[result.student] = result
            good += len(line)
        return good


@contextmanager
def only_grader(folder: Path, lab: str) -> Iterator[None]:
    """Let one grading run at a time write to a folder, and of one lab only.

    Raises:
        StudyError: Another run writes to the folder, it holds another lab, or cannot be written to.
    """
    try:
        handle = (folder / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StudyError(
            f"cannot write to {folder} ({error.strerror}): choose another --out"
        ) from None
    with handle:
        try:
            # Not a lock of filelock: it empties the file, which says here whose results these are.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StudyError(
                f"another grading run writes to {folder}: wait for it, or choose another --out"
            ) from None
        handle.seek(0)
        other = handle.read().strip()
        if other and other != lab:
            raise StudyError(f"{folder} holds the results of {other}: choose another --out")
        if not other:
            handle.write(f"{lab}\n")
            handle.flush()
        yield
