"""The course as the sandbox sees it: what labs import, and nothing that answers an exercise."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

import flink_jobs
import studykit

_KEPT_OUT: Final = (
    re.compile(r"studykit/checks/lab\d+_.*"),
    re.compile(r"studykit/course(/.*)?"),
    re.compile(r"studykit/grading/(?!__init__\.py|box(/|$)).*"),
    re.compile(r".*/__pycache__"),
)


def stage(folder: Path) -> Path:
    """Copy what labs may import to `folder`, readable by everybody, and return it.

    Definitions of exercises hold references and wrong answers, and stay out.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for package in (flink_jobs, studykit):
        home = Path(package.__path__[0])
        shutil.copytree(home, folder / home.name, ignore=_ignore(home.parent))
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def kept_out(name: str) -> bool:
    """Return whether a file, by its path below the packages, stays out of the sandbox."""
    return any(pattern.fullmatch(name) for pattern in _KEPT_OUT)


def _ignore(root: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202
    def ignored(folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(root)
        return {name for name in names if kept_out((place / name).as_posix())}

    return ignored
