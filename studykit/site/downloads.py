"""What npm and pip say where a download fails, as one sentence with what helps."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from studykit.errors import StudyError

_REMEDIES: Final = {
    r"ENOSPC|No space left|quota exceeded": "the disk is full: make room, 0.5 GB for the site",
    r"EINTEGRITY|DO NOT MATCH THE HASHES|ash mismatch": (
        "it is not the file that the lock names: ask whoever runs the package index or the proxy, "
        "or go there without it"
    ),
    r"\bE40[0-9]\b|40[13] (?:Forbidden|Unauthorized|Client Error)|HTTP error 4": (
        "the index refuses it: ask whoever runs the index, or choose another with PIP_INDEX_URL "
        "and npm_config_registry"
    ),
    r"ECONNRESET|IncompleteRead|[Pp]remature|incomplete|aborted|ERR_STREAM|Invalid response body": (
        "the download broke off: try again, from another network if it happens twice"
    ),
}
"""Patterns of what the programs say, with the remedy; an earlier one explains a later one."""
_UNREACHED: Final = (
    "the index cannot be reached: connect to the internet, or name the proxy of your network in "
    "HTTPS_PROXY"
)


def download(words: Sequence[object], what: str, folder: Path | None = None) -> None:
    """Run a program that downloads.

    Args:
        words: The program and its arguments.
        what: What is downloaded, for the sentence.
        folder: Where the program runs; here if None.

    Raises:
        StudyError: The program failed. The same command goes on from what is there.
    """
    done = subprocess.run(
        [*map(str, words)], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StudyError(
            f"{what} cannot be downloaded, {remedy(done.stdout + done.stderr)}; then the same "
            "command goes on from here"
        )


def remedy(said: str) -> str:
    """Return what helps against what npm or pip has said.

    >>> remedy("npm error code ENOSPC")
    'the disk is full: make room, 0.5 GB for the site'
    """
    found = (words for pattern, words in _REMEDIES.items() if re.search(pattern, said))
    return next(found, _UNREACHED)
