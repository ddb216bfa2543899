"""`studykit.drawing.canvas` for a browser: a picture is SVG instead of PNG."""

from __future__ import annotations

from typing import Any


class Canvas:
    """A canvas that gives a figure as SVG, where the canvas of other machines gives PNG."""

    def __init__(self, figure: Any) -> None:  # noqa: ANN401
        """Become the canvas of a figure."""
        self._figure = figure
        figure.canvas = self

    def png(self) -> bytes:
        """Return the picture, which is SVG here; the name is that of the other canvas."""
        svg: str = self._figure.svg()
        return svg.encode()
