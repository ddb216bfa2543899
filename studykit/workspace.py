"""Where the services keep their files: everything is below one folder, `.study/` of the clone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from studykit.errors import StudyError
from studykit.files import file_lock


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of one set of services; `home` is absolute. A folder is made at its first use."""

    home: Path

    @classmethod
    def of_clone(cls, environ: Mapping[str, str] = os.environ) -> Workspace:
        """Return the learner's workspace: `STUDY_HOME`, else `.study/` in the clone.

        The clone is found from this file, not from the current folder, so that a notebook and a
        terminal mean the same services.
        """
        if chosen := environ.get("STUDY_HOME"):
            return cls(Path(chosen).expanduser().absolute())
        clone = Path(__file__).resolve().parents[1]
        root = clone if (clone / "pyproject.toml").is_file() else Path.cwd()
        return cls(root / ".study")

    @property
    def run(self) -> Path:
        """The folder with the records and locks of running services."""
        return _folder(self.home / "run")

    @property
    def logs(self) -> Path:
        """The folder with the logs of the services."""
        return _folder(self.home / "logs")

    @property
    def data(self) -> Path:
        """The folder with topics and keys; to delete it is to start afresh."""
        return _folder(self.home / "data")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time start or stop services here; others wait for it."""
        with file_lock(self.run / "command.lock"):
            yield


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"cannot create the folder {path} ({error.strerror}): "
            "set STUDY_HOME to a folder that you may write to"
        ) from None
    return path
