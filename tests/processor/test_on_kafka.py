"""The development processor on a real broker and a real store, left in peace."""

from __future__ import annotations

import random
import re
import socket
from contextlib import closing
from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest
from kafka import KafkaProducer, TopicPartition
from msgspec.structs import replace

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, keep_joining, open_consumer
from flink_jobs.connectors.redis import KEYS_PER_CALL, FeatureStore, read_features
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import Reading
from flink_jobs.processor.lane import Ledger
from studykit.cli.status import topic_states
from studykit.services.topics import create_topics
from tests.support.inputs.rows import fraud_row
from tests.support.waiting import eventually
from tests.support.worlds.output import Reference, consumer_of, hashes
from tests.support.worlds.processor import PARTITIONS, START_MS, World

pytestmark = pytest.mark.services

ALERTS = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"


def test_until_caught_up_ends_with_what_the_log_says(world: World) -> None:
    world.seed(6_000, seed=1)
    world.finish()
    states = topic_states(world.services.kafka.address, world.group)
    sources = [state for state in states if state.topic in SOURCE_TOPICS]
    assert [state.lag for state in sources] == [0, 0]
    ends = world.ends(SOURCE_TOPICS)
    with consumer_of(world.services) as consumer:  # another test may have deleted the oldest
        begins = consumer.beginning_offsets(list(ends))
    for state in sources:
        places = [TopicPartition(state.topic, number) for number in range(PARTITIONS)]
        assert list(state.partitions) == [ends[place] - begins[place] for place in places]
    reference = world.assert_undisturbed()
    assert {letter.reason for letter in reference.output.letters} == {
        "late",
        "partial_late",
        "malformed",
        "future_timestamp",
    }
    assert any(row.revision for row in reference.output.rows)


def test_metrics_are_the_ledgers(world: World) -> None:
    world.seed(3_000, seed=2)
    run = world.start()
    reference = world.reference()
    eventually(lambda: run.samples("features_consumed_total") == consumed(reference))
    assert run.samples("features_records_total") == verdicts(reference)
    rows = [row.feature_set for row in reference.output.rows]
    emitted = {(name,): float(rows.count(name)) for name in set(rows)}
    eventually(lambda: run.samples("features_windows_emitted_total") == emitted)
    eventually(lambda: set(run.samples("features_lag_records").values()) == {0.0})
    assert len(run.samples("features_watermark_lag_seconds")) == 8
    eventually(lambda: run.samples("features_batch_seconds_count")[()] > 0)
    eventually(lambda: run.samples("features_processing_rate")[()] > 0)
    well = (200, '{"status":"ok","job":"stream_processor","troubles":{}}')
    eventually(lambda: run.get("/healthz") == well)
    page = run.get("/metrics")[1]
    asked = set(re.findall(r"\bfeatures_\w+", ALERTS.read_text()))
    assert {name for name in asked if f"# TYPE {name} " not in page} == set()
    reading = Reading.of(0.0, MetricsPage.read(page))
    assert reading.consumed == sum(consumed(reference).values())
    places = {f"{topic}/{number}" for topic in SOURCE_TOPICS for number in range(PARTITIONS)}
    assert places == reading.partitions.keys() == reading.read.keys()


def test_sigterm_emits_nothing(world: World) -> None:
    """No window that is open, that is: what is due is flushed and committed."""
    world.seed(3_000, seed=3)
    run = world.start(CHECKPOINT_INTERVAL_MS="600000")
    reference = world.reference()
    eventually(lambda: run.samples("features_consumed_total") == consumed(reference))
    assert run.stop() == 0
    world.assert_undisturbed()
    assert world.committed() == world.ends(SOURCE_TOPICS)


