"""The interval join: two streams of a key, paired where their times lie close enough.

A left row at `l` and a right row at `r` are a pair if `l + lower <= r <= l + upper`: the band is
closed at both ends. The row that comes first is held until its partner can no longer come. A left
row at `l` waits for right rows up to `l + upper`, so it is freed once the watermark reaches
`l + upper`; a right row at `r` waits for left rows up to `r - lower`.

The watermark is that of both inputs together, the minimum of the two: the slower input decides how
many rows of the faster one are held. The rules are those of Apache Flink (`IntervalJoinOperator`,
`RowTimeIntervalJoin`), with one exception: a row at or behind the watermark is refused here and
counted. Some of its partners may be gone, and half of its pairs would be worse than none.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from heapq import heappop, heappush
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from flink_jobs.utils.watermarks import MIN_WATERMARK

Left = TypeVar("Left")
Right = TypeVar("Right")

Side: TypeAlias = Literal["left", "right"]
Outer: TypeAlias = Literal["none", "left", "right", "both"]

_OTHER: Final[dict[Side, Side]] = {"left": "right", "right": "left"}


class Match(Struct, Generic[Left, Right], frozen=True, gc=False):
    """Two rows of `key` whose times lie in the band, or one row that found no partner.

    The side without a row has None for its time and its value. Times are epoch milliseconds.
    """

    key: str
    left_ms: int | None
    left: Left | None
    right_ms: int | None
    right: Right | None


class _Row(Struct, gc=False):
    """A row that may still find partners."""

    event_ms: int
    value: object
    matched: bool


class IntervalJoin(Generic[Left, Right]):
    """Pairs of left and right rows with `left + lower_ms <= right <= left + upper_ms`.

    >>> join = IntervalJoin(lower_ms=0, upper_ms=10_000)
    >>> join.on_row("left", "ad", 5_000, "shown"), join.on_row("right", "ad", 15_000, "clicked")
    (True, True)
    >>> [(match.left_ms, match.right_ms) for match in join.take()]
    [(5000, 15000)]
    >>> join.on_watermark(14_999)
    >>> join.held("left")
    1
    >>> join.on_watermark(15_000)  # a click after 15.000 s is none of this row's
    >>> join.held("left")
    0
    """

    def __init__(self, lower_ms: int, upper_ms: int, outer: Outer = "none") -> None:
        """Build a join that holds nothing.

        Args:
            lower_ms: Smallest difference right - left that is a pair; may be negative.
            upper_ms: Largest difference that is a pair.
            outer: The sides of which a row without a partner is a match of its own when it expires,
                as in SQL's LEFT, RIGHT and FULL OUTER JOIN; `none` is an INNER JOIN.

        Raises:
            ValueError: `lower_ms` is above `upper_ms`.
        """
        if lower_ms > upper_ms:
            raise ValueError(
                f"lower_ms={lower_ms} is above upper_ms={upper_ms}: no pair lies in such a band"
            )
        self.lower_ms = lower_ms
        self.upper_ms = upper_ms
        self.watermark_ms = MIN_WATERMARK
        self.late = 0
        """How many rows came at or behind the watermark and were refused."""
        self._told: frozenset[Side] = frozenset(side for side in _OTHER if outer in (side, "both"))
        self._rows: dict[Side, defaultdict[str, list[_Row]]] = {
            side: defaultdict(list) for side in _OTHER
        }
        # Expiry, order of arrival, side and key. Rows of one expiry leave in the order in which
        # they came, so that a replay gives the same matches in the same order.
        self._expiries: list[tuple[int, int, Side, str]] = []
        self._seen = 0
        self._matches: list[Match[Left, Right]] = []

    def on_row(self, side: Side, key: str, event_ms: int, value: Left | Right) -> bool:
        """Pair a row with the held rows of the other side, and hold the row itself.

        Returns:
            False if the row is at or behind the watermark: the row is refused, counted in `late`,
            and pairs with nothing.
        """
        if event_ms <= self.watermark_ms:
            self.late += 1
            return False
        row = _Row(event_ms, value, matched=False)
        for partner in self._partners(side, key, event_ms):
            row.matched = partner.matched = True
            left, right = (row, partner) if side == "left" else (partner, row)
            self._matches.append(_match(key, left, right))
        self._hold(side, key, row)
        return True

    def on_watermark(self, watermark_ms: int) -> None:
        """Advance to `watermark_ms`; free the rows that no row after it can pair with."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)
        while self._expiries and self._expiries[0][0] <= self.watermark_ms:
            _, _, side, key = heappop(self._expiries)
            rows = self._rows[side][key]
            self._expire(side, key, rows.pop(0))  # of a key and a side the oldest expires first
            if not rows:  # or each key ever seen would keep an empty list
                del self._rows[side][key]

    def take(self) -> list[Match[Left, Right]]:
        """Return the matches since the last call; a row without a partner comes at its expiry."""
        matches, self._matches = self._matches, []
        return matches

    def held(self, side: Side) -> int:
        """Return how many rows of a side are held because they may still find partners."""
        return sum(map(len, self._rows[side].values()))

    def expiry_ms(self, side: Side, event_ms: int) -> int:
        """Return the watermark at which no more partners can come for a row at `event_ms`."""
        return event_ms + (self.upper_ms if side == "left" else -self.lower_ms)

    def _partners(self, side: Side, key: str, event_ms: int) -> list[_Row]:
        rows = self._rows[_OTHER[side]].get(key, [])
        if side == "left":
            first_ms, last_ms = event_ms + self.lower_ms, event_ms + self.upper_ms
        else:
            first_ms, last_ms = event_ms - self.upper_ms, event_ms - self.lower_ms
        first = bisect_left(rows, first_ms, key=_event_ms)
        return rows[first : bisect_right(rows, last_ms, key=_event_ms)]

    def _hold(self, side: Side, key: str, row: _Row) -> None:
        expiry_ms = self.expiry_ms(side, row.event_ms)
        # A band may lie wholly in the past (`upper_ms` below 0, for a left row). Then a row can be
        # on time while the time of its partners is over.
        if expiry_ms <= self.watermark_ms:
            self._expire(side, key, row)
            return
        rows = self._rows[side][key]
        rows.insert(bisect_right(rows, row.event_ms, key=_event_ms), row)
        heappush(self._expiries, (expiry_ms, self._seen, side, key))
        self._seen += 1

    def _expire(self, side: Side, key: str, row: _Row) -> None:
        if row.matched or side not in self._told:
            return
        left, right = (row, None) if side == "left" else (None, row)
        self._matches.append(_match(key, left, right))


def _event_ms(row: _Row) -> int:
    return row.event_ms


def _match(key: str, left: _Row | None, right: _Row | None) -> Match[Any, Any]:
    left_ms, left_value = (left.event_ms, left.value) if left else (None, None)
    right_ms, right_value = (right.event_ms, right.value) if right else (None, None)
    return Match(key, left_ms, left_value, right_ms, right_value)
