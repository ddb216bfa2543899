"""Texts and arrows."""

from __future__ import annotations

from html import escape
from typing import Any

from .artist import Artist, path
from .colors import Colour, paint
from .patheffects import withStroke
from .transforms import Point

_ASCENT, _DESCENT, _LINE, _LETTER = 0.76, 0.24, 1.2, 0.58
"""Height above and below the line that letters stand on, distance of lines, and the mean width of a
letter, in font sizes: those of DejaVu Sans, and of Verdana, which has the same letters."""
_FONTS = {
    "sans": "'DejaVu Sans', Verdana, sans-serif",
    "DejaVu Sans Mono": "'DejaVu Sans Mono', monospace",
}
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}


class Text(Artist):
    """Lines of words at a place."""

    def __init__(
        self,
        x: float,
        y: float,
        text: str,
        *,
        fontsize: float = 9,
        color: Colour = "black",
        ha: str = "left",
        va: str = "baseline",
        rotation: float = 0,
        rotation_mode: str = "default",
        fontweight: str = "normal",
        family: str = "sans",
        path_effects: list[withStroke] | None = None,
        bbox: dict[str, Any] | None = None,
        zorder: float = 3,
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Make a text; names and defaults are Matplotlib's."""
        super().__init__(zorder, **{"clip_on": False, **more})
        self.x, self.y, self.text = x, y, text
        self._size, self._color, self._weight, self._family = fontsize, color, fontweight, family
        self._ha, self._va = ha, va
        self._rotation = rotation
        if rotation == 90 and rotation_mode == "default":
            # Matplotlib aligns the box of the turned text: its right side is below the letters.
            self._ha = {"center": "center", "top": "right", "bottom": "left"}[va]
            self._va = {"right": "bottom", "left": "top", "center": "center"}[ha]
        self._halo = path_effects[0] if path_effects else None
        self._box = bbox

    def anchors(self) -> list[Point]:
        """Return the place of the text."""
        return [self.at(self.x, self.y)]

    def shape(self) -> str:
        """Return the words, a line each, and what is behind them."""
        if not self.text:
            return ""
        ((right, down),) = self.anchors()
        lines = self.text.split("\n")
        first = down + self._first_line(len(lines))
        turned = f"rotate({-self._rotation:g} {right:.2f} {down:.2f})" if self._rotation else ""
        spans = "".join(
            f'<tspan x="{right:.2f}" y="{first + number * _LINE * self._size:.2f}">'
            f"{escape(line)}</tspan>"
            for number, line in enumerate(lines)
        )
        weight = ' font-weight="bold"' if self._weight == "bold" else ""
        turn = f' transform="{turned}"' if turned else ""
        return (
            f"{self._behind(lines, right, first)}"
            f'<text xml:space="preserve" font-family="{_FONTS[self._family]}" '
            f'font-size="{self._size:g}"{weight} text-anchor="{_ANCHORS[self._ha]}" '
            f"{paint('fill', self._color)}{self._halo_svg()}{turn}>{spans}</text>"
        )

    def _first_line(self, count: int) -> float:
        """Return how far down the letters of the first line stand, in points."""
        more = (count - 1) * _LINE
        place = {
            "top": _ASCENT,
            "bottom": -_DESCENT - more,
            "baseline": -more,
            "center": _ASCENT - (_ASCENT + _DESCENT + more) / 2,
            "center_baseline": _ASCENT / 2 - more / 2,
        }[self._va]
        return place * self._size

    def _halo_svg(self) -> str:
        if self._halo is None:
            return ""
        stroke = paint("stroke", self._halo.foreground)
        width = f'stroke-width="{self._halo.linewidth:g}"'
        return f' {stroke} {width} stroke-linejoin="round" paint-order="stroke"'

    def _behind(self, lines: list[str], right: float, first: float) -> str:
        """Return the box behind the words; its width is an estimate, for nothing is measured."""
        if self._box is None:
            return ""
        pad = self._box["pad"]
        wide = max(map(len, lines)) * _LETTER * self._size
        left = right - {"left": 0, "center": wide / 2, "right": wide}[self._ha] - pad
        top = first - _ASCENT * self._size - pad
        high = ((len(lines) - 1) * _LINE + _ASCENT + _DESCENT) * self._size + 2 * pad
        look = f"{paint('fill', self._box['facecolor'])} {paint('stroke', self._box['edgecolor'])}"
        return (
            f'<rect x="{left:.2f}" y="{top:.2f}" width="{wide + 2 * pad:.2f}" '
            f'height="{high:.2f}" {look}/>'
        )


class Arrow(Artist):
    """A line with a head at either end."""

    def __init__(
        self,
        start: Point,
        end: Point,
        *,
        color: Colour,
        lw: float,
        zorder: float = 3,
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Make an arrow between two places of its axes, which lie side by side."""
        super().__init__(zorder, **{"clip_on": False, **more})
        self._start, self._end, self._color, self._lw = start, end, color, lw

    def anchors(self) -> list[Point]:
        """Return both ends."""
        return [self.at(*self._start), self.at(*self._end)]

    def shape(self) -> str:
        """Return the line and its heads."""
        points = sorted(self.anchors())
        heads = [
            [(x + side * 4, y - 2), (x, y), (x + side * 4, y + 2)]
            for (x, y), side in zip(points, (1, -1), strict=True)
        ]
        look = f'fill="none" {paint("stroke", self._color)} stroke-width="{self._lw:g}"'
        return "".join(f'<path d="{path(line)}" {look}/>' for line in [points, *heads])
