"""Numbered axes that are drawn quickly.

Matplotlib makes five artists of each tick and measures every label to find room for the next, which
takes a third of the time of a picture. Here an axis is one artist for all its marks, and its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation, Transform

_MARK: Final = 3.5
_TO_NAME: Final = 7.0
_LETTER: Final = 5.7
"""Points: length of a mark, from the axis to a name, and the width of a digit."""


def along_x(
    axes: Axes, places: Sequence[float], *, title: str = "", names: Sequence[str] | None = None
) -> None:
    """Mark places along the lower side, in data units; a place without a name shows its number."""
    axes.xaxis.set_visible(False)
    edge = axes.get_xaxis_transform()
    _mark(axes, edge, list(places), [0] * len(places), marker=3)  # 3: a tick downwards
    below = _moved(axes, edge, 0, -_TO_NAME)
    for place, name in zip(places, names or _numbers(places), strict=True):
        axes.text(place, 0, name, transform=below, ha="center", va="top")
    lower = _moved(axes, axes.transAxes, 0, -21.5)
    axes.text(0.5, 0, title, transform=lower, ha="center", va="top")


def along_y(
    axes: Axes, places: Sequence[float], *, title: str = "", names: Sequence[str] | None = None
) -> None:
    """Mark places along the left side, in data units; a place without a name shows its number."""
    axes.yaxis.set_visible(False)
    edge = axes.get_yaxis_transform()
    _mark(axes, edge, [0] * len(places), list(places), marker=0)  # 0: a tick to the left
    beside = _moved(axes, edge, -_TO_NAME, 0)
    names = names or _numbers(places)
    for place, name in zip(places, names, strict=True):
        axes.text(0, place, name, transform=beside, ha="right", va="center_baseline")
    # Estimated, not measured: to measure the names costs as much as to draw them.
    away = _TO_NAME + _LETTER * max(map(len, names), default=0) + 4
    further = _moved(axes, axes.transAxes, -away, 0)
    axes.text(0, 0.5, title, transform=further, ha="right", va="center", rotation=90)


def seconds(last_ms: int) -> list[int]:
    """Return places from 0 to `last_ms`, in whole seconds and at round steps: about seven."""
    step = next(
        (step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if last_ms <= step * 7_000),
        3_600,
    )
    return list(range(0, last_ms // 1_000 + 1, step))


def round_numbers(limits: tuple[float, float], most: int, *, whole: bool = False) -> list[float]:
    """Return at most `most` + 1 places at round numbers within limits, both ends included.

    >>> round_numbers((0, 9.6), 4, whole=True)
    [0.0, 3.0, 6.0, 9.0]
    """
    low, high = limits
    places = MaxNLocator(most, integer=whole, steps=None if whole else [1, 2, 5, 10])
    return [float(place) for place in places.tick_values(low, high) if low <= place <= high]


def _mark(
    axes: Axes, edge: Transform, xs: list[float], ys: list[float], marker: Literal[0, 3]
) -> None:
    axes.add_artist(
        Line2D(
            xs, ys, ls="", marker=marker, ms=_MARK, mew=0.8, color="black", transform=edge,
            clip_on=False,
        )
    )  # fmt: skip


def _moved(axes: Axes, place: Transform, right: float, up: float) -> Transform:
    """Return a transform that ends so many points (1/72 inch) further right and up."""
    return place + ScaledTranslation(right / 72, up / 72, axes.figure.dpi_scale_trans)


def _numbers(places: Sequence[float]) -> list[str]:
    return [f"{place:g}".replace("-", "\N{MINUS SIGN}") for place in places]
