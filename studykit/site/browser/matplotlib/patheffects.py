"""Effects of texts."""

from __future__ import annotations

from typing import NamedTuple


class withStroke(NamedTuple):  # noqa: N801 RUF100  # Matplotlib's name
    """A halo around letters: its width in points, of which the letters cover half."""

    linewidth: float
    foreground: str
