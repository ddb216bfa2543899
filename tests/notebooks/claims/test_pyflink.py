"""What the study guide says about PyFlink, and about what Flink does unless told otherwise."""

from __future__ import annotations

from pathlib import Path

import pyflink
import pytest
from py4j.protocol import Py4JJavaError
from pyflink.common import Configuration, Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.datastream.window import TumblingEventTimeWindows
from pyflink.java_gateway import get_gateway

from studykit.flink.in_process import at
from studykit.trace.stories import STORY
from tests.support.services.flink import Flink, ms, seconds

pytestmark = pytest.mark.jvm


@pytest.mark.claim("flink-python-without-type-is-pickled")
def test_a_function_without_a_type_hands_on_pickled_bytes(flink: Flink):
    stream = flink.stream([at(0)])
    assert stream.map(lambda event: event).get_type() == Types.PICKLED_BYTE_ARRAY()


@pytest.mark.claim("flink-python-bundles-1000-rows-or-1-s")
def test_a_bundle_ends_after_1000_rows_or_1000_ms(flink: Flink):
    options = get_gateway().jvm.org.apache.flink.python.PythonOptions
    assert options.MAX_BUNDLE_SIZE.defaultValue() == 1_000
    assert options.MAX_BUNDLE_TIME_MILLS.defaultValue() == 1_000


@pytest.mark.claim("flink-python-bundle-holds-the-watermark")
def test_in_one_bundle_no_event_is_late(flink: Flink):
    options = {
        "python.fn-execution.bundle.size": "1000",
        "python.fn-execution.bundle.time": "60000",
    }
    bundled = Flink(options)
    ten = TumblingEventTimeWindows.of(seconds(10))
    windowed = bundled.stream(STORY).key_by(lambda event: 0, Types.INT()).window(ten)
    first, *_ = bundled.told(windowed)
    assert first.startswith("0 [0,10000) 5+9+3+4+1+2 at ")


@pytest.mark.claim("flink-window-start-follows-the-session-time-zone")
def test_a_window_starts_at_a_local_time(flink: Flink):
    table = flink.named([at(0)])
    windows = f"TABLE(TUMBLE(TABLE {table}, DESCRIPTOR(rt), INTERVAL '10' SECOND))"
    query = f"SELECT CAST(window_start AS STRING) FROM {windows} GROUP BY window_start, window_end"
    config = flink.tables.get_config()
    try:
        config.set("table.local-time-zone", "America/New_York")
        (row,) = flink.rows(query)
    finally:
        config.set("table.local-time-zone", "UTC")
    assert row[0] == "1969-12-31 19:00:00.000"


@pytest.mark.claim("flink-state-ttl-is-processing-time")
def test_state_lives_by_processing_time_only(flink: Flink):
    clocks = get_gateway().jvm.org.apache.flink.api.common.state.StateTtlConfig
    assert [str(clock) for clock in clocks.TtlTimeCharacteristic.values()] == ["ProcessingTime"]


@pytest.mark.claim("flink-sql-state-ttl-is-off-by-default")
def test_sql_forgets_no_group_unless_told(flink: Flink):
    options = get_gateway().jvm.org.apache.flink.table.api.config.ExecutionConfigOptions
    assert options.IDLE_STATE_RETENTION.key() == "table.exec.state.ttl"
    assert options.IDLE_STATE_RETENTION.defaultValue().toMillis() == 0


@pytest.mark.claim("flink-checkpoints-are-off-by-default")
def test_a_new_environment_takes_no_checkpoints(flink: Flink):
    env = StreamExecutionEnvironment.get_execution_environment(Configuration())
    assert not env.get_checkpoint_config().is_checkpointing_enabled()


@pytest.mark.claim("flink-python-runs-beside-java-by-default")
def test_python_functions_run_in_processes_of_their_own(flink: Flink):
    options = get_gateway().jvm.org.apache.flink.python.PythonOptions
    assert options.PYTHON_EXECUTION_MODE.defaultValue() == "process"


@pytest.mark.claim("flink-one-java-per-process")
def test_a_second_environment_is_in_the_same_java(flink: Flink):
    before = get_gateway()
    StreamExecutionEnvironment.get_execution_environment(Configuration())
    assert get_gateway() is before


@pytest.mark.claim("flink-package-has-no-kafka-connector")
def test_the_package_has_connectors_for_files_and_none_for_kafka():
    jars = [jar.name for jar in (Path(pyflink.__file__).parent / "lib").glob("*.jar")]
    assert any("connector-files" in jar for jar in jars)
    assert [jar for jar in jars if "kafka" in jar] == []


@pytest.mark.claim("flink-timestamps-with-a-zone-do-not-reach-python")
def test_a_timestamp_with_a_zone_does_not_arrive_and_a_whole_number_does(flink: Flink):
    table = flink.named([at(5_000)])
    with pytest.raises(Py4JJavaError, match="introspect"):
        flink.rows(f"SELECT rt FROM {table}")
    assert flink.rows(f"SELECT {ms('rt')} FROM {table}")[0][0] == 5_000
