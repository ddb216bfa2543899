"""Packages that are installed at their first use: PyFlink, which most lessons and labs never need.

It is half of what can be installed. `scripts/install.sh --flink` adds it to the environment that
this Python runs in, from the same lock, and it stays; nothing that is loaded already changes.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.files import file_lock
from studykit.workspace import Workspace

FLINK_PYTHONS: Final = ((3, 10), (3, 12))
"""The oldest and the newest Python that apache-flink 2.2 has packages for."""

_CLONE = Path(__file__).resolve().parents[2]
_INSTALLER = _CLONE / "scripts" / "install.sh"


def has_flink() -> bool:
    """Return whether PyFlink is installed; PyFlink is not loaded for it, which takes seconds."""
    return find_spec("pyflink") is not None


def flink_obstacle() -> str | None:
    """Return why PyFlink cannot be installed for this Python on this machine; None where it can."""
    oldest, newest = FLINK_PYTHONS
    if not oldest <= sys.version_info[:2] <= newest:
        return (
            f"PyFlink has no package for Python {platform.python_version()}: install Python 3.11, "
            "delete .venv, then `make lab PYTHON=python3.11`; all but Flink works without"
        )
    if sys.platform == "linux" and platform.machine() == "aarch64":
        return (
            "PyFlink has no package for Linux on ARM: use the containers (docker compose up); "
            "all but Flink works without"
        )
    return None


def need_flink() -> None:
    """Install PyFlink where it is missing, with a sentence before: the download has 370 MB.

    Raises:
        StudyError: There is none for this Python or machine, the installation failed, or this
            environment is not the lab's own.
    """
    if has_flink():
        return
    if obstacle := flink_obstacle():
        raise StudyError(obstacle)
    if Path(sys.prefix).resolve() != _CLONE / ".venv":
        raise StudyError(
            "PyFlink is not installed in this environment: run "
            f"pip install --requirement {_CLONE / 'requirements.lock'}"
        )
    with file_lock(Workspace.of_clone().run / "packages.lock"):
        invalidate_caches()
        if not has_flink():  # another lesson may have been quicker
            _tell("PyFlink is needed now: about 370 MB to download, this once.")
            _install()
    invalidate_caches()
    _tell("PyFlink is installed.")


def _install() -> None:
    """Run the installer; its progress goes where a person sees it, also from a notebook's kernel.

    Raises:
        StudyError: It failed.
    """
    command = [str(_INSTALLER), "--flink"]
    if sys.stderr.isatty():
        status, last = subprocess.run(command, stdout=sys.stderr, check=False).returncode, ""
    else:
        status, last = _relayed(command)
    if status:
        raise StudyError(
            f"PyFlink could not be installed{last}; the same command again goes on from here"
        )


def _relayed(command: list[str]) -> tuple[int, str]:
    """Run a command and pass on its lines as they come; return its status and its last line."""
    last = ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(" + "):  # the names of sixty packages help nobody
                _tell(line.rstrip())
                last = f": {line.strip()}"
    return process.returncode, last


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # the standard output of `study env` is read
