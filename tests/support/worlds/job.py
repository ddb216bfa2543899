"""Services of their own and the production job as a process of its own, for tests to disturb."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from flink_jobs import feature_job
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import EVENT_TYPES
from flink_jobs.features.catalog import CATALOG
from flink_jobs.job.edges.kafka import KafkaEdges
from flink_jobs.job.state import StateFolder
from flink_jobs.runtime.environment import table_environment
from studykit.services.flink.home import flink_environ
from studykit.services.flink.jars import JarCache, read_lock
from studykit.workspace import Workspace
from tests.support.services.secured import (
    SecuredKafka,
    make_certificates,
    make_token,
    tls_before,
    token_properties,
    write_properties,
)
from tests.support.services.shared import INHERITED, TestServices, home_for_services
from tests.support.waiting import eventually

ENTRY_POINT = Path(__file__).parents[3] / "flink_jobs" / "feature_job.py"
FEATURE_TOPICS = [feature_set.target for feature_set in CATALOG]
LONG_AFTER_MS = 2 * 86_400_000
PASSWORD_OF_STORE = "password-of-store"
READ_COMMITTED = {"isolation_level": "read_committed", "auto_offset_reset": "earliest"}


class JobWorld:
    """The production job as a process, on a broker and a store that only this test uses."""

    def __init__(self, services: TestServices, home: Path) -> None:
        self.servers = services.kafka.address
        self.redis = redis.Redis(services.redis.address.partition(":")[0], services.redis.port)
        self.state = home / "flink-state"
        self.log = home / "job.log"
        self.environ = {
            **INHERITED,
            **flink_environ(services.workspace),
            "FLINK_LOG_DIR": str(home),
            "KAFKA_SERVERS": self.servers,
            "REDIS_PORT": str(services.redis.port),
            "REDIS_HOST": "127.0.0.1",
            "CHECKPOINT_INTERVAL_MS": "1000",
            "METRICS_PORT": str(services.metrics_port),
        }
        self.metrics_port = services.metrics_port

    @classmethod
    @contextmanager
    def open(cls, *, secured: bool = False) -> Iterator[JobWorld]:
        """Start services that nobody else uses; stop all that runs at the end.

        Args:
            secured: Whether the job has to log in: to Kafka by TLS with a client certificate and a
                token, and to Redis by TLS as a user with a password. The test itself need not.
        """
        with ExitStack() as opened:
            home = opened.enter_context(home_for_services())
            services = TestServices(Workspace(home))
            environ = opened.enter_context(_securing(services, home)) if secured else {}
            services.kafka.start()
            services.redis.start()
            world = cls(services, home)
            if secured:
                world.redis.execute_command(
                    f"ACL SETUSER features on >{PASSWORD_OF_STORE} ~* +@all"
                )
            world.environ |= environ
            yield world

    def send(self, records: Iterable[LogRecord]) -> None:
        with closing(KafkaProducer(bootstrap_servers=self.servers)) as producer:
            for record in records:
                producer.send(
                    record.topic, record.value, record.key, partition=record.partition, headers=[]
                )
            producer.flush()

    @contextmanager
    def job(self, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, str(ENTRY_POINT), "--state", str(self.state), *flags]
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env=self.environ, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def job_inside(
        self, *, bounded: bool = False, idle_s: int = 0, parallelism: int = 1
    ) -> Iterator[JobInside]:
        """Run the job in this process, whose tests share one Flink: a third of the work.

        What a process adds, its flags and its signals, is `job`'s to prove.
        """
        settings = replace(Settings.load(self.environ), metrics_port=0)  # pushes no metrics
        edges = KafkaEdges(settings, bounded=bounded, idle_s=idle_s)
        with JobInside.patched() as handlers, ThreadPoolExecutor(1) as pool:
            state = StateFolder(self.state)
            running = pool.submit(feature_job.run_on_kafka, edges, state, parallelism)
            job = JobInside(handlers, running)
            try:
                yield job
            finally:
                if not running.done():
                    job.terminate()

    def committed(self, topics: Iterable[str], seconds: float, enough: Callable[..., bool]):
        """Return the committed records of `topics` as soon as `enough` says so."""
        with closing(KafkaConsumer(bootstrap_servers=self.servers, **READ_COMMITTED)) as consumer:
            consumer.assign(_partitions(consumer, topics))
            found = []
            deadline = time.monotonic() + seconds
            while not enough(found):
                assert time.monotonic() < deadline, f"{len(found)}: {self.log.read_text()[-2_000:]}"
                for records in consumer.poll(500).values():
                    found += records
            return found

    def whole(self, topics: Iterable[str]):
        """Return all committed records of `topics`."""
        with closing(KafkaConsumer(bootstrap_servers=self.servers, **READ_COMMITTED)) as consumer:
            partitions = _partitions(consumer, topics)
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            found = []
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                for records in consumer.poll(500).values():
                    found += records
            return found

    def end(self, topic: str, partition: int) -> int:
        """Return the offset that the next record of a partition will have."""
        place = TopicPartition(topic, partition)
        with closing(KafkaConsumer(bootstrap_servers=self.servers)) as consumer:
            return consumer.end_offsets([place])[place]

    def source(self) -> list[LogRecord]:
        """Return the records of the event topics."""
        return [
            LogRecord(
                record.topic,
                record.partition,
                record.offset,
                record.timestamp,
                record.key,
                record.value,
            )
            for record in self.whole(EVENT_TYPES)
        ]


@dataclass(frozen=True)
class JobInside:
    """The production job in a thread of this process."""

    _handlers: dict[int, Callable[[], None]]
    _running: Future[None]

    @classmethod
    @contextmanager
    def patched(cls) -> Iterator[dict[int, Callable[[], None]]]:
        """Let a job find its connector beside the Java that runs; give its handlers of signals."""
        jars = [jar.as_uri() for jar in JarCache.of_user().ensure(read_lock()["flink"].jars)]
        table_environment(1)[0].add_jars(*jars)  # for the planner, which is in this process
        options = {"pipeline.jars": ";".join(jars)}
        handlers: dict[int, Callable[[], None]] = {}

        def with_connector(parallelism: int, more: dict[str, str], cluster: None) -> Any:
            return table_environment(parallelism, {**more, **options}, cluster)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feature_job, "table_environment", with_connector)
            patch.setattr(feature_job, "check_connector", lambda _: None)
            patch.setattr(feature_job, "start_logging", lambda _: None)
            patch.setattr("signal.signal", handlers.__setitem__)
            yield handlers

    def terminate(self) -> None:
        """Stop the job as SIGTERM does, once it has begun to listen."""
        eventually(lambda: signal.SIGTERM in self._handlers or self._running.done())
        if not self._running.done():
            self._handlers[signal.SIGTERM]()

    def wait(self, seconds: float) -> None:
        """Wait until the job has ended; raise whatever has ended it."""
        self._running.result(seconds)


@contextmanager
def _securing(services: TestServices, home: Path) -> Iterator[dict[str, str]]:
    """Secure services before they start; give the settings by which to reach them."""
    folder = home / "certificates"
    folder.mkdir()
    certificates = make_certificates(folder)
    kafka = SecuredKafka(services.workspace, services.kafka.port, certificates)
    services.kafka = kafka
    token = folder / "token"
    token.write_text(make_token(certificates))
    file = write_properties(folder / "client.properties", token_properties(certificates, token))
    with tls_before(services.redis.port, certificates.server) as port:
        login = f"features:{PASSWORD_OF_STORE}@127.0.0.1:{port}"
        yield {
            "KAFKA_SERVERS": kafka.secured,
            "KAFKA_PROPERTIES_FILE": str(file),
            "REDIS_URL": f"rediss://{login}/0?ssl_ca_certs={certificates.authority}",
        }


def _partitions(consumer: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in consumer.partitions_for_topic(topic)
    ]
