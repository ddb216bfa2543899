"""A firing: one result of one window of one key."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

Result = TypeVar("Result")


class Firing(Struct, Generic[Result], frozen=True, gc=False):
    """The result of the window `[start_ms, end_ms)` of `key`.

    `revision` counts the firings of this window and key: 0 for the first, one more for each late
    event that changed it afterwards.
    """

    key: str
    start_ms: int
    end_ms: int
    revision: int
    result: Result
