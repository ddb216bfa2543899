"""Figures."""

from __future__ import annotations

from typing import Any

from .artist import Artist
from .axes import Axes
from .text import Text
from .transforms import Point, Transform


class Figure:
    """A picture with axes and with artists of its own."""

    def __init__(self, figsize: tuple[float, float], dpi: float, facecolor: str) -> None:
        """Make an empty figure of so many inches; `dpi` is the dots an inch of its SVG."""
        self.size = 72 * figsize[0], 72 * figsize[1]
        self.transFigure = Transform(self._place)
        self.dpi_scale_trans = None
        self.canvas: Any = None
        self.axes: list[Axes] = []
        self.artists: list[Artist] = []
        self._dpi, self._facecolor = dpi, facecolor
        self._rows: list[Axes] = []
        self._ratios: list[float] = []
        self._hspace = 0.2

    def _place(self, x: float, y: float) -> Point:
        return x * self.size[0], (1 - y) * self.size[1]

    def get_figheight(self) -> float:
        """Return the height in inches."""
        return self.size[1] / 72

    def add_axes(self, box: tuple[float, float, float, float]) -> Axes:
        """Return new axes in a part of the figure: left, bottom, width and height as shares."""
        axes = Axes(self, box, f"axes-{len(self.axes)}")
        self.axes.append(axes)
        return axes

    def subplots(
        self,
        count: int,
        columns: int,
        *,
        height_ratios: list[float],
        gridspec_kw: dict[str, float] | None = None,
    ) -> list[Axes]:
        """Return axes one below the other, in a single column."""
        assert columns == 1
        self._rows = [self.add_axes((0, 0, 1, 1)) for _ in range(count)]
        self._ratios = height_ratios
        self._hspace = (gridspec_kw or {}).get("hspace", self._hspace)
        return self._rows

    def subplots_adjust(
        self, left: float, right: float, top: float, bottom: float, hspace: float | None = None
    ) -> None:
        """Say what part of the figure the axes of `subplots` share; `hspace` is in mean heights."""
        between = self._hspace if hspace is None else hspace
        count = len(self._rows)
        mean = (top - bottom) / (count + between * (count - 1))
        upper = top
        for axes, ratio in zip(self._rows, self._ratios, strict=True):
            high = mean * count * ratio / sum(self._ratios)
            axes.box = (left, upper - high, right - left, high)
            upper -= high + between * mean

    def add_artist(self, artist: Artist) -> None:
        """Draw an artist, in shares of the figure if it says nothing else."""
        artist.transform = artist.transform or self.transFigure
        self.artists.append(artist)

    def text(self, x: float, y: float, text: str, **look: Any) -> None:  # noqa: ANN401
        """Write a text; `x` and `y` are shares of the figure."""
        self.add_artist(Text(x, y, text, **look))

    def drawn(self) -> list[Artist]:
        """Return all artists, from the lowest to the uppermost."""
        layers = [[*axes.artists, *axes.sides()] for axes in self.axes]
        return [
            artist
            for layer in [*layers, self.artists]
            for artist in sorted(layer, key=lambda artist: artist.zorder)
        ]

    def svg(self) -> str:
        """Return the picture as SVG."""
        wide, high = self.size
        dots = self._dpi / 72
        clips = "".join(map(self._clip, self.axes))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide * dots:.0f}" '
            f'height="{high * dots:.0f}" viewBox="0 0 {wide:g} {high:g}">'
            f'<defs>{clips}</defs><rect width="100%" height="100%" fill="{self._facecolor}"/>'
            f"{''.join(artist.svg() for artist in self.drawn())}</svg>"
        )

    def _clip(self, axes: Axes) -> str:
        left, bottom, width, height = axes.drawn_box()
        x, y = self._place(left, bottom + height)
        return (
            f'<clipPath id="{axes.name}"><rect x="{x:.2f}" y="{y:.2f}" '
            f'width="{width * self.size[0]:.2f}" height="{height * self.size[1]:.2f}"/></clipPath>'
        )
