"""The development processor as a process of its own, and the output that it has to reach.

What is expected is never written down: it is what `Partition` makes of the topics, read back from
the broker, in one go and without a disturbance.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

import pytest
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import MemberToRemove
from kafka.errors import RetriableError
from prometheus_client.parser import text_string_to_metric_families

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, TARGET_TOPICS
from flink_jobs.connectors.redis import FeatureStore, newest_rows
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC, DeadLetter
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import ROW_HEADERS, FeatureRow, encode_row
from flink_jobs.features.transactions import FraudFeatures
from flink_jobs.processor.group.commits import delivered_until
from flink_jobs.processor.lane import Ledger
from flink_jobs.processor.partition import Output, Partition
from flink_jobs.simulator.arrivals import Arrival
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.partitions import partition_of
from flink_jobs.simulator.traffic import traffic
from flink_jobs.simulator.visits import VisitHabits
from studykit.services.network.ports import free_port
from studykit.services.supervision.waiting import wait_until
from studykit.workspace import Workspace
from tests.support.services.shared import TestServices, home_for_services

ENTRY_POINT = Path(__file__).parents[3] / "flink_jobs" / "stream_processor.py"
PARTITIONS = 4
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
ROUGH = Disorder(
    offline_share=0.01,
    duplicate_share=0.01,
    malformed_share=0.01,
    wrong_unit_share=0.002,
    future_share=0.002,
)

T = TypeVar("T")
Entry: TypeAlias = tuple[str, int, bytes | None, bytes | None]
"""Topic, partition, key and value of a record to append."""


def eventually(what: Callable[[], T], seconds: float = 60.0, poll_seconds: float = 0.1) -> T:
    """Poll until an answer is true, and return it; fail after a long time without one.

    Asked more often, a question with a Kafka client of its own would keep a processor busy, which
    what is waited for needs.
    """
    answer = wait_until(what, seconds, poll_seconds)
    assert answer, f"still not so after {seconds} s"
    return answer


def coordinated(ask: Callable[[], T]) -> T:
    """Ask the group coordinator, which takes a moment after the broker's start."""
    answers: list[T] = []

    def answered() -> bool:
        with suppress(RetriableError):
            answers.append(ask())
        return bool(answers)

    eventually(answered)
    return answers[0]


@dataclass
class Reference:
    """The output of an undisturbed run over the topics."""

    output: Output
    ledgers: dict[tuple[str, str, str], Ledger]
    """Ledgers by topic, partition and feature set."""


