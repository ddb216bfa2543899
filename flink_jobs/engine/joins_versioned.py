"""The versioned lookup: each row meets the version that held at the row's own time.

A dimension (a price, a country, an address) changes now and then. A row at `t` is answered with the
latest version at or before `t`, in event time. Asking for the newest version instead would give
another answer whenever the log is read again. A row is answered once the watermark has reached its
time, since only then every version that could be the row's own has come.

The rules are those of Apache Flink's `FOR SYSTEM_TIME AS OF` (`TemporalRowTimeJoinOperator`), with
one exception: a row at or behind the watermark is refused here and counted.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from heapq import heappop, heappush
from typing import Generic, TypeVar

from msgspec import Struct

from flink_jobs.utils.watermarks import MIN_WATERMARK

Value = TypeVar("Value")
Version = TypeVar("Version")


class VersionedRow(Struct, Generic[Value, Version], frozen=True, gc=False):
    """A row and the version that held at its time, epoch milliseconds.

    `version_ms` and `version` are None where no version held: before the first one, and after a
    deletion.
    """

    key: str
    event_ms: int
    value: Value
    version_ms: int | None
    version: Version | None


class VersionedLookup(Generic[Value, Version]):
    """Rows of a key, each with the version of the row's own time.

    A version holds from its own time on, that millisecond included:

    >>> rates = VersionedLookup()
    >>> rates.on_version("EUR", 0, 110), rates.on_version("EUR", 10_000, 115)
    (True, True)
    >>> rates.on_row("EUR", 9_999, "ring"), rates.on_row("EUR", 10_000, "book")
    (True, True)
    >>> rates.on_watermark(10_000)
    >>> [(answer.value, answer.version) for answer in rates.take()]
    [('ring', 110), ('book', 115)]
    """

    def __init__(self) -> None:
        """Build a lookup that knows no version."""
        self.watermark_ms = MIN_WATERMARK
        self.late = 0
        """How many rows came at or behind the watermark and were refused."""
        self._rows: list[tuple[int, int, str, Value]] = []
        self._versions: defaultdict[str, list[tuple[int, int, Version | None]]] = defaultdict(list)
        self._changes: list[tuple[int, str]] = []  # times of versions the watermark has not passed
        self._seen = 0
        self._answers: list[VersionedRow[Value, Version]] = []

    def on_version(self, key: str, version_ms: int, version: Version | None) -> bool:
        """Learn what holds for `key` from `version_ms` on; a version of None is a deletion.

        Of two versions of one time the later arrival holds.

        Returns:
            False if the version is at or behind the watermark. Such a version still holds for rows
            to come, but rows that are answered already are not corrected.
        """
        self._seen += 1
        insort(self._versions[key], (version_ms, self._seen, version), key=_place)
        if version_ms > self.watermark_ms:
            heappush(self._changes, (version_ms, key))
            return True
        self._forget(key)
        return False

    def on_row(self, key: str, event_ms: int, value: Value) -> bool:
        """Hold a row until the watermark reaches its time.

        Returns:
            False if the watermark is there already: the row is refused and counted in `late`.
        """
        if event_ms <= self.watermark_ms:
            self.late += 1
            return False
        self._seen += 1
        heappush(self._rows, (event_ms, self._seen, key, value))
        return True

    def on_watermark(self, watermark_ms: int) -> None:
        """Answer the rows at or before `watermark_ms`, by time, and free superseded versions."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)
        while self._rows and self._rows[0][0] <= self.watermark_ms:
            event_ms, _, key, value = heappop(self._rows)
            version_ms, _, version = self._version_at(key, event_ms)
            known_ms = None if version is None else version_ms
            self._answers.append(VersionedRow(key, event_ms, value, known_ms, version))
        while self._changes and self._changes[0][0] <= self.watermark_ms:
            self._forget(heappop(self._changes)[1])

    def take(self) -> list[VersionedRow[Value, Version]]:
        """Return the answers since the last call, in the order of event time."""
        answers, self._answers = self._answers, []
        return answers

    def held(self) -> tuple[int, int]:
        """Return how many rows wait, and how many versions are kept.

        Of each key the version that holds at the watermark is kept as long as the lookup lives,
        even a deletion: with more and more keys a lookup grows without end.
        """
        return len(self._rows), sum(map(len, self._versions.values()))

    def _version_at(self, key: str, event_ms: int) -> tuple[int, int, Version | None]:
        versions = self._versions.get(key, [])
        index = bisect_right(versions, event_ms, key=_time)
        return versions[index - 1] if index else (MIN_WATERMARK, 0, None)

    def _forget(self, key: str) -> None:
        """Drop the versions of a key that no row after the watermark can ask for."""
        versions = self._versions[key]
        del versions[: max(0, bisect_right(versions, self.watermark_ms, key=_time) - 1)]


def _time(version: tuple[int, int, object]) -> int:
    return version[0]


def _place(version: tuple[int, int, object]) -> tuple[int, int]:
    return version[:2]
