"""A picture that is painted quickly is the picture that matplotlib paints."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from studykit.drawing import canvas, style
from tests.support.pictures import pictures


@style.styled
def painted_by_matplotlib(figure: Figure) -> NDArray[np.uint8]:
    slow: Any = FigureCanvasAgg(figure)
    slow.draw()
    return np.asarray(slow.buffer_rgba())[:, :, :3].copy()


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(png)))


@pytest.mark.parametrize("name", pictures())
def test_picture_has_the_pixels_of_matplotlib_at_first_and_from_words_that_are_kept(
    name: str,
) -> None:
    for _ in range(2):
        quick = pixels(style.png(pictures()[name]))
        assert np.array_equal(quick, painted_by_matplotlib(pictures()[name]))


def test_every_colour_survives_the_encoding() -> None:
    noise = np.random.default_rng(7).integers(0, 256, (31, 17, 3), np.uint8)
    image = Image.open(BytesIO(canvas.encoded(noise)))
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), noise)
