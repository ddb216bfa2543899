"""`studykit.drawing.film` for a browser: pictures are SVG, and stand one below the other in SVG."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable

_WIDTH = 700
_GAP = 6


def filmstrip(frames: Iterable[bytes]) -> bytes:
    """Return pictures one below the other, as one SVG."""
    top, images = 0.0, []
    for frame in frames:
        wide, high = _size(frame)
        height = high * _WIDTH / wide
        data = b64encode(frame).decode()
        images.append(
            f'<image y="{top:g}" width="{_WIDTH}" height="{height:g}" '
            f'href="data:image/svg+xml;base64,{data}"/>'
        )
        top += height + _GAP
    size = f'width="{_WIDTH}" height="{top - _GAP:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(images)}</svg>'.encode()


def _size(frame: bytes) -> tuple[float, float]:
    """Return width and height of a picture that is SVG."""
    found = re.search(rb'width="([\d.]+)" height="([\d.]+)"', frame)
    if found is None:
        raise ValueError("a picture without a size")
    return float(found[1]), float(found[2])
