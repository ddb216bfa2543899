"""Joins: every pair once, whatever the interleaving, and nothing held for longer than it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_jobs.engine.joins import IntervalJoin, Match, Outer
from flink_jobs.engine.joins_versioned import VersionedLookup
from flink_jobs.utils.watermarks import MAX_WATERMARK, BoundedOutOfOrderness, WatermarkCombiner
from tests.support.oracles import joins as oracle
from tests.support.oracles.joins import Pair, Row, Side

SIDES: dict[Outer, tuple[Side, ...]] = {
    "none": (),
    "left": ("left",),
    "right": ("right",),
    "both": ("left", "right"),
}

times = st.integers(-5, 30)
keys = st.sampled_from("ab")
bands = st.tuples(st.integers(-8, 8), st.integers(0, 8)).map(lambda b: (b[0], b[0] + b[1]))
outers = st.sampled_from(sorted(SIDES))


@st.composite
def arrivals(draw: st.DrawFn) -> list[Row]:
    rows = draw(st.lists(st.tuples(st.sampled_from(["left", "right"]), keys, times), max_size=14))
    return [Row(side, key, time, number) for number, (side, key, time) in enumerate(rows)]


@st.composite
def two_logs(draw: st.DrawFn, bound: int) -> tuple[list[Row], list[Row]]:
    """Draw a log of each side, with no more disorder than the bound."""
    logs: list[list[Row]] = []
    for side in ("left", "right"):
        given_times = draw(st.lists(st.tuples(times, st.integers(0, bound), keys), max_size=7))
        given_times.sort(key=lambda drawn: drawn[0] + drawn[1])
        logs.append([Row(side, key, time, n) for n, (time, _, key) in enumerate(given_times)])
    return logs[0], logs[1]


class JoinRun:
    """The engine's join behind the clocks of two inputs."""

    def __init__(self, bound: int, lower: int, upper: int, outer: Outer) -> None:
        self.join: IntervalJoin[Row, Row] = IntervalJoin(lower, upper, outer)
        self._clocks = {side: BoundedOutOfOrderness(bound) for side in ("left", "right")}
        self._common = WatermarkCombiner(self._clocks)

    def arrive(self, row: Row) -> tuple[bool, list[Pair]]:
        admitted = self.join.on_row(row.side, row.key, row.time, row)
        self._clocks[row.side].observe(row.time)
        clock = self._clocks[row.side]
        self.join.on_watermark(self._common.advance(row.side, clock.watermark_ms))
        return not admitted, pairs(self.join.take())

    def end(self) -> list[Pair]:
        self.join.on_watermark(MAX_WATERMARK)
        return pairs(self.join.take())


def pairs(matches: Iterable[Match[Row, Row]]) -> list[Pair]:
    for match in matches:
        for row, time in ((match.left, match.left_ms), (match.right, match.right_ms)):
            assert (row.time if row else None) == time
            assert row is None or row.key == match.key
    return [(match.left, match.right) for match in matches]


def played(rows: Sequence[Row], bound: int, band: tuple[int, int], outer: Outer) -> Counter[Pair]:
    run = JoinRun(bound, *band, outer)
    found = [pair for row in rows for pair in run.arrive(row)[1]]
    return Counter([*found, *run.end()])


@given(arrivals(), st.integers(0, 6), bands, outers)
def test_each_step_is_that_of_the_oracle(
    rows: list[Row], bound: int, band: tuple[int, int], outer: Outer
) -> None:
    run = JoinRun(bound, *band, outer)
    *steps, last = oracle.interval_join(rows, bound, *band, SIDES[outer])
    for row, expected in zip(rows, steps, strict=True):
        late, found = run.arrive(row)
        assert late == expected.late
        assert Counter(found) == Counter(expected.pairs)
        assert (run.join.held("left"), run.join.held("right")) == expected.held
    assert Counter(run.end()) == Counter(last.pairs)
    assert run.join.late == sum(step.late for step in steps)


