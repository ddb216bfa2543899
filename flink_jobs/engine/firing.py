"""A firing: one result of one window of one key."""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

Result = TypeVar("Result")


class Firing(Struct, Generic[Result], frozen=True, gc=False):
    """The result of the window `[start_ms, end_ms)` of `key`, epoch milliseconds.

    `revision` counts the firings of this window and key: 0 for the first, and one more for each
    late event within the allowed lateness that changed the result afterwards. A reader takes the
    greatest revision.
    """

    key: str
    start_ms: int
    end_ms: int
    revision: int
    result: Result
