"""Damage to a broker's own files, which it serves without a look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def damaged(partition: Path, words: bytes) -> Iterator[None]:
    """Change one byte of the newest batch with these words, in a partition's folder.

    It is mended at the end: the broker would cut its log there after the next kill.
    """
    (segment,) = partition.glob("*.log")
    with segment.open("r+b") as file:
        place = file.read().rindex(words)
        try:
            _write_at(file, place, b"T")
            yield
        finally:
            _write_at(file, place, words[:1])


def _write_at(file: BinaryIO, place: int, byte: bytes) -> None:
    file.seek(place)
    file.write(byte)
    file.flush()
