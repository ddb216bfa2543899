"""Watching files for a save: a file was saved when its time of change is another."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

Name = TypeVar("Name", bound=Hashable)

LOOK_EVERY_S: Final = 1.0


def saved(
    files: Callable[[], Mapping[Name, Path | None]],
    wait: Callable[[float], None] | None = None,
) -> Iterator[Name]:
    """Yield, without end, the name of each file that is saved or appears from now on.

    Args:
        files: Returns the files by name; it is called at each look, every `LOOK_EVERY_S`. A path
            of None stands for a file that does not exist yet.
        wait: The function that lets seconds pass; `time.sleep` if None.
    """
    before = _times(files())
    while True:
        (wait or time.sleep)(LOOK_EVERY_S)
        now = _times(files())
        for name, changed in now.items():
            if changed is not None and changed != before.get(name):
                yield name
        before = now


def _times(files: Mapping[Name, Path | None]) -> dict[Name, int | None]:
    return {name: _changed(path) for name, path in files.items()}


def _changed(path: Path | None) -> int | None:
    """Return when a file was changed, in ns; None for a file that is just being replaced."""
    try:
        return path.stat().st_mtime_ns if path else None
    except FileNotFoundError:
        return None
