"""What lesson 11 says about lost afternoons: types, pickles, errors, waiting, row kinds."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyflink.common import Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import KeyedProcessFunction, MapFunction, ProcessFunction
from pyflink.datastream.connectors.number_seq import NumberSequenceSource
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes
from pyflink.table.udf import udf
from pyflink.util.exceptions import TableException

from flink_jobs.utils.watermarks import MIN_WATERMARK
from studykit.figures.operators.keyed_state import place_of
from studykit.flink.in_process import at
from tests.support.services.flink import Flink
from tests.support.services.shared import INHERITED

pytestmark = pytest.mark.jvm


class Connected(MapFunction):
    """Hold what cannot be sent."""

    def __init__(self):
        self.connection = threading.Lock()

    def map(self, value):
        return value[2]


class OpensThere(Connected):
    """Make the same where the function works."""

    def __init__(self):
        pass

    def open(self, runtime_context):
        super().__init__()


@pytest.mark.claim("flink-functions-are-pickled-with-what-they-hold")
def test_a_function_that_holds_a_lock_cannot_be_sent_and_one_that_opens_it_can(flink: Flink):
    events = flink.stream([at(0, 7)])
    with pytest.raises(TypeError, match="cannot pickle"):
        flink.run(events.map(Connected(), Types.LONG()))
    assert flink.run(events.map(OpensThere(), Types.LONG())) == [7]


@pytest.mark.claim("flink-worker-error-is-inside-the-clients")
def test_the_error_of_a_function_is_deep_in_that_of_java(flink: Flink):
    failing = flink.stream([at(0, 0)]).map(lambda event: 1 // event[2], Types.LONG())
    with pytest.raises(Py4JJavaError) as caught:
        flink.run(failing)
    lines = str(caught.value).splitlines()
    assert "ZeroDivisionError" not in "".join(lines[:20])
    assert any("ZeroDivisionError" in line for line in lines)


UNAWAITED = """
import sys
from pathlib import Path
from studykit.flink.in_process import Flink, at
flink = Flink()
flink.table("payments", [at(0)], watermark="rt")
flink.tables.execute_sql(
    "CREATE TEMPORARY TABLE kept (amount BIGINT) WITH ('connector' = 'filesystem', "
    f"'format' = 'csv', 'path' = '{sys.argv[1]}')"
)
job = flink.tables.execute_sql("INSERT INTO kept SELECT amount FROM payments")
if sys.argv[2] == "wait":
    job.wait()
"""


@pytest.mark.claim("flink-insert-returns-before-the-end")
@pytest.mark.parametrize(("then", "rows"), [("leave", 0), ("wait", 1)])
def test_a_script_that_does_not_wait_writes_nothing(tmp_path: Path, then: str, rows: int):
    kept = tmp_path / "kept"
    script = [sys.executable, "-c", UNAWAITED, str(kept), then]
    subprocess.run(script, env=INHERITED, check=True, timeout=300)
    assert sum(len(file.read_text().splitlines()) for file in kept.glob("part-*")) == rows


@pytest.mark.claim("flink-updates-are-two-rows")
def test_a_sum_without_a_window_takes_back_the_old_row_and_sends_the_new(flink: Flink):
    table = flink.named([at(0, 5), at(1, 3)])
    rows = flink.rows(f"SELECT SUM(amount) FROM {table} GROUP BY card")
    told = [(row.get_row_kind().name, row[0]) for row in rows]
    assert told == [("INSERT", 5), ("UPDATE_BEFORE", 5), ("UPDATE_AFTER", 8)]


@pytest.mark.claim("flink-to-data-stream-takes-inserts-only")
def test_a_stream_of_inserts_cannot_be_made_of_updates(flink: Flink):
    sums = flink.tables.sql_query(f"SELECT SUM(amount) FROM {flink.named([at(0)])} GROUP BY card")
    with pytest.raises(TableException, match="doesn't support consuming update changes"):
        flink.tables.to_data_stream(sums)
    assert flink.tables.to_changelog_stream(sums)


class Seconds(TimestampAssigner):
    """Take a number for seconds."""

    def extract_timestamp(self, value, record_timestamp):
        return value * 1_000


class Stamp(ProcessFunction):
    """Tell the time of an element."""

    def process_element(self, value, context):
        yield context.timestamp()


@pytest.mark.claim("flink-python-assigner-on-a-source-is-ignored")
def test_an_assigner_in_python_is_called_behind_a_source_and_not_on_it(flink: Flink):
    strategy = WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(Seconds())
    numbers, none = NumberSequenceSource(1, 2), WatermarkStrategy.no_watermarks()
    on_it = flink.env.from_source(numbers, strategy, "numbers", Types.LONG())
    behind = flink.env.from_source(numbers, none, "numbers", Types.LONG())
    behind = behind.assign_timestamps_and_watermarks(strategy)
    assert flink.run(on_it.process(Stamp(), Types.LONG())) == [MIN_WATERMARK] * 2
    assert flink.run(behind.process(Stamp(), Types.LONG())) == [1_000, 2_000]


@pytest.mark.claim("flink-sql-windows-run-in-java")
def test_the_plan_of_a_window_has_python_only_where_a_function_is_in_python(flink: Flink):
    double = udf(lambda value: 2 * value, result_type=DataTypes.BIGINT())
    flink.tables.create_temporary_function("twice", double)
    windows = f"TABLE(TUMBLE(TABLE {flink.named([at(0)])}, DESCRIPTOR(rt), INTERVAL '1' SECOND))"
    grouped = f"FROM {windows} GROUP BY window_start, window_end"
    plain, doubled = (
        flink.tables.explain_sql(f"SELECT {what} {grouped}")
        for what in ("SUM(amount)", "SUM(twice(amount))")
    )
    assert "WindowAggregate" in plain
    assert "Python" not in plain
    assert "PythonCalc" in doubled


class Subtask(KeyedProcessFunction):
    """Tell where a key is at home."""

    def open(self, runtime_context):
        self.subtask = runtime_context.get_index_of_this_subtask()

    def process_element(self, value, ctx):
        yield f"{ctx.get_current_key()} {self.subtask}"


@pytest.mark.claim("flink-a-key-lives-on-one-subtask")
def test_all_events_of_a_key_meet_the_same_subtask(flink: Flink):
    flink.env.set_parallelism(2)
    try:
        events = [at(number, card=f"k{number % 10}") for number in range(40)]
        homes = set(flink.run(flink.keyed(events).process(Subtask(), Types.STRING())))
    finally:
        flink.env.set_parallelism(1)
    assert len(homes) == 10  # one for each key
    assert {home[-1] for home in homes} == {"0", "1"}


@pytest.mark.claim("flink-places-a-string-by-its-murmur-hash")
def test_place_of_is_where_flink_sends_a_string(flink: Flink):
    """Asked of Flink's own class, for keys that are strings in Java."""
    rule = get_gateway().jvm.org.apache.flink.runtime.state.KeyGroupRangeAssignment
    for key in ("a", "", "shop 7", "shop 7#15", "card_00042", "Zürich", "\U0001f4b6"):
        for parallelism in (1, 2, 3, 16):
            group = rule.assignToKeyGroup(key, 128)
            subtask = rule.assignKeyToParallelOperator(key, 128, parallelism)
            assert place_of(key, parallelism) == (group, subtask)
