"""Watching a long reading: the shape of what shows its progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

Watch: TypeAlias = Callable[[Iterable[list[Any]], int], Iterable[list[Any]]]
"""Passes batches of records on and shows how many of so many have come by."""
