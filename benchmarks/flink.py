"""The production job beside itself without sinks, its DataStream counterpart and the processor.

Rates are per second of processor time, of Python, Java and whatever they start; that of the broker
and the store is not in them. The start of a job and its compilation are apart.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import redis
from kafka import KafkaConsumer, TopicPartition
from pyflink.table import StreamTableEnvironment

from benchmarks import replays
from benchmarks.measure import Figure, Work, cpu_s_of_all, take_turns
from benchmarks.pipeline import HOME, fill, services
from benchmarks.replays import HOURS, Rows, check, expected, golden_log
from flink_jobs.config import Settings
from flink_jobs.features.catalog import CATALOG, FRAUD
from flink_jobs.job.edges.kafka import KafkaEdges, begin
from flink_jobs.job.functions import Deliver, no_delivery
from flink_jobs.job.graph import build
from flink_jobs.job.state import StateFolder
from flink_jobs.runtime.environment import table_environment
from flink_jobs.simulator.golden import EVENTS
from studykit.flink.in_process import say_nothing_of_hang_ups
from studykit.services.flink.home import flink_environ
from studykit.services.topics import PARTITIONS
from studykit.workspace import Workspace


def measure() -> Iterator[Figure]:
    """Measure from a real Kafka, then on files; every figure comes as soon as it is known."""
    say_nothing_of_hang_ups()
    with tempfile.TemporaryDirectory() as scratch, services() as settings:
        os.environ.update(flink_environ(Workspace(HOME)))  # Java starts once, with this
        yield from _from_kafka(settings)
        yield from replays.measure(Path(scratch))


class BlackHole(KafkaEdges):
    """Reads what the job reads, and throws away what it would write."""

    def connect(self) -> Deliver:
        """Deliver rows to nothing."""
        return no_delivery

    def create_sinks(self, table_env: StreamTableEnvironment) -> list[str]:
        """Create sinks that count nothing and keep nothing."""
        columns = {f"{feature_set.name}_rows": "redis_key, feature_row" for feature_set in CATALOG}
        columns["letters"] = "reason, feature_set"
        for view, names in columns.items():
            first, second = names.split(", ")
            table_env.execute_sql(
                f"CREATE TEMPORARY TABLE {view}_hole ({first} STRING, {second} STRING) "
                "WITH ('connector' = 'blackhole')"
            )
        return [
            f"INSERT INTO {view}_hole SELECT {names} FROM {view}" for view, names in columns.items()
        ]


def _from_kafka(settings: Settings) -> Iterator[Figure]:
    """Measure the job against what it costs without sinks, and RocksDB against the heap.

    Start and steady work are told apart as on files: by what three hours cost more than one.
    """
    hole = BlackHole(settings, bounded=True)
    with redis.Redis(port=settings.redis_port) as store:

        def job() -> None:
            store.flushall()  # what is there already is refused, which costs less
            _run(KafkaEdges(settings, bounded=True))

        contestants: dict[str, Work] = {
            "job": job,
            "hole": partial(_run, hole),
            "heap": partial(_run, hole, **{"state.backend.type": "hashmap"}),
        }
        short, long = HOURS
        fill(settings, range(short))
        job()
        check(_committed(settings), expected(golden_log()))
        short_s = take_turns(contestants, 2, cpu_s_of_all)
        fill(settings, range(short, long))
        long_s = take_turns(contestants, 1, cpu_s_of_all)
    events = (long - short) * EVENTS
    rates = {name: events / (long_s[name].cpu_s - short_s[name].cpu_s) for name in contestants}
    start_s = short_s["job"].cpu_s - short * EVENTS / rates["job"]
    yield Figure("flink", "from Kafka into Redis and Kafka, steady work", rates["job"],
                 "events/CPU-s", rates["job"] / rates["hole"], "same SQL, black hole",
                 ">= 12,658; ratio >= 0.8")  # fmt: skip
    yield Figure("flink", "same SQL, black hole, steady work", rates["hole"], "events/CPU-s",
                 rates["hole"] / rates["heap"], "state on the heap")  # fmt: skip
    yield Figure("flink", "from Kafka, start and compilation", 1_000 * start_s, "CPU-ms",
                 start_s * rates["job"] / EVENTS, "an hour's steady work")  # fmt: skip


def _run(edges: KafkaEdges, **more: str) -> None:
    """Run the job with the state and the checkpoints of production, from the log's beginning."""
    with tempfile.TemporaryDirectory() as folder:
        options = StateFolder(Path(folder)).options(edges.settings)
        # What fails and starts again would be measured as a slow job.
        options |= {"restart-strategy.type": "none", **more}
        begin(edges)
        env, table_env = table_environment(1, options)
        build(env, table_env, edges.settings, edges)
        env.execute_async().get_job_execution_result().result()


def _committed(settings: Settings) -> Rows:
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    with closing(consumer):
        partitions = [TopicPartition(FRAUD.target, number) for number in range(PARTITIONS)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        found: Rows = Counter()
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(500).values():
                found.update(record.value for record in records)
        return found
