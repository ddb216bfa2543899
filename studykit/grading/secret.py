"""The instructor's secret: hidden cases come from it, the same ones on every regrade."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from random import Random

from studykit.errors import StudyError


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A key that never enters a sandbox."""

    key: bytes

    @classmethod
    def load(cls, path: Path) -> Secret:
        """Return the secret in a file; one is made where there is no file.

        Raises:
            StudyError: The file is too short to be one, or cannot be read or made.
        """
        try:
            if not path.exists():
                _make(path)
            key = path.read_bytes().strip()
        except OSError as error:
            raise StudyError(
                f"cannot use the secret in {path} ({error.strerror}): choose another --secret"
            ) from None
        if len(key) < 16:
            raise StudyError(f"the secret in {path} is shorter than 16 bytes: delete the file")
        return cls(key)

    def random(self, *words: str) -> Random:
        """Return a generator: the same for the same words, and unguessable without the secret."""
        return Random(self._mac("cases", *words))

    def seed(self, *words: str) -> int:
        """Return a number below 2**32 that may enter a sandbox: it tells nothing about cases."""
        return self._mac("seed", *words) % 2**32

    @property
    def name(self) -> str:
        """Eight letters by which two secrets can be told apart."""
        return f"{self._mac('name') % 2**32:08x}"

    def _mac(self, *words: str) -> int:
        text = "|".join(word.replace("|", "||") for word in words).encode()
        return int.from_bytes(hmac.new(self.key, text, hashlib.sha256).digest(), "big")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
