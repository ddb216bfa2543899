"""The study guide's pictures: each is there, and its words in the guide are what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from studykit.figures.guide import PLATES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "StudyDoc.md").read_text("utf-8")


@pytest.mark.parametrize("name", PLATES)
def test_the_guide_says_what_its_picture_shows(name: str) -> None:
    assert f"![{PLATES[name]().words}](docs/{name}.png)" in GUIDE
    assert (ROOT / "docs" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
