"""What the lessons say about Flink's watermarks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pyflink.common import Configuration, Duration, Types
from pyflink.datastream import ProcessFunction, StreamExecutionEnvironment
from pyflink.datastream.window import TumblingEventTimeWindows
from pyflink.java_gateway import get_gateway

from studykit.flink import in_process
from studykit.flink.in_process import at
from studykit.trace.simulate import Policy, simulate
from studykit.trace.stories import STORY
from tests.support.services.flink import Flink, ms, seconds

pytestmark = pytest.mark.jvm

PATIENCE_S = 120


class Output:
    """A receiver of watermarks that Java can call."""

    def __init__(self) -> None:
        self.watermarks: list[int] = []

    def emitWatermark(self, watermark) -> None:
        self.watermarks.append(watermark.getTimestamp())

    def emitWatermarkStatus(self, status) -> None:
        """Take notice that all inputs are idle, or no longer; it moves nothing."""

    def markActive(self) -> None:
        """As before."""

    def markIdle(self) -> None:
        """As before."""

    class Java:
        implements = (
            "org.apache.flink.api.common.eventtime.WatermarkOutput",
            "org.apache.flink.streaming.runtime.io.PushingAsyncDataInput$DataOutput",
        )


class Moved:
    """A listener to the watermark of a partition."""

    def onWatermarkUpdate(self, watermark_ms) -> None:
        """Take notice."""

    def onIdleUpdate(self, idle) -> None:
        """As before."""

    class Java:
        implements = (
            "org.apache.flink.api.common.eventtime.WatermarkOutputMultiplexer$WatermarkUpdateListener",
        )


class Inputs:
    """Where the watermarks of an operator's inputs meet, in Flink's own code."""

    def __init__(self, count: int) -> None:
        streaming = get_gateway().jvm.org.apache.flink.streaming
        self._watermark = streaming.api.watermark.Watermark
        self._status = streaming.runtime.watermarkstatus.WatermarkStatus
        self._valve = streaming.runtime.watermarkstatus.StatusWatermarkValve(count)
        self._output = Output()

    @property
    def watermarks(self) -> list[int]:
        """Watermarks of the operator so far."""
        return self._output.watermarks

    def advance(self, number: int, watermark_ms: int) -> None:
        self._valve.inputWatermarkStatus(self._status.ACTIVE, number, self._output)
        self._valve.inputWatermark(self._watermark(watermark_ms), number, self._output)

    def mark_idle(self, number: int) -> None:
        self._valve.inputWatermarkStatus(self._status.IDLE, number, self._output)


class Partitions(Inputs):
    """Where the watermarks of a source's partitions meet."""

    def __init__(self, count: int) -> None:
        events = get_gateway().jvm.org.apache.flink.api.common.eventtime
        self._watermark = events.Watermark
        self._output = Output()
        self._listener = Moved()
        meeting = events.WatermarkOutputMultiplexer(self._output)
        for number in range(count):
            meeting.registerNewOutput(str(number), self._listener)
        self._partitions = [meeting.getImmediateOutput(str(number)) for number in range(count)]

    def advance(self, number: int, watermark_ms: int) -> None:
        self._partitions[number].emitWatermark(self._watermark(watermark_ms))

    def mark_idle(self, number: int) -> None:
        self._partitions[number].markIdle()


def met(flink: Flink, table: str) -> list[int | None]:
    """Return the watermark that each event of a table meets."""
    return [row[0] for row in flink.rows(f"SELECT {ms('CURRENT_WATERMARK(rt)')} FROM {table}")]


@pytest.mark.claim("flink-bounded-watermark-subtracts-1-ms")
def test_for_bounded_out_of_orderness_subtracts_the_bound_and_1_ms(flink: Flink):
    events = get_gateway().jvm.org.apache.flink.api.common.eventtime
    generator = events.BoundedOutOfOrdernessWatermarks(Duration.of_seconds(4)._j_duration)
    output = Output()
    for event_ms in (14_000, 3_000):
        generator.onEvent(None, event_ms, output)
        generator.onPeriodicEmit(output)
    assert output.watermarks == [9_999, 9_999]


@pytest.mark.claim(
    "flink-sql-watermark-subtracts-no-ms", "flink-current-watermark-excludes-the-row"
)
def test_a_watermark_in_sql_is_the_newest_time_less_what_is_written(flink: Flink):
    assert met(flink, flink.named([at(14_000), at(14_000)], bound_ms=3_999)) == [None, 10_000]


@pytest.mark.claim("flink-watermarks-never-go-back")
def test_older_events_leave_the_watermark_where_it_is(flink: Flink):
    seen = met(flink, flink.named(STORY))
    arrivals = [step for step in simulate(STORY, Policy()).steps if step.kind == "arrival"]
    assert seen[2:] == [step.before_ms for step in arrivals][2:]
    assert seen[3:5] == [3_999, 3_999]  # the event at 3 s has moved nothing
    assert seen[2:] == sorted(seen[2:])


@pytest.mark.claim("flink-periodic-watermark-default-200-ms")
def test_a_new_environment_sends_watermarks_every_200_ms(flink: Flink):
    env = StreamExecutionEnvironment.get_execution_environment(Configuration())
    assert env.get_config().get_auto_watermark_interval() == 200


