"""The production job on a real broker and a real store, through a kill and a stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, suppress
from io import StringIO
from itertools import islice
from pathlib import Path
from unittest import mock

import msgspec
import pytest
from kafka import KafkaAdminClient, TopicPartition

from flink_jobs import feature_job
from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import KafkaUnusable
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.redis import newest_rows, read_features
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.events import CLICKSTREAM, EVENT_TYPES, TRANSACTIONS
from flink_jobs.features.catalog import CATALOG, SESSION
from flink_jobs.features.row import encode_row
from flink_jobs.job.edges.kafka import check_broker, topic_ids
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import LATE_DROPPED, Reading
from flink_jobs.processor.replay import replay
from studykit.cli.job_status import job_lines, metrics_page
from tests.support.inputs import logs
from tests.support.waiting import eventually
from tests.support.worlds.job import (
    FEATURE_TOPICS,
    LONG_AFTER_MS,
    PASSWORD_OF_STORE,
    JobWorld,
)

pytestmark = [pytest.mark.jvm, pytest.mark.services]

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"
PARTITIONS = {f"{topic}/{number}" for topic in EVENT_TYPES for number in range(4)}
PATIENCE_S = 400
"""How long a busy machine may take; half a minute is enough for an idle one."""
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards" / "features.json"


@pytest.fixture(scope="module")
def world():
    """Give services that demand TLS and a login, where certificates can be made for them."""
    with JobWorld.open(secured=shutil.which("openssl") is not None) as world:
        yield world


def _half_a_day() -> list[LogRecord]:
    """Return records with letters of every kind; more would take longer and prove no more."""
    return [
        msgspec.structs.replace(record, partition=record.partition - logs.FIRST_SIMULATED)
        for record in islice(logs.simulated_day(4), 2_500)
    ]


def _long_after() -> Iterator[LogRecord]:
    """Yield an event for every partition that is so late that all before is over."""
    for partition in range(4):
        for topic, fields in (
            (TRANSACTIONS, logs.payment(LONG_AFTER_MS, "end")),
            (CLICKSTREAM, logs.click(LONG_AFTER_MS, "end")),
        ):
            yield LogRecord(topic, partition, 0, 0, b"end", msgspec.json.encode(fields))


@pytest.mark.claim("flink-goes-on-from-its-checkpoint")
def test_exactly_once_through_a_kill_and_a_stop_with_a_savepoint(world):
    day = _half_a_day()
    half = len(day) // 2
    world.send(day[:half])
    with world.job() as job:
        world.committed(FEATURE_TOPICS, PATIENCE_S, lambda found: len(found) > 1_000)
        job.send_signal(signal.SIGKILL)
        assert job.wait(30) == -signal.SIGKILL
    assert list(world.state.glob("checkpoints/*/chk-*/_metadata"))

    world.send([*day[half:], *_long_after()])
    output, _ = replay(world.source(), Settings())
    rows = [row for row in output.rows if row.window_end < logs.T + LONG_AFTER_MS]
    with world.job("--parallelism", "2") as job:
        found = world.committed(FEATURE_TOPICS, PATIENCE_S, lambda found: len(found) >= len(rows))
        letters = world.committed(
            [DEAD_LETTER_TOPIC], PATIENCE_S, lambda found: len(found) >= len(output.letters)
        )
        _assert_told(world.metrics_port)
        job.send_signal(signal.SIGTERM)
        assert job.wait(PATIENCE_S) == 0
    assert list(world.state.glob("savepoints/*/_metadata"))
    _assert_logged(world.log)

    assert Counter((record.key, record.value) for record in found) == Counter(
        (row.redis_key.encode(), encode_row(row)) for row in rows
    )
    assert Counter(
        (record.key, record.value, frozenset(record.headers)) for record in letters
    ) == Counter(
        (letter.key, letter.original, frozenset(letter.headers)) for letter in output.letters
    )
    for row in newest_rows(rows):
        held = read_features(world.redis, row.redis_key)
        if held is None and row.feature_set != SESSION.name:
            continue  # its five minutes are over: the machine is busy
        features = json.loads(encode_row(row))["features"]
        wanted = {name: value for name, value in features.items() if value is not None}
        assert {name: held[name] for name in wanted} == wanted
        assert held["window_end"] == row.window_end


def _assert_told(port: int) -> None:
    """See what the job tells of itself: Flink pushes it every other second, each part by itself."""
    with suppress(AssertionError):  # the next line says what is wrong
        eventually(lambda: not _faults(metrics_page(port)), 60)
    assert _faults(metrics_page(port)) == {}
    assert metrics_page(port).total(LATE_DROPPED) == 0
    assert ("health", "well") in job_lines(port)


def _faults(told: MetricsPage) -> dict[str, set[str]]:
    """Return what is missing on the page, or should not be there, by where it would be seen."""
    asked = set(
        re.findall(r"\bflink_(?:task|job)manager_\w+", DASHBOARD.read_text() + ALERTS.read_text())
    )
    sets = {feature_set.name for feature_set in CATALOG}
    wrong = {
        "topics": EVENT_TYPES.keys() ^ told.by("consumed", "topic").keys(),
        "rows": sets ^ told.by("rows", "feature_set").keys(),
        "reasons": {"late", "partial_late", "malformed"} - told.by("dead_letters", "reason").keys(),
        "windows": {LATE_DROPPED} if len(told.of(LATE_DROPPED)) < len(sets) else set(),
        "checkpoints": set() if told.total("numberOfCompletedCheckpoints") else {"a completed one"},
        "partitions": PARTITIONS ^ Reading.of(0.0, told).partitions.keys(),
        "what is read": PARTITIONS ^ Reading.of(0.0, told).read.keys(),
        "dashboard and alerts": {name for name in asked if not told.of(name)},
    }
    return {where: names for where, names in wrong.items() if names}


def _assert_logged(log: Path) -> None:
    """See that Python and Java log one JSON object a line, with the same keys."""
    (by_java,) = log.parent.glob("flink-*.log")
    by_python = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
    # On a busy machine the first checkpoints fail: not every task runs yet, and the log says so.
    lives = [line for line in by_python if "trouble" not in line]
    assert [line["message"] for line in lives] == ["started", "started", "stopped"]
    assert "/savepoints/" in lives[-1]["savepoint"]
    assert not any(secret in log.read_text() for secret in (PASSWORD_OF_STORE, "eyJ"))
    for line in (*by_python, *map(json.loads, by_java.read_text().splitlines())):
        assert {"time_ms", "level", "job", "message"} <= line.keys()
        assert line["level"] in ("info", "warn", "error")


def settings_of(world: JobWorld) -> Settings:
    return Settings(kafka_servers=world.servers)


def _refusal(world, *flags: str, **environ: str) -> str:
    """Call the entry point in this process: Flink's imports take longer than what it does."""
    told = StringIO()
    with mock.patch.dict(os.environ, {**world.environ, **environ}), redirect_stderr(told):
        assert feature_job.main(["--state", str(world.state), *flags]) == 1
    (line,) = told.getvalue().splitlines()
    return line


