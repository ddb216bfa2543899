"""The course as the sandbox sees it: what labs import, and nothing that answers an exercise."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import flink_jobs
import studykit

STAGED: Final = (
    "flink_jobs",
    "studykit/*.py",
    "studykit/checks",
    "studykit/drawing",
    "studykit/exercises/*.py",
    "studykit/figures",
    "studykit/flink",
    "studykit/grading/__init__.py",
    "studykit/grading/box",
    "studykit/services",
    "studykit/trace",
    "studykit/widgets",
)
"""What a submission may import: files and whole folders. What is not named here stays out.

The folders below `studykit/exercises` hold references and wrong answers.
"""


def stage(folder: Path) -> Path:
    """Copy what labs may import to `folder`, readable by everybody, and return it."""
    if folder.exists():
        shutil.rmtree(folder)
    for home, path in staged_files():
        copy = folder / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def staged_files() -> Iterator[tuple[Path, Path]]:
    """Yield every file that is staged, in order: the folder of its package, and its path."""
    homes = {Path(package.__path__[0]) for package in (flink_jobs, studykit)}
    for pattern in STAGED:
        home = next(home for home in homes if home.name == pattern.partition("/")[0]).parent
        for path in sorted(home.glob(pattern)):
            below = sorted(path.rglob("*")) if path.is_dir() else [path]
            for file in below:
                if file.is_file() and "__pycache__" not in file.parts:
                    yield home, file
