"""HTML that widgets show, made for screen readers too, and the pictures for pages without a kernel.

Every text goes through `escape`: a key of an event may be anything.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from io import BytesIO
from typing import Any, Final

from PIL import Image

from studykit.drawing import style
from studykit.figures.exhibit import Row

_FILM_WIDTH: Final = 700
"""Width of a filmstrip in pixels: that of a notebook cell."""
_SHADES: Final = 8
"""How many shades, from a colour to white, the palette of a filmstrip has for each colour."""


def picture(png: bytes, alt: str) -> str:
    """Return an image, embedded as PNG; `alt` says in words what it shows."""
    data = b64encode(png).decode()
    return f'<img alt="{escape(alt)}" style="max-width:100%" src="data:image/png;base64,{data}">'


def status(sentence: str) -> str:
    """Return a sentence that a screen reader reads whenever the sentence changes."""
    return f'<p role="status" aria-live="polite" style="line-height:1.4">{escape(sentence)}</p>'


def alert(sentence: str) -> str:
    """Return a sentence about a problem, which a screen reader reads at once."""
    return f'<p role="alert" style="line-height:1.4"><b>{escape(sentence)}</b></p>'


def table(rows: Sequence[Row], caption: str) -> str:
    """Return rows as a table whose headings are those of the first row."""
    if not rows:
        return f"<p>{escape(caption)}: nothing yet.</p>"
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table>"


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


def bundle(live: Any, png: bytes, sentence: str) -> dict[str, Any]:  # noqa: ANN401
    """Return a widget's output: the widget, and picture and sentence for pages without a kernel.

    Args:
        live: What the widget's own `_repr_mimebundle_` returned: a bundle, or one and its metadata.
        png: The picture for a page without a kernel; empty for the sentence alone.
        sentence: What the picture says. It stands below the picture, and is its alternative text.
    """
    data = live[0] if isinstance(live, tuple) else live
    image = picture(png, sentence) if png else ""
    still = f"{image}<p>{escape(sentence)}</p>"
    return {**(data or {}), "text/html": still, "text/plain": sentence}
