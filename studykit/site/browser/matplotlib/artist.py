"""What every mark, patch and text has in common."""

from __future__ import annotations

from html import escape
from typing import Any

from .transforms import Point, Transform

DASHES = {"--": (3.7, 1.6), ":": (1.0, 1.65), "-.": (6.4, 1.6, 1.0, 1.6)}
"""Lengths of dashes and gaps, in widths of the line."""


class Artist:
    """Something that is drawn: over what has a smaller `zorder`, and within `clip` if any."""

    def __init__(
        self,
        zorder: float,
        *,
        gid: str = "",
        label: str = "",
        transform: Transform | None = None,
        clip_on: bool = True,
    ) -> None:
        """Make an artist that has no axes yet."""
        self.zorder = zorder
        self.gid = gid
        self.transform = transform
        self.clip_on = clip_on
        self.clip = ""
        """The name of the region that is drawn in; empty for no limit."""
        self._label = label

    def get_label(self) -> str:
        """Return the words for a legend."""
        return self._label

    def set_transform(self, transform: Transform) -> None:
        """Say what the artist's numbers mean."""
        self.transform = transform

    def at(self, x: float, y: float) -> Point:
        """Return where a place of the artist's is in the picture."""
        assert self.transform is not None, "an artist without axes"
        return self.transform.place(x, y)

    def svg(self) -> str:
        """Return the artist as a group that has its name."""
        name = f' id="{escape(self.gid)}"' if self.gid else ""
        clip = f' clip-path="url(#{self.clip})"' if self.clip and self.clip_on else ""
        return f"<g{name}{clip}>{self.shape()}</g>"

    def shape(self) -> str:
        """Return the SVG of what is drawn."""
        raise NotImplementedError

    def anchors(self) -> list[Point]:
        """Return the places, in points, that the artist goes through or stands at."""
        raise NotImplementedError


def path(points: list[Point], *, closed: bool = False) -> str:
    """Return the data of an SVG path through points."""
    steps = " L".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return f"M{steps}{' Z' if closed else ''}"


def dashes(style: str, width: float) -> str:
    """Return the SVG attribute of a line's style."""
    if style not in DASHES:
        return ""
    return f' stroke-dasharray="{" ".join(f"{part * width:.2f}" for part in DASHES[style])}"'


def listed(value: Any) -> list[float]:  # noqa: ANN401
    """Return a number, or numbers, as a list."""
    return [float(value)] if isinstance(value, int | float) else [float(part) for part in value]
