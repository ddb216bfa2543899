"""The picture of a join says what the engine's join did, row by row."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.joins import IntervalJoin
from studykit.figures.operators import join_lanes
from studykit.trace.operators.joins import JoinRow, joined

rows = st.lists(
    st.builds(
        JoinRow, st.sampled_from(["left", "right"]), st.integers(0, 20).map(lambda s: s * 1_000)
    ),
    max_size=8,
)


def gids(run: object, step: int) -> set[str]:
    figure = join_lanes.draw(run, step)
    return {artist.get_gid() for axes in figure.axes for artist in axes.get_children()} - {None}


@given(rows)
def test_what_is_held_is_what_the_join_holds(given_rows: list[JoinRow]) -> None:
    run = joined(given_rows, 0, 5_000, bound_ms=2_000)
    join: IntervalJoin[int, int] = IntervalJoin(0, 5_000)
    for row, step in zip(given_rows, run.steps, strict=True):
        assert join.on_row(row.side, "all", row.event_ms, 0) is not step.late
        join.on_watermark(step.watermark_ms)
        assert (len(step.held[0]), len(step.held[1])) == (join.held("left"), join.held("right"))
        assert len(join.take()) == len(step.pairs)


def test_the_picture_shows_pairs_rows_band_and_watermark() -> None:
    run = joined(
        [JoinRow("left", 2_000), JoinRow("right", 5_000), JoinRow("right", 14_000)], 0, 10_000
    )
    assert {"pair:2000:5000", "row:1:held", "row:2:held", "band:2000:12000"} <= gids(run, 1) | gids(
        run, 2
    )
    assert {"watermark:1999", "held:left:1", "held:right:2"} <= gids(run, 3)
    assert "nothing is held" in join_lanes.describe(run, 0)
    assert "makes 1 pair" in join_lanes.describe(run, 2)
    assert [row["row"] for row in join_lanes.table(run, 3)] == ["#1", "#2", "#3"]


def test_a_row_behind_the_watermark_is_drawn_as_refused() -> None:
    run = joined([JoinRow("left", 9_000), JoinRow("right", 9_000), JoinRow("left", 1_000)], 0, 0)
    assert "row:3:late" in gids(run, 3)
    assert "refused" in join_lanes.describe(run, 3)
