"""A slow, obvious second opinion on joins: all rows in plain lists, searched again for every step.

ResultFiles from the rules, and imports nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

Side: TypeAlias = Literal["left", "right"]
Pair: TypeAlias = tuple["Row | None", "Row | None"]

BEGINNING = float("-inf")
END = float("inf")


class Row(NamedTuple):
    """A row of one side. `number` makes it unique."""

    side: Side
    key: str
    time: int
    number: int


class Step(NamedTuple):
    """What became of one arrival, once the watermark had followed it."""

    late: bool
    pairs: tuple[Pair, ...]
    held: tuple[int, int]


def common_watermarks(rows: Sequence[Row], bound: int) -> list[float]:
    """Return the watermark of both sides together after each row: the smaller of the two."""
    found = []
    for count in range(1, len(rows) + 1):
        largest = {
            side: max((row.time for row in rows[:count] if row.side == side), default=BEGINNING)
            for side in ("left", "right")
        }
        found.append(min(largest.values()) - bound - 1)
    return found


def fits(left: Row, right: Row, lower: int, upper: int) -> bool:
    """Return whether two rows are a pair."""
    return left.key == right.key and lower <= right.time - left.time <= upper


def expiry(row: Row, lower: int, upper: int) -> int:
    """Return the latest time at which the other side may have a partner for a row."""
    return row.time + upper if row.side == "left" else row.time - lower


def interval_join(
    rows: Sequence[Row], bound: int, lower: int, upper: int, outer: Sequence[Side]
) -> list[Step]:
    """Play rows in their order of arrival, and a last step in which the stream ends."""
    after = [*common_watermarks(rows, bound), END]
    before = [BEGINNING, *after[:-1]]
    admitted: list[Row] = []
    steps = []
    for number, (met, left_behind) in enumerate(zip(before, after, strict=True)):
        pairs: list[Pair] = []
        arrived = rows[number] if number < len(rows) else None
        late = arrived is not None and arrived.time <= met
        if arrived is not None and not late:
            pairs += _pairs_of(arrived, admitted, lower, upper)
            admitted.append(arrived)
        for row in admitted:
            over = expiry(row, lower, upper) <= left_behind
            told = row is not arrived and expiry(row, lower, upper) <= met
            if (
                over
                and not told
                and row.side in outer
                and not _matched(row, admitted, lower, upper)
            ):
                pairs.append((row, None) if row.side == "left" else (None, row))
        held = [row.side for row in admitted if expiry(row, lower, upper) > left_behind]
        steps.append(Step(late, tuple(pairs), (held.count("left"), held.count("right"))))
    return steps


def _pairs_of(row: Row, others: Sequence[Row], lower: int, upper: int) -> list[Pair]:
    if row.side == "left":
        return [(row, other) for other in others if _opposite(row, other, lower, upper)]
    return [(other, row) for other in others if _opposite(other, row, lower, upper)]


def _opposite(left: Row, right: Row, lower: int, upper: int) -> bool:
    return (left.side, right.side) == ("left", "right") and fits(left, right, lower, upper)


def _matched(row: Row, others: Sequence[Row], lower: int, upper: int) -> bool:
    return bool(_pairs_of(row, others, lower, upper))


def version_at(versions: Sequence[Row], row: Row) -> Row | None:
    """Return the version that held at the row's time: of the latest the one that came last."""
    known = [v for v in versions if v.key == row.key and v.time <= row.time]
    return max(known, key=lambda v: (v.time, v.number), default=None)