@given(st.data(), st.integers(0, 6), bands, outers)
def test_every_pair_in_the_band_once_whatever_the_interleaving(
    data: st.DataObject, bound: int, band: tuple[int, int], outer: Outer
) -> None:
    lefts, rights = data.draw(two_logs(bound))
    turns = data.draw(st.permutations(["left"] * len(lefts) + ["right"] * len(rights)))
    logs = {"left": iter(lefts), "right": iter(rights)}
    interleaved = [next(logs[side]) for side in turns]
    fitting = [(le, ri) for le in lefts for ri in rights if oracle.fits(le, ri, *band)]
    lonely: list[Pair] = []
    if "left" in SIDES[outer]:
        lonely += [(le, None) for le in lefts if le not in [pair[0] for pair in fitting]]
    if "right" in SIDES[outer]:
        lonely += [(None, ri) for ri in rights if ri not in [pair[1] for pair in fitting]]
    assert played(interleaved, bound, band, outer) == Counter([*fitting, *lonely])


@given(arrivals(), st.integers(0, 6), bands)
def test_the_end_frees_everything(rows: list[Row], bound: int, band: tuple[int, int]) -> None:
    run = JoinRun(bound, *band, "none")
    for row in rows:
        run.arrive(row)
    run.end()
    assert (run.join.held("left"), run.join.held("right")) == (0, 0)
    assert run.join._rows == {"left": {}, "right": {}}
    assert run.join._expiries == []


@pytest.mark.parametrize(
    ("right_ms", "is_pair"), [(4_999, False), (5_000, True), (15_000, True), (15_001, False)]
)
def test_both_bounds_are_inside(right_ms: int, is_pair: bool) -> None:
    join: IntervalJoin[str, str] = IntervalJoin(0, 10_000)
    join.on_row("left", "a", 5_000, "shown")
    join.on_row("right", "a", right_ms, "clicked")
    assert bool(join.take()) is is_pair


def test_left_row_held_until_the_watermark_is_its_last_partner() -> None:
    join: IntervalJoin[str, str] = IntervalJoin(0, 10_000, "left")
    join.on_row("left", "a", 5_000, "shown")
    join.on_watermark(14_999)
    assert (join.held("left"), join.take()) == (1, [])
    join.on_watermark(15_000)
    assert (join.held("left"), len(join.take())) == (0, 1)


def test_right_row_held_until_the_watermark_is_its_last_partner() -> None:
    join: IntervalJoin[str, str] = IntervalJoin(-2_000, 10_000, "right")
    join.on_row("right", "a", 5_000, "clicked")
    join.on_watermark(6_999)
    assert (join.held("right"), join.take()) == (1, [])
    join.on_watermark(7_000)
    assert (join.held("right"), len(join.take())) == (0, 1)


def test_row_at_the_watermark_is_refused_and_counted() -> None:
    join: IntervalJoin[str, str] = IntervalJoin(0, 0)
    join.on_watermark(5_000)
    assert not join.on_row("left", "a", 5_000, "")
    assert join.on_row("left", "a", 5_001, "")
    assert (join.late, join.held("left")) == (1, 1)


def test_watermark_never_moves_back() -> None:
    join: IntervalJoin[str, str] = IntervalJoin(0, 0)
    join.on_watermark(5_000)
    join.on_watermark(1_000)
    assert join.watermark_ms == 5_000


def test_matched_row_is_not_told_again_when_it_expires() -> None:
    join: IntervalJoin[str, str] = IntervalJoin(0, 10, "both")
    join.on_row("left", "a", 0, "l")
    join.on_row("right", "a", 10, "r")
    join.on_watermark(MAX_WATERMARK)
    assert join.take() == [Match("a", 0, "l", 10, "r")]


def test_band_in_the_past_holds_no_left_row() -> None:
    """With right at least 5 before left, all partners of a left row are there before it."""
    join: IntervalJoin[str, str] = IntervalJoin(-9, -5, "left")
    join.on_watermark(0)
    join.on_row("left", "a", 3, "l")
    assert join.held("left") == 0
    assert join.take() == [Match("a", 3, "l", None, None)]


def test_empty_band_is_refused() -> None:
    with pytest.raises(ValueError, match="lower_ms=1 is above upper_ms=0"):
        IntervalJoin(1, 0)


