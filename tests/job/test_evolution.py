"""What a changed job can go on from: one savepoint, and each change tried from there.

What is expected is what the development processor makes of the whole log, without a stop.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from itertools import islice
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import redis
from kafka import KafkaAdminClient, TopicPartition

from flink_jobs import feature_job
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.names import Names
from flink_jobs.connectors.redis import newest_rows, read_features
from flink_jobs.events import CLICKSTREAM, EVENT_TYPES, TRANSACTIONS, EventDecoder, Malformed
from flink_jobs.features.catalog import CATALOG, FRAUD
from flink_jobs.features.row import FeatureRow, encode_row
from flink_jobs.features.transactions import FraudFeatures
from flink_jobs.job import functions
from flink_jobs.job.checkpoint import restored_watermarks
from flink_jobs.job.edges.kafka import KafkaEdges, begin
from flink_jobs.job.graph import build, interval, statement
from flink_jobs.job.lifecycle import _stop
from flink_jobs.job.notes import FlinkNote
from flink_jobs.job.state import JobUnusable, State, StateFolder
from flink_jobs.processor.replay import replay
from flink_jobs.runtime.environment import table_environment
from studykit.services import topics
from studykit.services.flink.jars import JarCache, read_lock
from tests.support.inputs import logs
from tests.support.waiting import eventually
from tests.support.worlds.job import FEATURE_TOPICS, LONG_AFTER_MS, JobWorld

pytestmark = [pytest.mark.jvm, pytest.mark.services]

PATIENCE_S = 400
EVENTS = 1_200
VELOCITY = replace(FRAUD, name="velocity", target="features-velocity")


@dataclass
class Evolution:
    """A log, the rows of a job that was stopped amid it, and the savepoint of the stop."""

    world: JobWorld
    folder: Path
    settings: Settings
    firsts: dict[tuple[str, int], int]
    """Where the feature topics ended before the job, by topic and partition."""
    options: dict[str, str]
    """Where Flink finds its Kafka connector."""
    savepoint: Path | None = None
    left: Counter[tuple[bytes, bytes]] | None = None
    """The rows before the stop."""
    rows: list[FeatureRow] | None = None
    """The rows of the whole log, by the development processor."""
    latest_ms: int = 0
    """The largest event time before the stop."""

    @contextmanager
    def running(self, parallelism: int = 1, statements=statement, anew: Settings | None = None):
        """Run the job in this process, and stop it: from the savepoint, or with settings anew."""
        settings, origin = (anew, None) if anew else (self.settings, self.savepoint)
        state = StateFolder(self.folder / uuid4().hex, origin)
        options = {**state.options(settings), **self.options}
        env, table_env = table_environment(parallelism, options)
        edges = KafkaEdges(settings, idle_s=0)
        if origin is None:
            begin(edges)
        restored_ms = restored_watermarks(origin) if origin else {}
        build(env, table_env, settings, edges, statements, restored_ms)
        client = env.execute_async("evolution")
        yield
        self.stopped = _stop(client, self.folder / "savepoints")
        client.get_job_execution_result().result()

    def told(self, names: Sequence[str] = FEATURE_TOPICS) -> Counter[tuple[bytes, bytes]]:
        """Return the committed rows since `firsts`, each of which carries the schema's version."""
        records = [
            record
            for record in self.world.whole(names)
            if record.offset >= self.firsts.get((record.topic, record.partition), 0)
        ]
        assert all(record.headers == [("schema_version", b"1")] for record in records)
        return Counter((record.key, record.value) for record in records)

    def see(self, expected: Counter[tuple[bytes, bytes]]) -> None:
        """Wait until there are as many rows as expected, and compare all of them."""
        eventually(lambda: self.told().total() >= expected.total(), PATIENCE_S, 0.5)
        assert self.told() == expected

    def going_on(self) -> Counter[tuple[bytes, bytes]]:
        """Forget the rows so far; return the rows that a job makes that goes on."""
        self.firsts = ends(self.world)
        return rows_of(self.rows) - self.left


def ends(world: JobWorld) -> dict[tuple[str, int], int]:
    return {
        (topic, number): world.end(topic, number)
        for topic in (*FEATURE_TOPICS, VELOCITY.target)
        for number in range(topics.PARTITIONS)
    }


def rows_of(rows: list[FeatureRow]) -> Counter[tuple[bytes, bytes]]:
    return Counter((row.redis_key.encode(), encode_row(row)) for row in rows)


def forget(world: JobWorld) -> None:
    """Delete the events of the tests before."""
    with closing(KafkaAdminClient(bootstrap_servers=world.servers)) as admin:
        admin.delete_records(
            {
                TopicPartition(topic, number): world.end(topic, number)
                for topic in EVENT_TYPES
                for number in range(topics.PARTITIONS)
            }
        )


