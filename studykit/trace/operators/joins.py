"""A trace of the interval join: rows of two sides go through the engine's join, step by step.

>>> times = [("left", 5_000), ("right", 9_000), ("right", 16_000), ("left", 16_000)]
>>> rows = [JoinRow(side, event_ms) for side, event_ms in times]
>>> joined(rows, lower_ms=0, upper_ms=10_000).held
((1, 0), (1, 1), (1, 2), (1, 1))
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from flink_jobs.engine.joins import IntervalJoin, Outer, Side
from flink_jobs.utils.watermarks import BoundedOutOfOrderness, WatermarkCombiner


class JoinRow(Struct, frozen=True):
    """A row of one side: `left` or `right`, and its event time in milliseconds."""

    side: Side
    event_ms: int


class JoinStep(Struct, frozen=True):
    """What became of one row, once the watermarks of both sides had followed it.

    Attributes:
        row: The row that arrived.
        late: Whether the row was behind the common watermark, and was refused.
        watermark_ms: The common watermark after the row: the smaller of the two sides'.
        pairs: Event times (left, right) of the pairs emitted; None stands for a missing partner.
        held: Event times of the left rows and of the right rows that the join holds afterwards.
    """

    row: JoinRow
    late: bool
    watermark_ms: int
    pairs: tuple[tuple[int | None, int | None], ...]
    held: tuple[tuple[int, ...], tuple[int, ...]]


class JoinTrace(Struct, frozen=True):
    """Everything that happened in a join, row by row.

    Rows pair where `lower_ms <= right - left <= upper_ms`: both bounds are inside.
    """

    lower_ms: int
    upper_ms: int
    steps: tuple[JoinStep, ...]

    @property
    def held(self) -> tuple[tuple[int, int], ...]:
        """How many left and how many right rows are held after each step."""
        return tuple((len(step.held[0]), len(step.held[1])) for step in self.steps)


def joined(
    rows: Iterable[JoinRow],
    lower_ms: int,
    upper_ms: int,
    *,
    bound_ms: int = 0,
    outer: Outer = "none",
) -> JoinTrace:
    """Send rows through the engine's join and return every step.

    Args:
        rows: The rows of both sides, in order of arrival.
        lower_ms: Smallest difference right - left that is a pair.
        upper_ms: Largest difference right - left that is a pair.
        bound_ms: The longest disorder of either side.
        outer: The sides whose rows are emitted without a partner when they expire.
    """
    join: IntervalJoin[int, int] = IntervalJoin(lower_ms, upper_ms, outer)
    clocks: dict[str, BoundedOutOfOrderness] = {
        side: BoundedOutOfOrderness(bound_ms) for side in ("left", "right")
    }
    common = WatermarkCombiner(clocks)
    admitted: dict[str, list[int]] = {"left": [], "right": []}
    steps = []
    for row in rows:
        taken = join.on_row(row.side, "all", row.event_ms, row.event_ms)
        admitted[row.side] += [row.event_ms] if taken else []
        clocks[row.side].observe(row.event_ms)
        join.on_watermark(common.advance(row.side, clocks[row.side].watermark_ms))
        lefts = [t for t in admitted["left"] if join.expiry_ms("left", t) > join.watermark_ms]
        rights = [t for t in admitted["right"] if join.expiry_ms("right", t) > join.watermark_ms]
        pairs = tuple((match.left, match.right) for match in join.take())
        held = (tuple(lefts), tuple(rights))
        steps.append(JoinStep(row, not taken, join.watermark_ms, pairs, held))
    return JoinTrace(lower_ms, upper_ms, tuple(steps))
