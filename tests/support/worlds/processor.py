"""The processors of one consumer group on real services, and the output that they have to reach.

What is expected is never written down: it is what `Partition` makes of the topics, read back from
the broker, in one go and without a disturbance.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
import redis
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import MemberToRemove

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, TARGET_TOPICS
from flink_jobs.connectors.redis import FeatureStore, newest_rows
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import ROW_HEADERS, FeatureRow, encode_row
from flink_jobs.processor.group.commits import delivered_until
from flink_jobs.processor.partition import Output, Partition
from flink_jobs.simulator.arrivals import Arrival
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.partitions import partition_of
from flink_jobs.simulator.traffic import traffic
from flink_jobs.simulator.visits import VisitHabits
from studykit.workspace import Workspace
from tests.support.services.shared import TestServices, home_for_services
from tests.support.waiting import coordinated, eventually
from tests.support.worlds.output import (
    Reference,
    assert_same,
    consumer_of,
    hashes,
    identity,
    image,
    once,
)
from tests.support.worlds.run import Run

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

Entry: TypeAlias = tuple[str, int, bytes | None, bytes | None]
"""Topic, partition, key and value of a record to append."""


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
