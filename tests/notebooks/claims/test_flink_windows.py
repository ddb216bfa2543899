"""What the lessons say about Flink's tumbling and global windows."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JJavaError
from pyflink.common import Types
from pyflink.datastream.functions import (
    AggregateFunction,
    ProcessAllWindowFunction,
    ProcessFunction,
    ProcessWindowFunction,
)
from pyflink.datastream.window import CountTrigger, GlobalWindows, TumblingEventTimeWindows

from studykit.flink.in_process import at
from studykit.trace.stories import STORY
from tests.support.services.flink import Flink, ms, seconds

pytestmark = pytest.mark.jvm

TEN = TumblingEventTimeWindows.of(seconds(10))


class Total(AggregateFunction):
    """The sum of the values: one number, whatever comes."""

    def create_accumulator(self):
        return 0

    def add(self, value, accumulator):
        return accumulator + value[2]

    def get_result(self, accumulator):
        return accumulator

    def merge(self, left, right):
        return left + right


class Values(ProcessWindowFunction):
    """Tell what a window has."""

    def process(self, key, context, elements):
        yield "+".join(str(element[2]) for element in elements)


class Span(ProcessWindowFunction):
    """Name the window that each of its elements is of."""

    def process(self, key, context, elements):
        yield f"{list(elements)} [{context.window().start},{context.window().end})"


class Stamp(ProcessFunction):
    """Tell the time of each result."""

    def process_element(self, value, context):
        yield f"{value} at {context.timestamp()}"


def tumble(table: str) -> str:
    return f"TUMBLE(TABLE {table}, DESCRIPTOR(rt), INTERVAL '10' SECOND)"


class Worker(ProcessWindowFunction):
    """Tell which subtask works on a window of a key."""

    def open(self, runtime_context):
        self.subtask = runtime_context.get_index_of_this_subtask()

    def process(self, key, context, elements):
        yield f"a key: {self.subtask}"


class OnlyWorker(ProcessAllWindowFunction):
    """Tell which subtask works on a window of everything."""

    def open(self, runtime_context):
        self.subtask = runtime_context.get_index_of_this_subtask()

    def process(self, context, elements):
        yield f"everything: {self.subtask}"


@pytest.fixture(scope="module")
def tumbled(flink: Flink) -> list[tuple[int, ...]]:
    """Rows of start, end, time and sum: of -1 ms, 12.345 s, 19.999 s, 20 s and 45 s."""
    times = (-1, 12_345, 19_999, 20_000, 45_000)
    table = flink.named([at(event_ms, value) for value, event_ms in enumerate(times, start=1)])
    columns = ", ".join(ms(name) for name in ("window_start", "window_end", "window_time"))
    query = f"SELECT {columns}, SUM(amount) FROM TABLE({tumble(table)})"
    rows = flink.rows(f"{query} GROUP BY window_start, window_end, window_time")
    return sorted(tuple(row) for row in rows)


@pytest.mark.claim("flink-windows-align-to-epoch", "flink-sql-event-time-is-a-column")
def test_windows_start_at_multiples_of_their_size_whenever_the_first_event_is(tumbled):
    assert [row[0] for row in tumbled] == [-10_000, 10_000, 20_000, 40_000]


@pytest.mark.claim("flink-window-start-inside-end-outside")
def test_an_event_at_a_boundary_is_in_the_window_that_starts_there(tumbled):
    assert (10_000, 20_000, 2 + 3) in [(start, end, total) for start, end, _, total in tumbled]
    assert (20_000, 30_000, 4) in [(start, end, total) for start, end, _, total in tumbled]


@pytest.mark.claim("flink-empty-windows-emit-nothing")
def test_a_window_without_events_has_no_row(tumbled):
    assert 30_000 not in [row[0] for row in tumbled]


@pytest.mark.claim("flink-sql-window-time-is-end-minus-1")
def test_window_time_is_the_last_millisecond(tumbled):
    assert all(time == end - 1 for _, end, time, _ in tumbled)


@pytest.mark.claim("flink-window-needs-time-attribute")
def test_an_event_time_window_over_a_table_without_a_watermark_is_refused(flink: Flink):
    table = flink.named([at(0)])
    plain = f"(SELECT event_ms, card, amount, CAST(rt AS TIMESTAMP_LTZ(3)) AS rt FROM {table})"
    flink.tables.execute_sql(f"CREATE TEMPORARY VIEW no_watermark AS SELECT * FROM {plain}")
    with pytest.raises(Py4JJavaError, match="time attribute"):
        flink.windows(tumble("no_watermark"))


@pytest.mark.claim("flink-fires-at-end-minus-1")
def test_a_window_fires_at_its_last_millisecond_and_not_one_before(flink: Flink):
    windowed = flink.keyed([at(2_000, 5), at(13_999), at(14_000)]).window(TEN)
    first, *_ = flink.told(windowed)
    assert first == "a [0,10000) 5 at 9999"  # 13_999 has made the watermark 9_998: nothing fired


@pytest.mark.claim(
    "flink-purges-at-end-minus-1-plus-lateness",
    "flink-allowed-lateness-in-ms",
    "flink-process-window-function-buffers",
)
def test_a_window_takes_events_until_its_last_millisecond_plus_the_lateness(flink: Flink):
    events = [at(2_000, 5), at(16_999), at(1_000, 7), at(17_000), at(1_500, 9)]
    windowed = flink.keyed(events).window(TEN).allowed_lateness(3_000)
    assert flink.told(windowed) == [
        "a [0,10000) 5 at 12998",
        "a [0,10000) 5+7 at 12998",  # both values: it has kept the first
        "a [10000,20000) 1+1 at 9223372036854775807",
        "late a 1500",  # 17_000 has made the watermark 12_999
    ]


@pytest.mark.claim("flink-aggregate-with-process-window-function")
def test_an_aggregate_hands_one_number_to_the_function_that_sees_the_window(flink: Flink):
    total = flink.keyed([at(2_000, 5), at(3_000, 7)]).window(TEN)
    told_span = total.aggregate(Total(), Span(), Types.LONG(), Types.STRING())
    assert flink.run(told_span) == ["[12] [0,10000)"]


@pytest.mark.claim("flink-window-result-timestamp-is-end-minus-1")
def test_the_time_of_a_result_is_the_last_millisecond_of_its_window(flink: Flink):
    total = flink.keyed([at(2_000, 5)]).window(TEN).aggregate(Total(), output_type=Types.LONG())
    assert flink.run(total.process(Stamp(), Types.STRING())) == ["5 at 9999"]


@pytest.mark.claim("flink-global-window-never-fires")
def test_a_global_window_does_not_even_fire_at_the_end(flink: Flink):
    windowed = flink.keyed([at(2_000), at(99_000)]).window(GlobalWindows.create())
    assert flink.told(windowed) == []


@pytest.mark.claim("flink-count-window-keeps-the-rest")
def test_a_count_window_never_gives_out_what_does_not_fill_it(flink: Flink):
    counted = flink.keyed([at(2_000, 5), at(99_000, 7), at(3_000, 9)]).count_window(2)
    assert flink.run(counted.process(Values(), Types.STRING())) == ["5+7"]


@pytest.mark.claim("flink-trigger-replaces-default")
def test_with_a_count_trigger_the_watermark_fires_nothing(flink: Flink):
    events = [at(2_000, 5), at(3_000, 7), at(4_000, card="b"), at(99_000, card="b")]
    windowed = flink.keyed(events).window(TEN).trigger(CountTrigger.of(2))
    assert flink.told(windowed) == ["a [0,10000) 5+7 at -9223372036854775808"]


@pytest.mark.claim("flink-windowall-works-in-one-subtask")
def test_one_subtask_does_the_work_of_a_window_over_everything(flink: Flink):
    flink.env.set_parallelism(2)
    try:
        stream = flink.stream([at(second * 1_000, card=f"k{second}") for second in range(40)])
        by_key = stream.key_by(lambda event: event[1], Types.STRING()).window(TEN)
        together = stream.window_all(TEN).process(OnlyWorker(), Types.STRING())
        workers = set(flink.run(together, by_key.process(Worker(), Types.STRING())))
    finally:
        flink.env.set_parallelism(1)
    assert {"a key: 0", "a key: 1"} < workers
    assert len(workers) == 3


@pytest.mark.claim("flink-window-needs-key-by")
def test_a_stream_without_a_key_has_no_window_but_one_over_everything(flink: Flink):
    stream = flink.stream(STORY)
    assert not hasattr(stream, "window")
    assert hasattr(stream, "window_all")
    assert hasattr(stream.key_by(lambda event: event[1], Types.STRING()), "window")


@pytest.mark.claim("flink-sql-without-a-key-sums-over-all")
def test_a_key_left_out_of_group_by_is_not_refused(flink: Flink):
    story = flink.named(STORY)
    assert [row[1:] for row in flink.windows(tumble(story))] == [(10_000, 21), (20_000, 26)]
    by_card = flink.windows(tumble(story), by="card")
    assert [row for row in by_card if row[1] == 0] == [("a", 0, 10_000, 12), ("b", 0, 10_000, 9)]
