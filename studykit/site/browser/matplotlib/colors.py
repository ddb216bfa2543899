"""Colours: `#rrggbb`, `white`, `black`, `none`, or red, green, blue and opacity from 0 to 1."""

from __future__ import annotations

from typing import TypeAlias

Colour: TypeAlias = str | tuple[float, ...]

_NAMED = {"white": "#ffffff", "black": "#000000"}


def to_rgb(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue of a colour, from 0 to 1."""
    digits = _NAMED.get(colour, colour)
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def paint(what: str, colour: Colour, alpha: float | None = None) -> str:
    """Return SVG attributes that paint with a colour; `what` is `fill` or `stroke`."""
    if isinstance(colour, tuple):
        alpha = alpha if alpha is not None else (colour[3] if len(colour) > 3 else None)
        colour = "#" + "".join(f"{round(part * 255):02x}" for part in colour[:3])
    seen = "" if alpha is None else f' {what}-opacity="{alpha:g}"'
    return f'{what}="{colour}"{seen}'
