"""The DataStream job and the development processor, on the same payments, line by line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.datastream.job import ExecutionMode, Form, main, replay_with_datastream
from flink_jobs.events import TRANSACTIONS
from flink_jobs.processor import replay
from tests.support.inputs import logs
from tests.support.worlds.executions import Executions, ResultFiles

pytestmark = [pytest.mark.jvm, pytest.mark.slow]

PATIENT = Settings(allowed_lateness_seconds=90)


def _payments(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    return (record for record in records if record.topic == TRANSACTIONS)


def _one_stream() -> Iterator[LogRecord]:
    """Yield a random stream of one partition, dense with trouble, and then its first half again."""
    records = list(_payments(logs.random_streams(5, 1, 200)))
    yield from records
    for number, record in enumerate(records[:100]):
        yield msgspec.structs.replace(record, offset=records[-1].offset + 1 + number)


def _every_minute(key: str, partition: int, minutes: int) -> Iterator[LogRecord]:
    for offset in range(minutes):
        value = msgspec.json.encode(logs.payment(offset * logs.MINUTE, key))
        yield LogRecord(TRANSACTIONS, partition, offset, logs.T + 3_600_000, key.encode(), value)


@pytest.fixture(scope="module")
def execute(tmp_path_factory):
    """Return a function that runs both and returns what they wrote."""

    def run(
        records: Iterable[LogRecord], settings: Settings, form: Form, mode: ExecutionMode
    ) -> Executions:
        folder = tmp_path_factory.mktemp(f"{form}-{mode}")
        log = folder / "log.jsonl"
        write_log(log, records)
        replay.replay_file(log, folder / "processor", settings)
        replay_with_datastream(log, folder / "job", settings, form=form, mode=mode)
        return Executions(ResultFiles.read(folder / "job"), ResultFiles.read(folder / "processor"))

    return run


@pytest.fixture(scope="module")
def many_partitions(execute):
    records = [*logs.boundaries(), *logs.random_streams(1, 12, 40)]
    records += islice(_payments(logs.simulated_day(4)), 400)
    return execute(_payments(records), PATIENT, "timers", "process")


def test_timers_on_many_partitions_with_boundaries_and_a_piece_of_a_day(many_partitions):
    many_partitions.assert_equal()
    revisions = Counter(json.loads(row)["revision"] for row in many_partitions.job.rows)
    assert revisions[1] > 20  # or allowed lateness was not tested


def test_the_story_by_flinks_windows_fires_21_and_again_with_22(execute):
    settings = Settings(
        window_size_minutes=1,
        window_slide_seconds=60,
        max_out_of_orderness_seconds=24,
        allowed_lateness_seconds=18,
    )
    both = execute(logs.story(), settings, "windows", "process")
    both.assert_equal()
    first = [row for key in "ab" for row in both.job.rows_of(key) if row["window_start"] == logs.T]
    assert [(row["revision"], row["features"]["amount_sum_cents"]) for row in first] == [
        (0, 12),
        (0, 9),
        (1, 10),
    ]


@pytest.mark.parametrize("settings", [PATIENT, Settings()], ids=["lateness-90s", "no-lateness"])
def test_timers_inside_java_fire_and_free_as_the_watermark_goes(execute, settings):
    execute(_one_stream(), settings, "timers", "thread").assert_equal()


@pytest.mark.parametrize("settings", [PATIENT, Settings()], ids=["lateness-90s", "no-lateness"])
def test_flinks_windows_agree_and_say_nothing_of_a_payment_that_missed_some(execute, settings):
    both = execute(_one_stream(), settings, "windows", "thread")
    assert both.job.rows == both.processor.rows
    letters = [json.loads(letter) for letter in both.processor.letters]
    reasons = Counter(letter["reason"] for letter in letters)
    assert reasons["late"] > 20 and reasons["partial_late"] > 2  # or nothing was compared
    assert [json.loads(letter) for letter in both.job.letters] == [
        letter for letter in letters if letter["reason"] != "partial_late"
    ]


def test_flinks_windows_judge_by_the_newest_partition_of_a_file(execute):
    """A partition that lags is late by the clock of the others; by its own it is not."""
    records = [*_every_minute("ahead", 0, 20), *_every_minute("behind", 1, 5)]
    both = execute(records, Settings(), "windows", "thread")
    assert both.processor.letters == []
    assert {letter["offset"] for letter in both.job.letters_of(1)} == {0, 1, 2, 3, 4}
    assert both.job.rows_of("behind") == []
    assert both.job.rows_of("ahead") == both.processor.rows_of("ahead")


def test_a_log_that_is_not_there_is_one_sentence(capsys, tmp_path: Path):
    assert main(["--replay", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("datastream_job: cannot read the log file")
