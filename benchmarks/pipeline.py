"""End to end: from a real Kafka to a real Redis, against reading and decoding the same topic."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec
import redis
from kafka import KafkaProducer

from benchmarks.measure import Figure, take_turns, timed
from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import open_consumer
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore
from flink_jobs.connectors.topics import Topics
from flink_jobs.dead_letter import DeadLetter, UnstoredRow
from flink_jobs.engine.aggregates import CountSumMax, Totals
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SlidingWindows
from flink_jobs.events import TRANSACTIONS, Transaction
from flink_jobs.features.catalog import FRAUD, FeatureSet, Operator
from flink_jobs.features.row import FeatureRow
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.symptoms import Lookout
from flink_jobs.processor.garbage import collect_rarely
from flink_jobs.processor.loop import Processor
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Partition, ResumePoint
from flink_jobs.processor.patience import CALL_MS
from flink_jobs.simulator.golden import SPAN_MS, golden_transactions
from flink_jobs.simulator.partitions import partition_of
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.services.kafka import Kafka
from studykit.services.network.ports import free_port
from studykit.services.redis import Redis
from studykit.services.supervision.service import Service
from studykit.services.topics import PARTITIONS
from studykit.workspace import Workspace

HOURS = 3
HOME = Workspace.of_clone().home / "bench"


def measure() -> list[Figure]:
    """Measure the processor with the simplest features, and with all of them."""
    with services() as settings:
        count = fill(settings)
        times = take_turns(
            {
                "bare": partial(decode_all, settings, count),
                "quick": partial(decode_all, settings, count, plain=False),
                "totals": partial(process, settings, count, [TOTALS], RedisOnly),
                "fraud": partial(process, settings, count, [FRAUD], Outbox),
            }
        )
        alone_s, two_s = _of_workers(settings, 1), _of_workers(settings, 2)
    bare = times["bare"].wall_s
    workers = [
        Figure("pipeline", "one process of its own, in steady work", count / alone_s, "events/s",
               1.0, "itself"),
        Figure("pipeline", "--workers 2", count / two_s, "events/s", alone_s / two_s,
               "one process", "ratio >= 1.7"),
    ]  # fmt: skip
    return workers + [
        Figure("pipeline", name, count / times[key].wall_s, "events/s", bare / times[key].wall_s,
               "poll and decode", goal)
        for key, name, goal in (
            ("bare", "poll and decode only (kafka-python, msgspec)", ""),
            ("quick", "the same, batches read as for the processor", ""),
            ("totals", "count, sum, max into Redis", "ratio >= 0.7"),
            ("fraud", "all fraud features into Redis and the feature topic", "ratio >= 0.5"),
        )
    ]  # fmt: skip


def _of_workers(settings: Settings, workers: int, rounds: int = 3) -> float:
    """Return how many seconds so many workers need for the log, once they have begun.

    A second run of the same group finds nothing to do, so it takes what starting, joining the group
    and ending take.
    """
    group_s = []
    for _ in range(rounds):
        own = _in_a_new_group(settings)
        flags = {
            "--workers": workers,
            "--kafka-servers": own.kafka_servers,
            "--kafka-group": own.kafka_group,
            "--redis-port": own.redis_port,
            "--metrics-port": 0,
        }
        words = [str(word) for pair in flags.items() for word in pair]
        command = [sys.executable, "-m", "flink_jobs.stream_processor", "--until-caught-up", *words]
        run = partial(subprocess.run, command, check=True, stderr=subprocess.DEVNULL)
        group_s.append(timed(run).wall_s - timed(run).wall_s)
    return min(group_s)


_TOTALS: Final = CountSumMax()


class _Amounts:
    """Count, sum and maximum of the amounts of transactions."""

    merge = _TOTALS.merge
    finish = _TOTALS.finish

    def lift(self, values: Sequence[tuple[Transaction, int]]) -> list[int]:
        """Return the totals of the amounts."""
        return _TOTALS.lift([tx.amount_cents for tx, _ in values])

    def add(self, acc: list[int], value: tuple[Transaction, int]) -> list[int]:
        """Add the amount of a transaction that comes after its pane has closed."""
        tx, _ = value
        return _TOTALS.add(acc, tx.amount_cents)


def _totals_operator(settings: Settings, clock: BoundedOutOfOrderness) -> Operator:
    windows = SlidingWindows(settings.size_ms, settings.slide_ms)
    operator: SlidingOperator[tuple[Transaction, int], list[int], Totals]
    operator = SlidingOperator(windows, _Amounts(), clock)
    return operator


TOTALS: Final = FeatureSet("fraud", TRANSACTIONS, "features-fraud", operator=_totals_operator)


class RedisOnly(Outbox):
    """Sends no rows to Kafka."""

    def send(self, rows: Iterable[FeatureRow], letters: Iterable[DeadLetter | UnstoredRow]) -> None:
        """Send the dead letters alone."""
        super().send([], letters)


def decode_all(settings: Settings, count: int, *, plain: bool = True) -> int:
    """Join a group, read and decode every record: what any processor has to do at least."""
    return read_all(settings, count, msgspec.json.Decoder(Transaction).decode, plain=plain)


def read_all(settings: Settings, count: int, use: Callable[[bytes], object], *, plain: bool) -> int:
    """Join a group, read every record, and give its value to `use`.

    Args:
        settings: Where Kafka is.
        count: How many records there are.
        use: Is given every value.
        plain: Whether kafka-python reads batches by itself, as in a loop that anyone would write;
            else as it does for the processor.
    """
    collect_rarely()
    consumer = open_consumer(_in_a_new_group(settings), reset="earliest")
    if plain:
        del consumer._fetcher.PartitionRecords
    consumer.subscribe([TRANSACTIONS])
    seen = 0
    while seen < count:
        for records in consumer.poll(timeout_ms=200).values():
            for record in records:
                use(record.value)
            seen += len(records)
    consumer.close(autocommit=False)
    return seen


def process(
    settings: Settings,
    count: int,
    sets: list[FeatureSet],
    outbox_of: Callable[[Settings], Outbox],
    on_partition: Callable[[], object] = lambda: None,
) -> int:
    """Run the processor as its entry point does, in a group of its own, until it has caught up.

    Args:
        settings: Where Kafka and Redis are.
        count: How many records there are; returned if the rows are as many as they should be.
        sets: What to compute of the transactions.
        outbox_of: Where rows and dead letters go.
        on_partition: Called for each partition that the processor opens.
    """
    own = _in_a_new_group(settings)

    def open_partition(topic: str, settings: Settings, resume: ResumePoint) -> Partition:
        on_partition()
        return Partition(topic, settings, resume, sets if topic == TRANSACTIONS else [])

    collect_rarely()
    with ExitStack() as opened:
        client = opened.enter_context(redis.Redis(port=own.redis_port))
        client.flushall()
        outbox = outbox_of(own)
        opened.callback(outbox.close)
        consumer = open_consumer(own)
        opened.callback(consumer.close, autocommit=False)
        topics = Topics(own, CALL_MS)
        opened.callback(topics.close)
        metrics = Metrics()
        store = FeatureStore(client, {FRAUD.name: 300_000})
        processor = Processor(
            own, consumer, topics, outbox, store, metrics, Health("bench"), threading.Event(),
            Lookout("bench"), open_partition,
        )  # fmt: skip
        processor.run(until_caught_up=True)
        return count if client.dbsize() == 1_000 else client.dbsize()


def _in_a_new_group(settings: Settings) -> Settings:
    return replace(settings, kafka_group=uuid.uuid4().hex)


def fill(settings: Settings, hours: Iterable[int] = range(HOURS)) -> int:
    """Append hours of the golden log to the broker's, by their numbers; return how many events."""
    producer = KafkaProducer(
        bootstrap_servers=settings.kafka_servers, linger_ms=20, batch_size=262_144
    )
    count = 0
    for tx in golden_hours(hours):
        key = tx.card_id.encode()
        partition = partition_of(key, PARTITIONS)
        producer.send(TRANSACTIONS, msgspec.json.encode(tx), key, partition=partition)
        count += 1
    producer.flush()
    producer.close()
    return count


def golden_hours(hours: Iterable[int]) -> Iterator[Transaction]:
    """Yield the golden log for each of the numbers, so many hours of event time later."""
    golden = list(golden_transactions())
    for hour in hours:
        for tx in golden:
            yield msgspec.structs.replace(tx, event_time=tx.event_time + hour * SPAN_MS)


@contextmanager
def services() -> Iterator[Settings]:
    workspace = Workspace(HOME)
    kafka, store = Kafka(workspace, free_port()), Redis(workspace, free_port())
    _remove(kafka, store)  # what a run that was killed has left
    try:
        kafka.start()
        store.start()
        yield Settings(kafka_servers=kafka.address, redis_port=store.port)
    finally:
        _remove(kafka, store)


def _remove(*services: Service) -> None:
    for service in services:
        service.stop()
    shutil.rmtree(HOME, ignore_errors=True)
