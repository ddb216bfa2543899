"""Axes: a part of a figure in which numbers are places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .artist import Artist, listed
from .lines import Line2D
from .patches import Patch, Polygon, Rectangle
from .text import Arrow, Text
from .transforms import Point, ScaledTranslation, Transform, blended_transform_factory

_MARGIN = 0.05
"""Room beyond the data where no limit is set, as a share of the data's span."""


class Side:
    """A side of the axes, or an axis: whether it is drawn."""

    visible = True

    def set_visible(self, visible: bool) -> None:  # noqa: FBT001 RUF100
        """Draw it, or do not."""
        self.visible = visible


class Axes:
    """A box with limits in x and y, and the artists in it."""

    def __init__(self, figure: Any, box: tuple[float, float, float, float], name: str) -> None:  # noqa: ANN401
        """Make axes; `box` is left, bottom, width and height as shares of the figure."""
        self.figure, self.box, self.name = figure, box, name
        self.artists: list[Artist] = []
        self.xaxis, self.yaxis = Side(), Side()
        self.spines = {"left": Side(), "bottom": Side()}
        self.transAxes = Transform(self._of_shares)
        self.transData = Transform(self._of_data)
        self._limits: dict[str, tuple[float, float] | None] = {"x": None, "y": None}
        self._data: dict[str, list[float]] = {"x": [], "y": []}
        self._floor: float | None = None
        self._is_equal = False

    # limits

    def set(
        self, *, xlim: tuple[float, float], ylim: tuple[float, float], aspect: str = "auto"
    ) -> None:
        """Set the limits; with `equal`, one unit is as long in x as in y."""
        self._limits = {"x": xlim, "y": ylim}
        self._is_equal = aspect == "equal"

    def set_xlim(self, low: float | None, high: float | None) -> None:
        """Set the limits in x; None leaves one as it is."""
        self._limits["x"] = self._changed("x", low, high)

    def set_ylim(self, low: float | None, high: float | None) -> None:
        """Set the limits in y; None leaves one as it is."""
        self._limits["y"] = self._changed("y", low, high)

    def get_xlim(self) -> tuple[float, float]:
        """Return the limits in x."""
        return self._limits["x"] or self._auto("x")

    def get_ylim(self) -> tuple[float, float]:
        """Return the limits in y."""
        return self._limits["y"] or self._auto("y")

    def _changed(self, which: str, low: float | None, high: float | None) -> tuple[float, float]:
        before = self._limits[which] or self._auto(which)
        return before[0] if low is None else low, before[1] if high is None else high

    def _auto(self, which: str) -> tuple[float, float]:
        """Return limits around the data, which begin where bars stand."""
        numbers = self._data[which] or [0.0, 1.0]
        low, high = min(numbers), max(numbers)
        if low == high:
            room = abs(low) * _MARGIN or _MARGIN
            low, high = low - room, high + room
        room = (high - low) * _MARGIN
        stands = which == "y" and self._floor is not None and low == self._floor
        return low if stands else low - room, high + room

    # places

    def _of_shares(self, x: float, y: float) -> Point:
        left, bottom, width, height = self.drawn_box()
        right, down = self.figure.transFigure.place(left + x * width, bottom + y * height)
        return right, down

    def _of_data(self, x: float, y: float) -> Point:
        (left, right), (low, high) = self.get_xlim(), self.get_ylim()
        return self._of_shares((x - left) / (right - left), (y - low) / (high - low))

    def drawn_box(self) -> tuple[float, float, float, float]:
        """Return the box, made smaller about its middle where both axes have one scale."""
        left, bottom, width, height = self.box
        if not self._is_equal:
            return self.box
        (x0, x1), (y0, y1) = self.get_xlim(), self.get_ylim()
        wide, high = (
            side * part for side, part in zip(self.figure.size, (width, height), strict=True)
        )
        unit = min(wide / abs(x1 - x0), high / abs(y1 - y0))
        w, h = width * unit * abs(x1 - x0) / wide, height * unit * abs(y1 - y0) / high
        return left + (width - w) / 2, bottom + (height - h) / 2, w, h

    def get_xaxis_transform(self) -> Transform:
        """Return a transform of data in x and shares of the axes in y."""
        return blended_transform_factory(self.transData, self.transAxes)

    def get_yaxis_transform(self) -> Transform:
        """Return a transform of shares of the axes in x and data in y."""
        return blended_transform_factory(self.transAxes, self.transData)

    # artists

    def add_artist(self, artist: Artist) -> None:
        """Draw an artist, in data units if it says nothing else."""
        artist.transform = artist.transform or self.transData
        artist.clip = self.name
        self.artists.append(artist)

    def add_patch(self, patch: Patch) -> None:
        """Draw a filled shape."""
        self.add_artist(patch)

    def plot(self, xs: Any, ys: Any, mark: str | None = None, **look: Any) -> None:  # noqa: ANN401
        """Draw a line, or marks if `mark` names them."""
        if mark:
            look = {"marker": mark, "ls": "", **look}
        self._with_data(Line2D(listed(xs), listed(ys), **look))

    def step(self, xs: Iterable[float], ys: Iterable[float], ls: str = "-", **look: Any) -> None:  # noqa: ANN401
        """Draw stairs whose values hold from their place on."""
        assert look.pop("where") == "post"
        line = Line2D(listed(xs), listed(ys), ls=ls, drawstyle="steps-post", **look)
        self._with_data(line)

    def _with_data(self, line: Line2D) -> None:
        self._data["x"] += line.xs
        self._data["y"] += line.ys
        self.add_artist(line)

    def stairs(self, heights: Sequence[float], edges: Sequence[float], **look: Any) -> None:  # noqa: ANN401
        """Draw bars that stand side by side."""
        assert look.pop("fill")
        corners: list[Point] = [(edges[0], 0)]
        for height, left, right in zip(heights, edges, edges[1:], strict=False):
            corners += [(left, height), (right, height)]
        self._data["y"] += [0.0, *map(float, heights)]
        self._floor = 0.0
        self.add_artist(Polygon([*corners, (edges[-1], 0)], **look))

    def fill_between(
        self,
        xs: Sequence[float],
        lower: Sequence[float],
        upper: Sequence[float],
        **look: Any,  # noqa: ANN401
    ) -> None:
        """Fill what lies between two stairs."""
        assert look.pop("step") == "post"
        self.add_artist(Polygon([*_stairs(xs, lower), *reversed(_stairs(xs, upper))], **look))

    def axvline(self, x: float, ymin: float = 0, ymax: float = 1, **look: Any) -> None:  # noqa: ANN401
        """Draw a line upwards; its ends are shares of the axes."""
        self.add_artist(Line2D([x, x], [ymin, ymax], transform=self.get_xaxis_transform(), **look))

    def axhline(self, y: float, **look: Any) -> None:  # noqa: ANN401
        """Draw a line across the axes."""
        self.add_artist(Line2D([0, 1], [y, y], transform=self.get_yaxis_transform(), **look))

    def axhspan(self, low: float, high: float, **look: Any) -> None:  # noqa: ANN401
        """Fill a band across the axes."""
        band = Rectangle((0, low), 1, high - low, transform=self.get_yaxis_transform(), **look)
        self.add_artist(band)

    def hlines(self, ys: Iterable[float], left: float, right: float, **look: Any) -> None:  # noqa: ANN401
        """Draw a line across at each height."""
        for y in ys:
            self.add_artist(Line2D([left, right], [y, y], **look))

    def text(self, x: float, y: float, text: str, **look: Any) -> None:  # noqa: ANN401
        """Write a text."""
        self.add_artist(Text(x, y, text, **look))

    def annotate(
        self,
        text: str,
        xy: Point,
        xytext: Point | None = None,
        *,
        xycoords: str | tuple[str, str] = "data",
        textcoords: str = "data",
        arrowprops: dict[str, Any] | None = None,
        annotation_clip: bool | None = None,
        **look: Any,  # noqa: ANN401
    ) -> None:
        """Write a text beside a place, so many points from it, or draw an arrow to it.

        As in Matplotlib, a text beside a place in data units is left out where that place is
        outside the axes, if `annotation_clip` is None.
        """
        if arrowprops is not None:
            assert xytext is not None
            heads = {name: arrowprops[name] for name in ("color", "lw")}
            self.add_artist(Arrow(xytext, xy, **heads, **look))
            return
        place = self._place_of(xycoords)
        if xytext is not None:
            assert textcoords == "offset points"
            place += ScaledTranslation(xytext[0] / 72, xytext[1] / 72)
        if xycoords == "data" and annotation_clip is None and not self._holds(xy):
            return
        self.add_artist(Text(*xy, text, transform=place, **look))

    def _place_of(self, coords: str | tuple[str, str]) -> Transform:
        kinds = {"data": self.transData, "axes fraction": self.transAxes}
        if isinstance(coords, str):
            return kinds[coords]
        return blended_transform_factory(*(kinds[kind] for kind in coords))

    def _holds(self, xy: Point) -> bool:
        limits = sorted(self.get_xlim()), sorted(self.get_ylim())
        return all(low <= at <= high for at, (low, high) in zip(xy, limits, strict=True))

    def axis(self, what: str) -> None:
        """Leave the sides away."""
        assert what == "off"
        for side in self.spines.values():
            side.set_visible(False)

    def sides(self) -> list[Artist]:
        """Return the sides that are drawn."""
        ends = {"left": ([0, 0], [0, 1]), "bottom": ([0, 1], [0, 0])}
        return [
            Line2D(*ends[name], color="black", lw=0.8, zorder=2.5, transform=self.transAxes,
                   clip_on=False)
            for name, side in self.spines.items()
            if side.visible
        ]  # fmt: skip


def _stairs(xs: Sequence[float], ys: Sequence[float]) -> list[Point]:
    """Return the corners of stairs whose values hold from their place on."""
    corners = [(xs[0], ys[0])]
    for x, y in zip(xs[1:], ys[1:], strict=False):
        corners += [(x, corners[-1][1]), (x, y)]
    return corners
