"""Progress of a long reading: the type of a function that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

Watch: TypeAlias = Callable[[Iterable[list[Any]], int], Iterable[list[Any]]]
"""Passes batches of records on and shows how many of so many have come by."""