@given(st.data(), st.integers(0, 6))
def test_each_row_meets_the_version_of_its_time_whatever_the_interleaving(
    data: st.DataObject, bound: int
) -> None:
    rows, versions = data.draw(two_logs(bound))
    deletions = set(data.draw(st.lists(st.sampled_from(versions)))) if versions else set()
    turns = data.draw(st.permutations(["left"] * len(rows) + ["right"] * len(versions)))
    lookup: VersionedLookup[Row, Row] = VersionedLookup()
    clocks = {side: BoundedOutOfOrderness(bound) for side in ("left", "right")}
    common = WatermarkCombiner(clocks)
    logs = {"left": iter(rows), "right": iter(versions)}
    seen: list[Row] = []
    for side in turns:
        row = next(logs[side])
        seen.append(row)
        if side == "left":
            assert lookup.on_row(row.key, row.time, row)
        else:
            version = None if row in deletions else row
            assert lookup.on_version(row.key, row.time, version)
        clocks[side].observe(row.time)
        lookup.on_watermark(common.advance(side, clocks[side].watermark_ms))
        assert lookup.held() == held(seen, lookup.watermark_ms)
    lookup.on_watermark(MAX_WATERMARK)
    found = {answer.value: answer.version for answer in lookup.take()}
    expected = {row: oracle.version_at(versions, row) for row in rows}
    assert found == {row: None if v in deletions else v for row, v in expected.items()}
    assert lookup.held() == (0, len({version.key for version in versions}))


def held(seen: Sequence[Row], watermark: int) -> tuple[int, int]:
    """Return the rows not reached yet, and the versions of the future and one of now for a key."""
    ahead = [row.side for row in seen if row.time > watermark]
    now = {row.key for row in seen if row.side == "right" and row.time <= watermark}
    return ahead.count("left"), ahead.count("right") + len(now)


def test_version_at_the_same_time_is_the_one_that_holds() -> None:
    lookup: VersionedLookup[str, int] = VersionedLookup()
    lookup.on_row("EUR", 10_000, "at once")
    lookup.on_row("EUR", 9_999, "before")
    lookup.on_version("EUR", 10_000, 115)
    lookup.on_watermark(10_000)
    assert [(answer.value, answer.version) for answer in lookup.take()] == [
        ("before", None),
        ("at once", 115),
    ]


def test_answer_waits_for_the_watermark_of_its_own_time() -> None:
    lookup: VersionedLookup[str, int] = VersionedLookup()
    lookup.on_row("EUR", 10_000, "ring")
    lookup.on_watermark(9_999)
    assert lookup.take() == []
    lookup.on_watermark(10_000)
    assert len(lookup.take()) == 1


def test_later_arrival_of_one_time_holds() -> None:
    lookup: VersionedLookup[str, int] = VersionedLookup()
    lookup.on_version("EUR", 5, 110)
    lookup.on_version("EUR", 5, 111)
    lookup.on_row("EUR", 6, "ring")
    lookup.on_watermark(6)
    assert [answer.version for answer in lookup.take()] == [111]


def test_late_version_holds_for_rows_to_come_and_corrects_none() -> None:
    lookup: VersionedLookup[str, int] = VersionedLookup()
    lookup.on_version("EUR", 0, 110)
    lookup.on_row("EUR", 8, "before")
    lookup.on_watermark(10)
    assert not lookup.on_version("EUR", 7, 115)
    assert not lookup.on_version("EUR", 3, 999)  # superseded before it came
    lookup.on_row("EUR", 11, "after")
    lookup.on_watermark(11)
    assert [(answer.value, answer.version) for answer in lookup.take()] == [
        ("before", 110),
        ("after", 115),
    ]
    assert lookup.held() == (0, 1)


def test_row_at_the_watermark_has_no_second_answer() -> None:
    lookup: VersionedLookup[str, int] = VersionedLookup()
    lookup.on_watermark(5)
    assert not lookup.on_row("EUR", 5, "ring")
    lookup.on_watermark(MAX_WATERMARK)
    assert (lookup.late, lookup.take()) == (1, [])
