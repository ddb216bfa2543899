"""One identity for each person: a name that loses nothing, and when two are alike."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

from studykit.grading.intake.text import visible

LONGEST: Final = 100
_SPACES: Final = re.compile(r"^\s+|\s+$")


def identity(name: str) -> str:
    r"""Return a name as it is shown, compared and kept: different names stay different.

    >>> identity("Ada "), identity("a\x00b"), identity("x" * 101)[-18:]
    ('Ada\\u{20}', 'a\\u{0}b', 'x~c675a2e604b0cd12')
    """
    shown = visible(name)
    shown = _SPACES.sub(lambda found: "".join(f"\\u{{{ord(c):x}}}" for c in found[0]), shown)
    shown = shown or "(no name)"
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}~{_digest(name)[:16]}"


def alike(name: str) -> str:
    """Return what two names have in common that a person may take for the same."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", decomposed)) or name


def composed(name: str) -> str:
    """Return a name in the one form that Unicode calls equal to all its others."""
    return unicodedata.normalize("NFC", name)


def file_name(student: str) -> str:
    """Return a file name, without a suffix, that is safe everywhere and belongs to one student."""
    plain = unicodedata.normalize("NFKD", student).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:32]
    return f"{words}-{_digest(student)[:24]}".lstrip("-")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