class Run:
    """A process of the development processor."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *flags: str) -> None:
        self.port = free_port()
        self.log = folder / f"processor-{uuid4().hex[:8]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ENTRY_POINT), *flags],
                env={**os.environ, **environment, "METRICS_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of the process's log; every line must be a JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a page of the process; status 0 while it serves none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the samples of a metric, by the values of their labels in alphabetical order."""
        found = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                if sample.name == name:
                    found[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
        return found

    def consumed(self) -> float:
        """Return how many records the process has processed, counted once for every feature set."""
        return sum(self.samples("features_consumed_total").values())

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to end (SIGTERM), and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def ended(self) -> int:
        """Wait until the process ends by itself, and return its exit status."""
        return self.process.wait(90)


@dataclass
class World:
    """The services, and the processors of one consumer group on them."""

    services: TestServices
    folder: Path
    settings: dict[str, str]
    group: str = field(default_factory=lambda: f"test-{uuid4().hex[:8]}")
    runs: list[Run] = field(default_factory=list)
    firsts: dict[TopicPartition, int] = field(default_factory=dict)
    partitions: dict[str, int] = field(default_factory=dict)
    """How many partitions an event topic has; the others have `PARTITIONS`."""
    sent: list[int] = field(default_factory=list)
    """How many records each call has appended."""

    def __post_init__(self) -> None:
        with self.admin() as admin:
            described = admin.describe_topics([*SOURCE_TOPICS])
        self.partitions = {topic["name"]: len(topic["partitions"]) for topic in described}
        self.begin_log()  # the log of the test before is not part of this
        self.redis().flushall()

    def begin_log(self, firsts: Mapping[TopicPartition, int] = {}) -> None:
        """Let the log begin at the present ends, or at `firsts`, and delete what is before."""
        self.firsts = {**self.ends((*SOURCE_TOPICS, *TARGET_TOPICS)), **firsts}
        sources = {
            place: first for place, first in self.firsts.items() if place.topic in SOURCE_TOPICS
        }
        with self.admin() as admin:
            admin.delete_records(sources)

    def redis(self, number: int = 0) -> redis.Redis:
        return redis.Redis("127.0.0.1", self.services.redis.port, number, socket_timeout=5)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "KAFKA_SERVERS": self.services.kafka.address,
            "KAFKA_GROUP": self.group,
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(self.services.redis.port),
            "CHECKPOINT_INTERVAL_MS": "200",
            **self.settings,
            **more,
        }

    def start(self, *flags: str, **more: str) -> Run:
        run = Run(self.folder, self.environment(**more), *flags)
        self.runs.append(run)
        return run

    def evict(self) -> None:
        """Take killed processes out of the group, which else waits for their session to expire."""
        with self.admin() as admin:
            groups = coordinated(lambda: admin.describe_groups([self.group]))
            members = groups[self.group]["members"]
            gone = [MemberToRemove(member_id=member["member_id"]) for member in members]
            if gone:
                admin.remove_group_members(self.group, gone)

    def admin(self) -> closing[KafkaAdminClient]:
        return closing(KafkaAdminClient(bootstrap_servers=self.services.kafka.address))

    def finish(self) -> None:
        """Run a processor until it has caught up."""
        run = self.start("--until-caught-up")
        assert run.ended() == 0, run.log.read_text()

    def seed(self, events: int, seed: int) -> None:
        """Append a stretch of rough traffic, later than everything before it."""
        self.append(islice(self.traffic(seed), events))

    @contextmanager
    def flowing(self, seed: int) -> Iterator[None]:
        """Send rough traffic while the context is open, up to a thousand records a second."""
        enough = threading.Event()

        def paced() -> Iterator[Entry]:
            for number, entry in enumerate(self.traffic(seed)):
                if number % 100 == 0 and enough.wait(0.1):
                    return
                yield entry

        with ThreadPoolExecutor(1) as pool:
            seeding = pool.submit(self.append, paced())
            try:
                yield
            finally:
                enough.set()
            seeding.result()

    def traffic(self, seed: int) -> Iterator[Entry]:
        """Return traffic without end."""
        for arrival in self.arrivals(seed):
            yield arrival.topic, partition_of(arrival.key, PARTITIONS), arrival.key, arrival.value

    def arrivals(self, seed: int, rate: float = 2.0) -> Iterator[Arrival]:
        """Return a stretch of rough traffic without end, later than every stretch before it.

        Args:
            seed: Decides the traffic.
            rate: Records a second, in event time.
        """
        last = getattr(self.services, "stretches", 0)
        self.services.stretches = last + 1  # type: ignore[attr-defined]
        return traffic(
            seed=seed,
            start_ms=START_MS + last * DAY_MS,
            rate=rate,
            card_habits=CardHabits(cards=200),
            visit_habits=VisitHabits(users=200),
            disorder=ROUGH,
        )

    def append(self, entries: Iterable[Entry], codec: str | None = None) -> None:
        """Append records, packed with a codec or with none."""
        producer = KafkaProducer(
            bootstrap_servers=self.services.kafka.address,
            compression_type=codec,
            linger_ms=20,
            reconnect_backoff_max_ms=1_000,
            metrics_enabled=False,
        )
        count = 0
        for topic, partition, key, value in entries:
            producer.send(topic, key=key, value=value, partition=partition)
            count += 1
        producer.flush(60)
        producer.close()
        self.sent.append(count)

    def ends(self, topics: tuple[str, ...]) -> dict[TopicPartition, int]:
        """Return the offsets that the next records of the topics will have."""
        asked = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(self.partitions_of(topic))
        ]
        with consumer_of(self.services) as consumer:
            return dict(consumer.end_offsets(asked))

    def partitions_of(self, topic: str) -> int:
        """Return how many partitions a topic has, as far as this test knows."""
        return self.partitions.get(topic, PARTITIONS)

    def appeared(self) -> int:
        """Return how many rows and dead letters the topics hold."""
        ends = self.ends(TARGET_TOPICS)
        return sum(end - self.firsts[partition] for partition, end in ends.items())

    def wait_for_output(self, more: float) -> None:
        """Return as soon as the topics hold so many more rows and letters than now."""
        before = self.appeared()
        eventually(lambda: self.appeared() - before >= more)

    def committed(self) -> dict[TopicPartition, int]:
        """Return the offset up to which the group has delivered its output, by partition."""
        with self.admin() as admin:
            offsets = coordinated(lambda: admin.list_group_offsets(self.group))[self.group]
        return {partition: delivered_until(commit) for partition, commit in offsets.items()}

    def reference(self, log: Mapping[TopicPartition, Sequence[Any]] | None = None) -> Reference:
        """Process the whole of the topics at once, or a log that was read of them before."""
        settings = Settings.load(self.environment())
        output, ledgers = Output(), {}
        log = self.read(SOURCE_TOPICS) if log is None else log
        for place, records in log.items():
            partition = Partition(place.topic, settings)
            output += partition.process(records)
            for lane in partition.lanes:
                where = (place.topic, str(place.partition), lane.feature_set.name)
                ledgers[where] = lane.ledger
                assert lane.ledger.consumed == len(records)
        return Reference(output, ledgers)

    def read(self, topics: tuple[str, ...]) -> dict[TopicPartition, list[Any]]:
        """Return the records that this test has appended to the topics."""
        ends = self.ends(topics)
        found: dict[TopicPartition, list[Any]] = defaultdict(list)
        with consumer_of(self.services) as consumer:
            consumer.assign(list(ends))
            for place in ends:
                consumer.seek(place, self.firsts.get(place, 0))  # a new partition begins at 0
            while any(consumer.position(place) < end for place, end in ends.items()):
                for place, records in consumer.poll(1_000, max_records=10_000).items():
                    found[place] += records
        return found

    def assert_undisturbed(self) -> Reference:
        """Compare the whole output with that of an undisturbed run over the same log."""
        reference = self.reference()
        records = self.read(TARGET_TOPICS)
        of_topic = defaultdict(list)
        for place, appended in records.items():
            of_topic[place.topic] += appended
        letters = once((r.key, (r.value, tuple(r.headers))) for r in of_topic[DEAD_LETTER_TOPIC])
        assert_same(letters, {letter.key: image(letter) for letter in reference.output.letters})
        for feature_set in CATALOG:
            assert all(tuple(r.headers) == ROW_HEADERS for r in of_topic[feature_set.target])
            rows = once(
                (identity(json.loads(r.value)), r.value) for r in of_topic[feature_set.target]
            )
            mine = [r for r in reference.output.rows if r.feature_set == feature_set.name]
            assert_same(rows, {(r.key, r.window_end, r.revision): encode_row(r) for r in mine})
        self.assert_stored(reference.output.rows)
        return reference

    def assert_stored(self, rows: list[FeatureRow]) -> None:
        """Compare the hashes, byte for byte, with those that one write of the newest rows makes."""
        stored = self.stored_by(rows)
        assert_same(hashes(self.redis()), stored)
        assert len(stored) == len(newest_rows(rows))

    def stored_by(self, rows: list[FeatureRow]) -> dict[bytes, dict[bytes, bytes]]:
        """Return the hashes that one write of the newest rows makes."""
        other = self.redis(1)
        other.flushdb()
        settings = Settings.load(self.environment())
        FeatureStore(
            other, {feature_set.name: feature_set.ttl_ms(settings) for feature_set in CATALOG}
        ).write(rows)
        return hashes(other)


