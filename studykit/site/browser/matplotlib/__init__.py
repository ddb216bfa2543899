"""The part of Matplotlib that this project's figures use, drawn as SVG.

Names, arguments and defaults are Matplotlib's; what no figure uses is missing. A browser lays out
the letters, so nothing here measures a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

# Imports within are relative: this folder is the package `matplotlib` in the site's wheel.
from . import colors

__all__ = ["colors", "rcParams", "rc_context"]

Drawing = TypeVar("Drawing", bound=Callable[..., Any])

rcParams: dict[str, Any] = {}


def rc_context(rc: Mapping[str, Any]) -> Callable[[Drawing], Drawing]:
    """Return a decorator of functions that draw; here settings hold for good."""
    rcParams.update(rc)
    return lambda drawing: drawing
