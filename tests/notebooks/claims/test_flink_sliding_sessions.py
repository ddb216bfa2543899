"""What the lessons say about Flink's sliding, cumulating and session windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyflink.common import Types
from pyflink.datastream.functions import AggregateFunction
from pyflink.datastream.window import EventTimeSessionWindows, SlidingEventTimeWindows
from pyflink.util.exceptions import TableException

from studykit.flink.in_process import at
from studykit.trace.marbles import parse
from studykit.trace.stories import TWO_VISITS
from tests.support.services.flink import Flink, seconds

pytestmark = pytest.mark.jvm

SLIDING = SlidingEventTimeWindows.of(seconds(10), seconds(5))
VISIT = EventTimeSessionWindows.with_gap(seconds(4))


class Updates(AggregateFunction):
    """A count that leaves a line in a file for each update."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def create_accumulator(self):
        return 0

    def add(self, value, accumulator):
        with self.file.open("a") as lines:
            lines.write("update\n")
        return accumulator + 1

    def get_result(self, accumulator):
        return accumulator

    def merge(self, left, right):
        return left + right


def hop(table: str, slide_s: int, size_s: int) -> str:
    spans = f"INTERVAL '{slide_s}' SECOND, INTERVAL '{size_s}' SECOND"
    return f"HOP(TABLE {table}, DESCRIPTOR(rt), {spans})"


def session(table: str, partition: str = "") -> str:
    return f"SESSION(TABLE {table} {partition}, DESCRIPTOR(rt), INTERVAL '4' SECOND)"


@pytest.mark.claim("flink-datastream-sliding-copies-per-window")
def test_a_sliding_window_updates_every_window_for_each_event(flink: Flink, tmp_path: Path):
    five = SlidingEventTimeWindows.of(seconds(10), seconds(2))
    windowed = flink.keyed([at(12_000)]).window(five)
    counts = windowed.aggregate(Updates(tmp_path / "updates"), output_type=Types.LONG())
    assert flink.run(counts) == [1] * 5
    assert (tmp_path / "updates").read_text() == "update\n" * 5


@pytest.mark.claim("flink-sql-hop-shares-slices")
def test_hop_aggregates_slices(flink: Flink):
    query = f"SELECT SUM(amount) FROM TABLE({hop(flink.named([at(0)]), 2, 10)})"
    plan = flink.tables.explain_sql(f"{query} GROUP BY window_start, window_end")
    assert "LocalWindowAggregate" in plan
    assert "slice_end" in plan


@pytest.mark.claim("flink-partial-lateness-is-silent")
def test_an_event_that_misses_one_of_its_windows_is_not_reported(flink: Flink):
    events = [at(8_000, 1), at(14_000, 2), at(7_000, 4), at(3_000, 8)]
    windowed = flink.keyed(events).window(SLIDING)
    assert flink.told(windowed) == [
        "a [0,10000) 1 at 9999",
        "a [5000,15000) 1+2+4 at 9223372036854775807",
        "a [10000,20000) 2 at 9223372036854775807",
        "late a 3000",  # both of its windows have fired; of 7_000 nobody hears
    ]
    assert flink.windows(hop(flink.named(events), 5, 10)) == [
        (0, 10_000, 1),
        (5_000, 15_000, 7),
        (10_000, 20_000, 2),
    ]


@pytest.mark.claim("flink-sql-hop-slide-before-size")
def test_the_slide_comes_before_the_size(flink: Flink):
    found = flink.windows(hop(flink.named([at(12_000)]), 5, 10))
    assert found == [(5_000, 15_000, 1), (10_000, 20_000, 1)]


@pytest.mark.claim("flink-sql-hop-size-multiple-of-slide")
@pytest.mark.parametrize(("slide_s", "size_s"), [(10, 5), (4, 10)])
def test_a_size_that_is_no_multiple_of_the_slide_is_refused(flink: Flink, slide_s, size_s):
    with pytest.raises(TableException, match="integral multiple of slide"):
        flink.windows(hop(flink.named([at(12_000)]), slide_s, size_s))


@pytest.mark.claim("flink-sql-cumulate")
def test_cumulating_windows_share_their_start(flink: Flink):
    spans = "INTERVAL '5' SECOND, INTERVAL '10' SECOND"
    table = flink.named([at(2_000, 5), at(7_000, 3)])
    found = flink.windows(f"CUMULATE(TABLE {table}, DESCRIPTOR(rt), {spans})")
    assert found == [(0, 5_000, 5), (0, 10_000, 8)]


@pytest.mark.claim("flink-sessions-merge-when-they-touch")
def test_sessions_merge_after_exactly_the_gap_and_not_one_millisecond_later(flink: Flink):
    table = flink.named([at(1_000), at(5_000), at(1_000, card="b"), at(5_001, card="b")])
    assert flink.windows(session(table, "PARTITION BY card"), by="card") == [
        ("a", 1_000, 9_000, 2),
        ("b", 1_000, 5_000, 1),
        ("b", 5_001, 9_001, 1),
    ]


@pytest.mark.claim("flink-sql-session-partition-by")
def test_without_partition_by_all_users_share_their_sessions(flink: Flink):
    table = flink.named([at(1_000), at(4_000, card="b")])
    assert flink.windows(session(table)) == [(1_000, 8_000, 2)]


@pytest.mark.claim("flink-session-lateness-on-merged-window")
def test_an_event_that_alone_would_be_late_joins_a_session_that_is_open(flink: Flink):
    windowed = flink.keyed(TWO_VISITS, bound_ms=0).window(VISIT)
    assert flink.told(windowed) == [
        "a [1000,8000) 1+1+1 at 10999",
        "a [7000,17000) 1+1+1 at 9223372036854775807",  # with the event at 7 s
    ]


@pytest.mark.claim("flink-merged-session-emits-new-window")
def test_a_bridge_between_two_told_sessions_is_a_third_row(flink: Flink):
    events = parse("-a1--a3-a4-------a11--a13-----b18-a7")
    windowed = flink.keyed(events, bound_ms=0).window(VISIT).allowed_lateness(12_000)
    firings = [line.split(" at ")[0] for line in flink.told(windowed)]
    assert [line for line in firings if line.startswith("a")] == [
        "a [1000,8000) 1+1+1",
        "a [11000,17000) 1+1",
        "a [1000,17000) 1+1+1+1+1+1",
    ]