@pytest.mark.claim("flink-bounded-source-ends-with-max-watermark")
def test_at_the_end_of_a_file_a_window_fires_that_no_event_has_completed(flink: Flink):
    table = flink.named([at(2_000), at(12_000)])
    call = f"TUMBLE(TABLE {table}, DESCRIPTOR(rt), INTERVAL '10' SECOND)"
    assert flink.windows(call) == [(0, 10_000, 1), (10_000, 20_000, 1)]


@pytest.mark.claim("flink-minimum-over-inputs")
@pytest.mark.parametrize("kind", [Inputs, Partitions])
def test_the_watermark_is_the_smallest_of_all_inputs(flink: Flink, kind: type[Inputs]):
    inputs = kind(2)
    inputs.advance(0, 13_999)
    assert inputs.watermarks == []  # nothing is known of the other
    inputs.advance(1, 7_999)
    inputs.advance(1, 12_999)
    assert inputs.watermarks == [7_999, 12_999]


@pytest.mark.claim("flink-idle-input-is-left-out")
@pytest.mark.parametrize("kind", [Inputs, Partitions])
def test_an_idle_input_holds_nothing_up(flink: Flink, kind: type[Inputs]):
    inputs = kind(2)
    inputs.advance(0, 13_999)
    inputs.advance(1, 7_999)
    inputs.mark_idle(1)
    assert inputs.watermarks == [7_999, 13_999]


@pytest.mark.claim(
    "flink-woken-partition-holds-up", "flink-woken-input-is-left-out-until-it-is-there"
)
@pytest.mark.parametrize(("kind", "goes_on"), [(Inputs, [15_999]), (Partitions, [])])
def test_an_input_that_wakes_behind_holds_up_its_source_but_no_operator(
    flink: Flink, kind: type[Inputs], goes_on: list[int]
):
    inputs = kind(2)
    inputs.advance(0, 13_999)
    inputs.mark_idle(1)
    inputs.advance(1, 8_499)
    inputs.advance(0, 15_999)
    assert inputs.watermarks == [13_999, *goes_on]
    inputs.advance(1, 16_999)
    assert inputs.watermarks == [13_999, 15_999]


@pytest.mark.claim("flink-current-watermark-is-null-at-first")
def test_the_first_row_meets_no_watermark(flink: Flink):
    assert met(flink, flink.named([at(1_760_000_400_000)])) == [None]


class Met(ProcessFunction):
    """Tell the watermark that an element meets here, after what it carries."""

    def process_element(self, value, ctx):
        yield f"{value} {max(ctx.timer_service().current_watermark(), -1)}"


@pytest.mark.claim("flink-watermarks-travel-between-events")
def test_a_second_operator_meets_the_same_watermarks_as_the_first(flink: Flink):
    stream = flink.stream(STORY).map(lambda event: str(event[0]), Types.STRING())
    twice = stream.process(Met(), Types.STRING()).process(Met(), Types.STRING())
    found = [line.split() for line in flink.run(twice)]
    assert [first for _, first, _ in found] == [second for _, _, second in found]
    assert found[-1] == ["6000", "12999", "12999"]


@pytest.mark.claim("flink-verdicts-depend-on-how-often-watermarks-are-sent")
@pytest.mark.parametrize(("interval", "late"), [("0 ms", 2), ("1 h", 0)])
def test_events_are_late_only_if_the_watermark_was_sent_before_them(
    flink: Flink, interval: str, late: int
):
    sent = Flink({"pipeline.auto-watermark-interval": interval})
    ten = TumblingEventTimeWindows.of(seconds(10))
    lines = sent.told(sent.stream(STORY).key_by(lambda event: 0, Types.INT()).window(ten))
    assert sum(line.startswith("late") for line in lines) == late


@pytest.mark.claim("flink-stop-with-drain-fires-open-windows")
@pytest.mark.parametrize(("drain", "rows"), [(False, 1), (True, 2)])
def test_a_stop_fires_what_is_open_only_if_it_drains(tmp_path: Path, drain: bool, rows: int):
    live = Flink({"execution.checkpointing.interval": "100 ms"})
    table = live.named([at(2_000), at(14_000)])
    live.tables.execute_sql(
        f"CREATE TEMPORARY TABLE endless WITH ('source.monitor-interval'='1 h') LIKE {table}"
    )
    live.tables.execute_sql(
        "CREATE TEMPORARY TABLE told (n BIGINT) WITH ('connector'='filesystem', 'format'='csv', "
        f"'path'='{tmp_path / 'told'}')"
    )
    windows = "TABLE(TUMBLE(TABLE endless, DESCRIPTOR(rt), INTERVAL '10' SECOND))"
    query = f"SELECT COUNT(*) FROM {windows} GROUP BY window_start, window_end"
    job = live.tables.execute_sql(f"INSERT INTO told {query}").get_job_client()
    deadline = time.monotonic() + PATIENCE_S
    while in_process.rows_in(tmp_path / "told") < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    kind = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
    stop = job._j_job_client.stopWithSavepoint  # PyFlink's own calls a method that Java has no more
    stop(drain, str(tmp_path / "saved"), kind).get()
    assert in_process.rows_in(tmp_path / "told") == rows