def some_traffic() -> Iterator[LogRecord]:
    """Yield traffic whose event times are never ahead of the append times of its simulation."""
    for record in logs.simulated_day(topics.PARTITIONS):
        try:
            event_ms = EventDecoder(record.topic).decode(record.key, record.value).event_time
        except Malformed:
            event_ms = 0
        if event_ms <= record.timestamp:
            partition = record.partition - logs.FIRST_SIMULATED
            yield msgspec.structs.replace(record, partition=partition)


def end_of_log() -> Iterator[LogRecord]:
    """Yield an event for every partition that is so late that all before is over."""
    for partition in range(topics.PARTITIONS):
        key = f"end-{partition}"
        for topic, make in ((TRANSACTIONS, logs.payment), (CLICKSTREAM, logs.click)):
            value = msgspec.json.encode(make(LONG_AFTER_MS, key))
            yield LogRecord(topic, partition, 0, 0, key.encode(), value)


@pytest.fixture(scope="module")
def evolution(kafka_servers, redis_address, services, tmp_path_factory) -> Evolution:
    topics.create_topics(kafka_servers, [*topics.TOPICS, VELOCITY.target])
    folder = tmp_path_factory.mktemp("evolution")
    world = JobWorld(services, folder)
    settings = Settings(
        kafka_servers=kafka_servers,
        kafka_group=f"evolution-{uuid4().hex}",
        redis_host=redis_address[0],
        redis_port=redis_address[1],
        checkpoint_interval_ms=500,
        metrics_port=0,
    )
    jars = [jar.as_uri() for jar in JarCache.of_user().ensure(read_lock()["flink"].jars)]
    table_environment(1)[0].add_jars(*jars)  # for the planner, which is in this process
    evolution = Evolution(world, folder, settings, ends(world), {"pipeline.jars": ";".join(jars)})

    forget(world)
    day = [*islice(some_traffic(), EVENTS)]
    world.send(day[: EVENTS // 2])
    evolution.latest_ms = max(record.timestamp for record in day[: EVENTS // 2])
    with evolution.running():
        eventually(lambda: evolution.told().total() > 100, PATIENCE_S, 0.5)
    evolution.savepoint, evolution.left = evolution.stopped, evolution.told()
    world.send([*day[EVENTS // 2 :], *end_of_log()])
    output, _ = replay(world.source(), settings)
    evolution.rows = [row for row in output.rows if not row.key.startswith("end-")]
    return evolution


class MoreFraudFeatures(FraudFeatures, frozen=True):
    """The fraud features of a later release, with one more of the fields that a line carries."""

    tx_twice: int = 0


finish_fraud = functions.FINISHERS[FRAUD.name]


@wraps(finish_fraud)
def finish_more(*columns: object) -> MoreFraudFeatures | None:
    features = finish_fraud(*columns)
    if features is None:
        return None
    return MoreFraudFeatures(**msgspec.structs.asdict(features), tx_twice=2 * features.tx_count)


def without_more(row: bytes) -> tuple[bytes, int]:
    fields = msgspec.json.decode(row)
    twice = fields["features"].pop("tx_twice", None)
    return msgspec.json.encode(fields), twice == 2 * fields["features"].get("tx_count", 0)


def test_a_feature_more_and_twice_the_parallelism_go_on(evolution, monkeypatch):
    monkeypatch.setitem(functions.FINISHERS, FRAUD.name, finish_more)
    expected = evolution.going_on()
    with evolution.running(parallelism=2):
        eventually(lambda: evolution.told().total() >= expected.total(), PATIENCE_S, 0.5)
    told = [(key, *without_more(row)) for key, row in evolution.told().elements()]
    assert Counter((key, row) for key, row, _ in told) == expected
    assert sum(right for *_, right in told) == sum(b":fraud:" in key for key, _ in expected)


def with_velocity(name: str, /, **values: str | int) -> str:
    """Return a statement; that of a new set counts what fraud counts, in windows side by side."""
    if name != VELOCITY.name:
        return statement(name, **values)
    text = statement(FRAUD.name, **{**values, "slide": interval(300_000)})
    return text.replace("fraud", VELOCITY.name)


def test_a_feature_set_more_goes_on_and_its_windows_that_begin_then_are_whole(
    evolution, monkeypatch
):
    for module in ("graph", "edges.kafka", "edges.store_writer"):
        monkeypatch.setattr(f"flink_jobs.job.{module}.CATALOG", (*CATALOG, VELOCITY))
    monkeypatch.setitem(functions.FINISHERS, VELOCITY.name, finish_fraud)
    expected = evolution.going_on()
    whole = rows_of(
        [
            msgspec.structs.replace(row, feature_set=VELOCITY.name)
            for row in evolution.rows
            if row.feature_set == FRAUD.name
            and row.window_start % 300_000 == 0
            and row.window_start > evolution.latest_ms
        ]
    )
    with evolution.running(statements=with_velocity):
        evolution.see(expected)
        eventually(lambda: not whole - evolution.told([VELOCITY.target]), PATIENCE_S, 0.5)
    assert whole


def test_another_bound_is_computed_anew_beside_and_old_readers_see_nothing_until_they_switch(
    evolution,
):
    """The steps of docs/evolution.md: another group, prefix and state, the same log."""
    prefix = f"green-{uuid4().hex[:8]}"
    green = replace(
        evolution.settings,
        kafka_group=prefix,
        features_prefix=prefix,
        max_out_of_orderness_seconds=600,
    )
    names = Names(prefix)
    topics.create_topics(green.kafka_servers, topics.topics_of({"FEATURES_PREFIX": prefix}))
    output, _ = replay(evolution.world.source(), green)
    rows = [row for row in output.rows if not row.key.startswith("end-")]
    expected = Counter(
        (names.key(row.feature_set, row.key).encode(), encode_row(row)) for row in rows
    )
    assert rows_of(rows) != rows_of(evolution.rows), "with this log the bound makes no difference"

    before, old = ends(evolution.world), hashes(evolution.world.redis, "features")
    targets = [name for name in names.topics if name != names.letters]
    with evolution.running(anew=green):
        eventually(lambda: evolution.told(targets).total() >= expected.total(), PATIENCE_S, 0.5)
    assert evolution.told(targets) == expected

    assert ends(evolution.world) == before
    for key, fields in hashes(evolution.world.redis, "features").items():
        assert old[key] == fields
    served = {
        row.redis_key: read_features(evolution.world.redis, names.key(row.feature_set, row.key))
        for row in newest_rows(rows)
    }
    assert any(served.values())
    for row in newest_rows(rows):
        if held := served[row.redis_key]:  # the others have expired
            wanted = msgspec.json.decode(encode_row(row))["features"]
            assert {name: held.get(name) for name in wanted} == wanted
            assert (held["window_end"], held["schema_version"]) == (row.window_end, 1)


def test_a_note_is_kept_wherever_flink_keeps_checkpoints(evolution, tmp_path):
    note = FlinkNote(tmp_path.as_uri())
    assert note.read() is None
    for text in ("bound: 30", "größer"):
        note.write(text)
        assert FlinkNote(tmp_path.as_uri()).read() == text
    with pytest.raises(JobUnusable, match=r"^cannot keep state in s3://b/c \(.*scheme 's3'.*\):"):
        State().claim_in({"execution.checkpointing.dir": "s3://b/c"}, {})


def hashes(client: redis.Redis, prefix: str) -> dict[bytes, dict[bytes, bytes]]:
    """Return all hashes of a prefix; one that expires meanwhile is left out."""
    found = {key: client.hgetall(key) for key in client.scan_iter(f"{prefix}:*")}
    return {key: fields for key, fields in found.items() if fields}


def with_one_aggregate_more(name: str, /, **values: str | int) -> str:
    text = statement(name, **values)
    if name == "session":
        told = "COUNT(*) AS events"
        assert told in text
        text = text.replace(told, "COUNT(*) + SUM(event_time) - SUM(event_time) AS events")
    return text


@pytest.fixture
def start(evolution, monkeypatch, tmp_path):
    """Return a function that starts the job in this process, as its entry point does.

    The cluster's configuration names, as under Kubernetes, a folder for checkpoints and what the
    job goes on from: the savepoint, which has no note beside it.
    """
    savepoint = tmp_path / "savepoint"
    shutil.copytree(evolution.savepoint, savepoint)
    cluster = {
        "execution.checkpointing.dir": (tmp_path / "checkpoints").as_uri(),
        "execution.state-recovery.path": savepoint.as_uri(),
    }

    def with_cluster(parallelism, options, _):
        named = {**cluster, **options, **evolution.options}
        return table_environment(parallelism, named)

    monkeypatch.setenv("METRICS_PAGES", "http://127.0.0.1:1/metrics")
    monkeypatch.setattr(feature_job, "table_environment", with_cluster)
    monkeypatch.setattr(feature_job, "check_connector", lambda _: None)
    monkeypatch.setattr(feature_job, "start_logging", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def start(*, managed, settings=evolution.settings, statements=statement):
        state = State() if managed else StateFolder(tmp_path / "state", savepoint)
        State().claim_in(cluster, feature_job._identity(evolution.settings))
        feature_job.run_on_kafka(KafkaEdges(settings), state, statements=statements)

    return start


@pytest.mark.parametrize("managed", [False, True])
def test_an_aggregate_more_is_refused_in_one_sentence_and_not_retried_for_ever(start, managed):
    """What only Flink can know; with and without Kubernetes."""
    with pytest.raises(JobUnusable, match=r"^the checkpoint or savepoint does not fit this job"):
        start(managed=managed, statements=with_one_aggregate_more)


def test_under_kubernetes_another_slide_is_refused_before_anything_runs(start, evolution):
    slower = replace(evolution.settings, window_slide_seconds=150)
    with pytest.raises(JobUnusable, match=r"left with other settings \(window_slide_seconds: 60\)"):
        start(managed=True, settings=slower)