def test_restart_does_not_readmit_late(world: World) -> None:
    world.seed(3_000, seed=4)
    world.finish()
    old = [record for some in world.read(SOURCE_TOPICS).values() for record in some[:100]]
    world.append((record.topic, record.partition, record.key, record.value) for record in old)
    run = world.start()
    eventually(lambda: sum(run.samples("features_consumed_total").values()) == 1_200)
    assert run.stop() == 0
    reference = world.assert_undisturbed()
    assert sum(ledger.late for ledger in reference.ledgers.values()) > 500


def test_logs_are_json_with_topic_partition_and_offsets(world: World) -> None:
    world.seed(3_000, seed=5)
    world.finish()
    lines = world.runs[-1].lines()
    assert {line["job"] for line in lines} == {"stream_processor"}
    assert len(lines) < 100, "no line per event"
    committed = [line for line in lines if line["message"] == "committed"]
    ends = world.ends(SOURCE_TOPICS)
    assert {(line["topic"], line["partition"]) for line in committed} == set(ends)
    for line in committed:
        assert (
            0
            <= line["first_offset"]
            < line["next_offset"]
            <= ends[line["topic"], line["partition"]]
        )


def test_group_left_with_other_windows_is_refused(world: World) -> None:
    world.seed(500, seed=6)
    world.finish()
    run = world.start(WINDOW_SIZE_MINUTES="10")
    assert run.ended() == 1
    last = run.log.read_text().splitlines()[-1]
    assert last.startswith("stream_processor: group") and "choose another KAFKA_GROUP" in last
    assert "Traceback" not in run.log.read_text()


@pytest.mark.parametrize(
    ("flag", "says"),
    [("--redis-port", "no Redis answers at"), ("--metrics-port", "is taken by another process")],
)
def test_start_that_cannot_be_is_one_sentence(world: World, flag: str, says: str) -> None:
    with socket.socket() as neighbour:  # which has the port, and does not answer on it
        neighbour.bind(("127.0.0.1", 0))
        run = world.start(flag, str(neighbour.getsockname()[1]))
        assert run.ended() == 1
    (line,) = run.log.read_text().splitlines()
    assert line.startswith("stream_processor: ") and says in line


def test_log_that_ends_with_the_mark_of_a_transaction(world: World) -> None:
    """The log's last offset is then no record's; and what was aborted does not count."""
    world.seed(500, seed=7)
    transaction(world, commit=False)
    transaction(world, commit=True)
    world.finish()
    reference = world.assert_undisturbed()
    assert b"committed" in [letter.original for letter in reference.output.letters]
    assert b"aborted" not in [letter.original for letter in reference.output.letters]


def transaction(world: World, *, commit: bool) -> None:
    producer = KafkaProducer(
        bootstrap_servers=world.services.kafka.address, transactional_id=f"{world.group}-{commit}"
    )
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(
        "transactions", key=b"c", value=b"committed" if commit else b"aborted", partition=0
    )
    producer.flush(30)
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close()


def test_record_too_long_for_a_dead_letter_is_cut(world: World) -> None:
    """Compressed, it came through the broker; as it is, it would not, and hold up all the rest."""
    producer = KafkaProducer(
        bootstrap_servers=world.services.kafka.address,
        compression_type="gzip",
        max_request_size=64 << 20,
    )
    for megabytes in (5, 30):
        value = b"x" * (megabytes << 20)
        producer.send("transactions", key=b"c", value=value, partition=0)
    producer.flush(30)
    producer.close()
    world.seed(300, seed=8)
    world.finish()
    letters = [letter for some in world.read((DEAD_LETTER_TOPIC,)).values() for letter in some]
    long = [letter for letter in letters if letter.value and len(letter.value) > 1 << 20]
    assert sorted(len(letter.value) >> 20 for letter in long) == [5, 10]
    told = {dict(letter.headers).get("original_bytes") for letter in long}
    assert told == {None, str(30 << 20).encode()}
    assert world.committed() == world.ends(SOURCE_TOPICS)


