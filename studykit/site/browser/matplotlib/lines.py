"""Lines, and marks at their points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .artist import Artist, dashes, listed, path
from .colors import Colour, paint
from .transforms import Point

_FILLED: dict[str | int, tuple[tuple[float, float], ...]] = {
    "s": ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    "D": ((0, -0.7071), (0.7071, 0), (0, 0.7071), (-0.7071, 0)),
    "^": ((0, -0.5), (-0.5, 0.5), (0.5, 0.5)),
    "v": ((0, 0.5), (-0.5, -0.5), (0.5, -0.5)),
    "X": (
        (-0.25, 0.5), (0, 0.25), (0.25, 0.5), (0.5, 0.25), (0.25, 0), (0.5, -0.25),
        (0.25, -0.5), (0, -0.25), (-0.25, -0.5), (-0.5, -0.25), (-0.25, 0), (-0.5, 0.25),
    ),
    6: ((-0.5, 0.75), (0, 0), (0.5, 0.75)),
}  # fmt: skip
"""Corners of marks, right and down from the point, in sizes of the mark."""
_STROKES: dict[str | int, tuple[Point, Point]] = {
    "|": ((0, -0.5), (0, 0.5)),
    3: ((0, 0), (0, 1)),
    0: ((0, 0), (-1, 0)),
}
"""Marks that are lines: from where to where."""
_DISCS: dict[str | int, float] = {"o": 0.5, ".": 0.25}
"""Radius of round marks."""


class Line2D(Artist):
    """A line through points, or marks at them, or both."""

    def __init__(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        color: Colour = "#1f77b4",
        lw: float = 1.5,
        ls: str = "-",
        linestyle: str | None = None,
        drawstyle: str = "default",
        marker: str | int | None = None,
        ms: float = 6,
        mew: float = 1,
        mfc: Colour | None = None,
        mec: Colour | None = None,
        zorder: float = 2,
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Make a line; names and defaults are Matplotlib's, lengths in points."""
        super().__init__(zorder, **more)
        self.set_data(xs, ys)
        self._color, self._lw = color, lw
        self._ls = (ls if linestyle is None else linestyle) or "None"
        self._is_stairs = drawstyle == "steps-post"
        self._marker, self._ms, self._mew = marker, ms, mew
        self._fill = color if mfc is None else mfc
        self._edge = color if mec is None else mec

    def set_data(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Go through other points."""
        self.xs, self.ys = listed(xs), listed(ys)

    def get_linestyle(self) -> str:
        """Return the style; `None` where no line is drawn."""
        return self._ls

    def anchors(self) -> list[Point]:
        """Return the points."""
        return [self.at(x, y) for x, y in zip(self.xs, self.ys, strict=True)]

    def shape(self) -> str:
        """Return the line, and upon it the marks."""
        points = self.anchors()
        marks = "".join(map(self._mark, points)) if self._marker is not None else ""
        if self._ls == "None" or not points:
            return marks
        return self._line(points) + marks

    def _line(self, points: list[Point]) -> str:
        if self._is_stairs:
            corners = [(right, before) for (_, before), (right, _) in pairwise(points)]
            points = [*(end for pair in zip(points, corners, strict=False) for end in pair),
                      points[-1]]  # fmt: skip
        return (
            f'<path d="{path(points)}" fill="none" {paint("stroke", self._color)} '
            f'stroke-width="{self._lw:g}"{dashes(self._ls, self._lw)}/>'
        )

    def _mark(self, point: Point) -> str:
        right, down = point
        kind = self._marker
        assert kind is not None
        look = f'{paint("stroke", self._edge)} stroke-width="{self._mew:g}"'
        if kind in _DISCS:
            fill, radius = paint("fill", self._fill), _DISCS[kind] * self._ms
            return f'<circle cx="{right:.2f}" cy="{down:.2f}" r="{radius:g}" {fill} {look}/>'
        corners = _STROKES.get(kind) or _FILLED[kind]
        places = [(right + x * self._ms, down + y * self._ms) for x, y in corners]
        fill = 'fill="none"' if kind in _STROKES else paint("fill", self._fill)
        return f'<path d="{path(places, closed=kind in _FILLED)}" {fill} {look}/>'
