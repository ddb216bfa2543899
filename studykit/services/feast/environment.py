"""The environment of Feast: a folder of its own, so that no package of the course changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.files import file_lock
from studykit.workspace import Workspace

VERSION: Final = "0.67.0"
"""The version that the lesson's answers were recorded with."""

_LOCK: Final = Path(__file__).with_name("requirements.txt")
_OLDEST, _NEWEST = (3, 10), (3, 12)
"""Pythons for which every package of the lock has a wheel."""


def feast_python(workspace: Workspace) -> Path | None:
    """Return the Python that has Feast in this version; None where it is not installed whole."""
    folder = _folder(workspace)
    stamp = folder / ".installed"
    if not stamp.is_file() or stamp.read_bytes() != _LOCK.read_bytes():
        return None
    python = folder / "bin" / "python"
    return python if python.exists() else None


def install_feast(workspace: Workspace, tell: Callable[[str], None]) -> Path:
    """Install Feast where it is missing, and return its Python.

    An installation that was interrupted is built anew; the stamp is written last.

    Args:
        workspace: Below whose folder the environment is kept.
        tell: Gets a sentence before the download and one at the end.

    Raises:
        StudyError: This Python has no such packages, or the installation failed.
    """
    with file_lock(workspace.run / "feast.lock"):
        if python := feast_python(workspace):
            tell(f"Feast {VERSION} is here already: {_folder(workspace)}")
            return python
        if not _OLDEST <= sys.version_info[:2] <= _NEWEST:
            raise StudyError(
                f"Feast {VERSION} needs Python 3.10 to 3.12, and this is "
                f"{sys.version_info.major}.{sys.version_info.minor}: lesson 13 shows what was "
                "recorded"
            )
        folder = _folder(workspace)
        tell(f"Feast {VERSION} and 60 packages come into {folder}: about 450 MB, this once.")
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        python = folder / "bin" / "python"
        _uv("pip", "install", "--python", str(python), "--no-deps", "--requirements", str(_LOCK))
        # Last, and with the lock's own bytes: half an installation, or an older one, is built anew.
        (folder / ".installed").write_bytes(_LOCK.read_bytes())
        tell(f"Feast {VERSION} is installed: lesson 13 asks it from now on.")
        return python


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "feast"


def _uv(*words: str) -> None:
    """Run uv; what it downloads is told on the standard error, as it goes on.

    Raises:
        StudyError: uv is missing or failed.
    """
    try:
        subprocess.run([sys.executable, "-m", "uv", *words], check=True, stdout=sys.stderr)
    except subprocess.CalledProcessError as error:
        raise StudyError(
            f"Feast could not be installed: uv ended with status {error.returncode} and said why "
            "above; the same command again goes on from here"
        ) from None
