"""Filled shapes."""

from __future__ import annotations

import re
from typing import Any

from .artist import Artist, dashes, path
from .colors import Colour, paint
from .transforms import Point

_TILE = 72 / 6
"""Side of a hatch's tile in points, for a pattern of one letter."""


class Patch(Artist):
    """What a filled shape looks like; by itself it is only an entry of a legend."""

    def __init__(
        self,
        *,
        facecolor: Colour = "#1f77b4",
        edgecolor: Colour = "none",
        lw: float = 1,
        linewidth: float | None = None,
        ls: str = "-",
        hatch: str = "",
        alpha: float | None = None,
        zorder: float = 1,
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Make a patch; names and defaults are Matplotlib's, lengths in points."""
        super().__init__(zorder, **more)
        self._face, self._edge, self._ls, self._hatch = facecolor, edgecolor, ls, hatch
        self._lw = lw if linewidth is None else linewidth
        self._alpha = alpha

    def update_from(self, other: Patch) -> None:
        """Look as another patch does."""
        self._face, self._edge, self._ls, self._hatch = (
            other._face, other._edge, other._ls, other._hatch,
        )  # fmt: skip
        self._lw, self._alpha = other._lw, other._alpha

    def corners(self) -> list[tuple[float, float]]:
        """Return the corners in the patch's own units."""
        return []

    def anchors(self) -> list[Point]:
        """Return the corners."""
        return [self.at(x, y) for x, y in self.corners()]

    def shape(self) -> str:
        """Return the filled shape, its hatch, and its edge."""
        data = path(self.anchors(), closed=True)
        edge = paint("stroke", self._edge, self._alpha) if self._lw else 'stroke="none"'
        look = f'{edge} stroke-width="{self._lw:g}"{dashes(self._ls, self._lw)}'
        drawn = f'<path d="{data}" {paint("fill", self._face, self._alpha)} {look}/>'
        if not self._hatch:
            return drawn
        pattern, name = _pattern(self._hatch, self._edge)
        return f'{pattern}{drawn}<path d="{data}" fill="url(#{name})" stroke="none"/>'


class Rectangle(Patch):
    """A rectangle."""

    def __init__(self, xy: Point, width: float, height: float, **look: Any) -> None:  # noqa: ANN401
        """Make a rectangle from a corner, in the units of its transform."""
        super().__init__(**look)
        self._xy, self._width, self._height = xy, width, height

    def corners(self) -> list[tuple[float, float]]:
        """Return the four corners."""
        (x, y), w, h = self._xy, self._width, self._height
        return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]


class Polygon(Patch):
    """A shape with any corners."""

    def __init__(self, corners: list[Point], **look: Any) -> None:  # noqa: ANN401
        """Make a polygon, in the units of its transform."""
        super().__init__(**look)
        self._corners = corners

    def corners(self) -> list[tuple[float, float]]:
        """Return the corners."""
        return self._corners


def _pattern(hatch: str, colour: Colour) -> tuple[str, str]:
    """Return the definition of a hatch and its name: the more letters, the denser."""
    side = _TILE / len(hatch)
    name = re.sub(r"\W", "-", f"hatch-{len(hatch)}-{ord(hatch[0])}-{colour}")
    half, stroke = side / 2, f'{paint("stroke", colour)} stroke-width="0.5"'
    if hatch[0] == ".":
        inside = f'<circle cx="{half:g}" cy="{half:g}" r="0.7" {paint("fill", colour)}/>'
    else:
        up = f"M{-half:g},{half:g} L{half:g},{-half:g} M0,{side:g} L{side:g},0 "
        up += f"M{half:g},{side + half:g} L{side + half:g},{half:g}"
        down = f"M{-half:g},{half:g} L{half:g},{side + half:g} M0,0 L{side:g},{side:g} "
        down += f"M{half:g},{-half:g} L{side + half:g},{half:g}"
        inside = f'<path d="{up}{f" {down}" if hatch[0] == "x" else ""}" fill="none" {stroke}/>'
    size = f'width="{side:g}" height="{side:g}"'
    return f'<pattern id="{name}" patternUnits="userSpaceOnUse" {size}>{inside}</pattern>', name
