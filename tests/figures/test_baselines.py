"""A few pictures as they were when somebody last looked at them.

Compared in squares of four pixels, so that another version of the font library, whose edges are a
shade lighter or darker, passes; a mark, a line or a word that has moved does not.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studykit.drawing import style
from tests.support.pictures import pictures

BASELINES = Path(__file__).with_name("baselines")
DRAWN = Path(__file__).parents[2] / ".study" / "tests" / "pictures"
SQUARE = 4
LARGEST = 15
"""Largest difference of a square's mean brightness, of 255."""


def difference(ours: bytes, other: bytes) -> float:
    """Return the largest difference of two pictures; infinite if their sizes differ."""
    grey = [Image.open(BytesIO(png)).convert("L") for png in (ours, other)]
    if grey[0].size != grey[1].size:
        return float("inf")
    first, second = (np.asarray(image.reduce(SQUARE), dtype=float) for image in grey)
    return float(np.abs(first - second).max())


@pytest.mark.parametrize("name", pictures())
def test_picture_is_as_it_was_when_last_looked_at(name: str) -> None:
    drawn = style.png(pictures()[name])
    DRAWN.mkdir(parents=True, exist_ok=True)
    (DRAWN / f"{name}.png").write_bytes(drawn)
    kept = BASELINES / f"{name}.png"
    assert difference(drawn, kept.read_bytes()) <= LARGEST, (
        f"look at {DRAWN / kept.name}; if it is as it should be, copy it to {kept}"
    )


def test_comparison_sees_one_small_mark_more() -> None:
    figure = pictures()["watermark_stepper"]
    before = style.png(figure)
    figure.axes[0].plot(15, 5, "o", ms=3, color=style.GREY)
    assert difference(before, style.png(figure)) > LARGEST


def test_comparison_sees_another_word() -> None:
    figure = pictures()["panes"]
    before = style.png(figure)
    next(text for text in figure.axes[0].texts if text.get_text() == "discarding").set_text("x")
    assert difference(before, style.png(figure)) > LARGEST


def test_comparison_forgives_a_shade() -> None:
    before = style.png(pictures()["panes"])
    paler = Image.open(BytesIO(before)).point(lambda level: min(level + 10, 255))
    buffer = BytesIO()
    paler.save(buffer, format="PNG")
    assert difference(before, buffer.getvalue()) <= LARGEST