def consumer_of(services: TestServices) -> closing[KafkaConsumer]:
    """Open a consumer of no group."""
    return closing(
        KafkaConsumer(
            bootstrap_servers=services.kafka.address,
            enable_auto_commit=False,
            isolation_level="read_committed",
            metrics_enabled=False,
        )
    )


def hashes(client: redis.Redis) -> dict[bytes, dict[bytes, bytes]]:
    keys = sorted(client.scan_iter("features:*", count=1_000))
    with client.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hgetall(key)
        return dict(zip(keys, pipeline.execute(), strict=True))


def assert_same(found: dict[Any, Any], expected: dict[Any, Any]) -> None:
    """Compare large dictionaries, and show a few of the differences."""
    missing = sorted(expected.keys() - found.keys())
    surplus = sorted(found.keys() - expected.keys())
    other = [
        (found[key], expected[key]) for key in found if expected.get(key, found[key]) != found[key]
    ]
    differences = len(missing), len(surplus), len(other)
    assert differences == (0, 0, 0), (differences, missing[:3], surplus[:3], other[:3])


def once(pairs: Iterable[tuple[T, Any]]) -> dict[T, Any]:
    """Return pairs as a dictionary; two pairs of one key must be equal."""
    found: dict[T, Any] = {}
    for key, value in pairs:
        assert found.setdefault(key, value) == value, key
    return found


def identity(row: Mapping[str, Any]) -> tuple[str, int, int]:
    return row["key"], row["window_end"], row["revision"]


def image(letter: DeadLetter) -> tuple[bytes | None, tuple[tuple[str, bytes], ...]]:
    return letter.original, tuple(letter.headers)


def one_window(
    *, end_ms: int = START_MS, revision: int, max_speed_kmh: float | None = None
) -> FeatureRow:
    """Return a row of one card."""
    features = FraudFeatures(
        tx_count=2,
        amount_sum_cents=300,
        amount_max_cents=200,
        amount_mean_cents=150.0,
        amount_std_cents=50.0,
        distinct_merchants=1,
        distinct_countries=1,
        max_speed_kmh=max_speed_kmh,
        impossible_travel=False,
        risk_score=0,
        reason_codes=(),
        score_version=1,
        updated_event_time=end_ms - 1,
    )
    return FeatureRow("fraud", "card_1", end_ms - 300_000, end_ms, revision, features)


def point(seed: int, low: float, high: float) -> float:
    """Return a number between `low` and `high` that `seed` chooses."""
    return random.Random(seed).uniform(low, high)


@pytest.fixture(scope="session")
def own_services() -> Iterator[TestServices]:
    """Give a broker and a store that no other test uses, for a test to kill."""
    with home_for_services() as home:
        yield TestServices(Workspace(home))


@pytest.fixture
def world(own_services: TestServices, tmp_path: Path) -> Iterator[World]:
    """Give a group of its own, an empty store, and a log to which the test appends."""
    own_services.kafka.start()  # a test that failed may have left them dead
    own_services.redis.start()
    world = World(own_services, tmp_path, {"ALLOWED_LATENESS_SECONDS": "60"})
    yield world
    for run in world.runs:
        if run.is_alive():
            run.kill()