def test_join_that_outlasts_its_poll_is_finished(world: World) -> None:
    """Polls so short that answers come between them, while a topic gets more partitions."""
    topic, draw = f"growing-{world.group}", random.Random(23)
    create_topics(world.services.kafka.address, [topic])
    consumer = open_consumer(Settings.load(world.environment()), reset="earliest")
    with world.admin() as admin, closing(consumer) as member:
        member.subscribe([topic])

        def knows(partitions: int) -> bool:
            return bool(member.topics()) and len(member.partitions_for_topic(topic)) == partitions

        def owns(partitions: int) -> bool:
            keep_joining(member)
            member.poll(draw.randrange(1, 15))
            return len(member.assignment()) == partitions

        eventually(partial(owns, 4))
        for count in range(5, 15):
            admin.create_partitions({topic: count})
            eventually(partial(knows, count))
            eventually(partial(owns, count), seconds=20)


def test_equal_revision_redis_noop(world: World) -> None:
    client = world.redis()
    store = FeatureStore(client, {"fraud": 300_000})
    row = fraud_row(revision=1)
    assert store.write([row]).stale == 0
    client.pexpire(row.redis_key, 200_000)
    before = hashes(client)
    assert store.write([row]).stale == 1
    assert hashes(client) == before
    assert client.pttl(row.redis_key) <= 200_000, "a row that is refused does not live longer"


def test_older_window_revision_refused(world: World) -> None:
    client = world.redis()
    store = FeatureStore(client, {"fraud": 300_000})
    assert store.write([fraud_row(end_ms=START_MS + 60_000, revision=1)]).stale == 0
    before = hashes(client)
    assert store.write([fraud_row(end_ms=START_MS, revision=7)]).stale == 1
    assert store.write([fraud_row(end_ms=START_MS + 60_000, revision=0)]).stale == 1
    assert hashes(client) == before
    assert store.write([fraud_row(end_ms=START_MS + 60_000, revision=2)]).stale == 0
    assert store.write([fraud_row(end_ms=START_MS + 120_000, revision=0)]).stale == 0
    (stored,) = hashes(client).values()
    assert (stored[b"window_end"], stored[b"revision"]) == (b"%d" % (START_MS + 120_000), b"0")


def test_every_row_of_a_large_batch_is_judged_by_itself(world: World) -> None:
    """More rows than one call takes; every third is stale, and some have fewer fields."""
    client, store = world.redis(), FeatureStore(world.redis(), {"fraud": 300_000})
    rows = [
        replace(fraud_row(revision=1, max_speed_kmh=None if number % 2 else 3.5), key=f"c{number}")
        for number in range(2 * KEYS_PER_CALL + 50)
    ]
    stale = rows[::3]
    store.write(replace(row, revision=2) for row in stale)
    assert store.write(rows).stale == len(stale)
    held = {row.redis_key: read_features(client, row.redis_key) for row in rows}
    assert len(hashes(client)) == len(rows)
    for number, row in enumerate(rows):
        assert held[row.redis_key]["revision"] == (1 if number % 3 else 2)
        assert ("max_speed_kmh" in held[row.redis_key]) == (number % 2 == 0)
        assert 0 < client.pttl(row.redis_key) <= 300_000


def test_newer_row_leaves_no_field_of_the_older(world: World) -> None:
    client = world.redis()
    store = FeatureStore(client, {"fraud": 300_000})
    store.write([fraud_row(revision=0, max_speed_kmh=3.5)])
    store.write([fraud_row(revision=1, max_speed_kmh=None)])
    (stored,) = hashes(client).values()
    assert b"max_speed_kmh" not in stored


def consumed(reference: Reference) -> dict[tuple[str, ...], float]:
    return {
        (feature_set, partition, topic): float(ledger.consumed)
        for (topic, partition, feature_set), ledger in reference.ledgers.items()
    }


def verdicts(reference: Reference) -> dict[tuple[str, ...], float]:
    return {
        (feature_set, partition, topic, column.name): float(getattr(ledger, column.name))
        for (topic, partition, feature_set), ledger in reference.ledgers.items()
        for column in fields(Ledger)
    }