def test_a_connector_that_is_missing_is_one_sentence(world):
    assert "no Kafka connector in FLINK_HOME=(unset)" in _refusal(world, FLINK_HOME="")


def test_a_cluster_that_is_away_is_one_sentence(world):
    line = " ".join(_refusal(world, "--cluster", "127.0.0.1:1").split())
    assert "no Flink cluster answers at 127.0.0.1:1: start one with" in line


def test_a_savepoint_that_is_not_there_is_one_sentence(world):
    assert "no checkpoint or savepoint in nowhere" in _refusal(world, "--from", "nowhere")


def test_a_broker_that_is_away_is_one_sentence(world):
    line = _refusal(world, KAFKA_SERVERS="127.0.0.1:1")
    assert "no Kafka broker answers at 127.0.0.1:1" in line


def test_a_store_that_is_away_is_one_sentence(world):
    line = _refusal(world, REDIS_PORT="1", REDIS_URL="")
    assert "no Redis answers at 127.0.0.1:1: start one with `make up`" in line


def test_more_readers_than_partitions_is_one_sentence(world):
    line = _refusal(world, "--parallelism", "5")
    assert "--parallelism 5 is more than a topic has partitions (4)" in line


def test_state_of_other_windows_is_one_sentence(world):
    line = _refusal(world, WINDOW_SIZE_MINUTES="7")
    assert "was left with other settings (window_size_minutes: 5)" in line


def test_a_topic_created_anew_is_one_sentence(world):
    note = world.state / "settings.json"
    held = note.read_text()
    note.write_text(held.replace(topic_ids(settings_of(world))[CLICKSTREAM], "another"))
    try:
        assert "created anew since (clickstream)" in _refusal(world)
    finally:
        note.write_text(held)


def test_records_deleted_before_they_were_read_are_one_sentence(world):
    """The state is that of the first test's job, which has read all that there was then."""
    read = world.end(TRANSACTIONS, 2)
    world.send(_long_after())
    with closing(KafkaAdminClient(bootstrap_servers=world.servers)) as admin:
        admin.delete_records({TopicPartition(TRANSACTIONS, 2): world.end(TRANSACTIONS, 2)})
    lost = world.end(TRANSACTIONS, 2) - read
    line = _refusal(world)
    assert f"{lost} records were deleted before the job read them, in transactions/2: " in line
    assert "choose another --state to start from what is left" in line


def test_a_broker_with_short_transactions_is_one_sentence(world, monkeypatch):
    monkeypatch.setattr("flink_jobs.job.edges.kafka.TRANSACTION_TIMEOUT_MS", 900_001)
    with pytest.raises(KafkaUnusable, match=r"ends transactions after 900000 ms.*raise the broker"):
        check_broker(Settings(kafka_servers=world.servers))
