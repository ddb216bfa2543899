"""Transforms: from a figure's units to points (1/72 inch) right and down from its upper left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class ScaledTranslation:
    """A way to go, in inches right and up; `inches` is Matplotlib's scale of them."""

    right: float
    up: float
    inches: object = None


@dataclass(frozen=True)
class Transform:
    """A function from two numbers to a place, looked at when the figure is drawn."""

    place: Callable[[float, float], Point]

    def __add__(self, way: ScaledTranslation) -> Transform:
        """Return a transform that goes that way afterwards."""

        def moved(x: float, y: float) -> Point:
            right, down = self.place(x, y)
            return right + 72 * way.right, down - 72 * way.up

        return Transform(moved)


def blended_transform_factory(across: Transform, upwards: Transform) -> Transform:
    """Return a transform that takes x from one transform and y from another."""
    return Transform(lambda x, y: (across.place(x, 0)[0], upwards.place(0, y)[1]))
