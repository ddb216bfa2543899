"""The secret: hidden cases are repeated by it, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from studykit.errors import StudyError
from studykit.grading.secret import Secret


def test_cases_are_repeated_by_the_secret_and_differ_without_it() -> None:
    def drawn(key: bytes, *words: str) -> list[int]:
        rng = Secret(key).random(*words)
        return [rng.randrange(10**9) for _ in range(4)]

    secret = b"one secret of sixteen"
    assert drawn(secret, "lab", "ada", "e") == drawn(secret, "lab", "ada", "e")
    others = [
        drawn(b"another of sixteen....", "lab", "ada", "e"),
        drawn(secret, "lab", "bob", "e"),
        drawn(secret, "lab", "ad", "ae"),
        drawn(secret, "lab|ada", "e"),
    ]
    assert drawn(secret, "lab", "ada", "e") not in others


def test_a_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert Secret.load(path).key == Secret.load(path).key
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("short", "ascii")
    with pytest.raises(StudyError, match="shorter than 16"):
        Secret.load(path)
