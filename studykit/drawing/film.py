"""Filmstrips: pictures one below the other, for pages without a kernel."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from typing import Final

from PIL import Image

from studykit.drawing import style

_FILM_WIDTH: Final = 700
"""Width of a filmstrip in pixels: that of a notebook cell."""
_SHADES: Final = 8
"""How many shades, from a colour to white, the palette of a filmstrip has for each colour."""


def filmstrip(frames: Iterable[bytes]) -> bytes:
    """Return pictures one below the other, as one PNG of few colours.

    A notebook keeps it with its outputs, and a browser without a kernel shows it: size counts.
    """
    images = [Image.open(BytesIO(frame)).convert("RGB") for frame in frames]
    scaled = [
        image.resize(
            (_FILM_WIDTH, image.height * _FILM_WIDTH // image.width), Image.Resampling.LANCZOS
        )
        for image in images
    ]
    film = Image.new("RGB", (_FILM_WIDTH, sum(image.height + 6 for image in scaled) - 6), "#767676")
    top = 0
    for image in scaled:
        film.paste(image, (0, top))
        top += image.height + 6
    buffer = BytesIO()
    # Dots of two colours in place of a flat one would make the file larger.
    few = film.quantize(palette=_palette(), dither=Image.Dither.NONE)
    few.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


@cache
def _palette() -> Image.Image:
    """Return the colours of the figures, each in steps to white, as edges of lines have them.

    A palette chosen from the picture would lose the rare colours, and those mark the late events.
    """
    steps = [step / _SHADES for step in range(_SHADES)]
    colours = [style.mixed(colour, share) for colour in style.COLOURS for share in steps]
    colours += [style.mixed(colour, 1 - style.FAINT) for colour in style.COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in [*colours, (255, 255, 255)] for part in colour])
    return palette
