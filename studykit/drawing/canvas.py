"""A canvas that repaints quickly: from one step to the next most words of a picture stay.

To lay out a word and to draw its letters takes as long as all the rest of a picture. So the canvas
keeps the pixels of a word, and copies them where the same word comes to the same place again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath
from numpy.typing import NDArray

_WORDS: Final = 4_096
"""Largest number of words that are kept: those of some hundred pictures, in a few megabytes."""


class _Outlines(TextToPath):
    """A cache of the outlines of words, around which halos are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = lru_cache(_WORDS)(self._outline)

    def get_text_path(self, prop: Any, s: Any, ismath: Any = False, **how: Any) -> Any:  # noqa: ANN401
        """Return the outline of `s`, as the class above does."""
        return self._kept(prop, s, ismath, **how)

    def _outline(self, prop: Any, s: Any, ismath: Any, **how: Any) -> Any:  # noqa: ANN401
        corners, codes = super().get_text_path(prop, s, ismath, **how)
        return np.asarray(corners), codes


class _Listener:
    """A stand-in for Matplotlib's renderer that notes which images a word is made of."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Any, ...]] = []

    def draw_text_image(self, image: Any, x: int, y: int, angle: float, _: object) -> None:  # noqa: ANN401
        self.pieces.append((image, x, y, angle))


class _Renderer(RendererAgg):
    """A renderer that keeps the pixels of the words that it has drawn."""

    def __init__(self, width: float, height: float, dpi: float) -> None:
        make: Callable[..., None] = super().__init__  # it has no types
        make(width, height, dpi)
        self._text2path = _Outlines()
        self._words = lru_cache(_WORDS)(self._pieces)

    def draw_text(self, gc: Any, x: Any, y: Any, s: Any, *how: Any, **more: Any) -> None:  # noqa: ANN401
        """Draw `s` as the class above does; the figures have no formulas and one language."""
        for image, left, top, turned in self._words(x, y, s, *how[:2]):
            self._renderer.draw_text_image(image, left, top, turned, gc)

    def _pieces(self, x: float, y: float, s: str, prop: FontProperties, angle: float) -> Any:  # noqa: ANN401
        listener, draws = _Listener(), self._renderer
        self._renderer = listener
        try:
            draw: Callable[..., None] = super().draw_text
            draw(self.new_gc(), x, y, s, prop, angle)
        finally:
            self._renderer = draws
        return listener.pieces


@cache
def _renderer(width: float, height: float, dpi: float) -> _Renderer:
    return _Renderer(width, height, dpi)


class Canvas(FigureCanvasAgg):
    """A canvas whose renderer is shared by all pictures of the same size.

    So the words that a picture has in common with the one before are not drawn again.
    """

    def get_renderer(self) -> RendererAgg:
        """Return the renderer, which holds the picture that was drawn last."""
        return _renderer(*self.figure.bbox.size, self.figure.dpi)

    def png(self) -> bytes:
        """Return the picture as PNG, quickly rather than small: it is shown for one step."""
        drawn: Any = self
        drawn.draw()
        return encoded(np.asarray(drawn.buffer_rgba())[:, :, :3])


def encoded(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels as PNG; `pixels` has a row, a column and three colours of 8 bits.

    Rows are compressed unfiltered. To try the filters of the format on each row, as libraries do,
    takes twice the time and saves nothing where most of the picture has one colour.
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits of each of 3 colours
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), level=1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
