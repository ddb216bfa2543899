"""The production job on a broker and a store of the lesson's own: what lesson 12 runs.

All of it lives in a workspace of its own, on free ports. A learner's topics and keys are neither
read nor written, and nothing is left at the end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from itertools import islice
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.connectors.redis import open_client, read_features
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.events import TRANSACTIONS, Record
from flink_jobs.features.row import FeatureRow
from flink_jobs.job.edges.kafka import KafkaEdges
from flink_jobs.processor.partition import Output, Partition
from flink_jobs.simulator.disorder import Disorder
from studykit.errors import StudyError
from studykit.services.flink.home import flink_environ
from studykit.services.network.ports import HOST
from studykit.services.rig import Rig, own_folder
from studykit.services.seed import Seeding, append
from studykit.services.supervision import process
from studykit.services.supervision.leash import VARIABLE
from studykit.services.supervision.wait_line import wait_line
from studykit.services.supervision.waiting import wait_until
from studykit.services.topics import PARTITIONS

SETTINGS: Final = Settings()
"""The settings that everything in the lesson runs with."""

TROUBLE: Final = Disorder(
    offline_share=0.01, malformed_share=0.01, wrong_unit_share=0.005, future_share=0.005
)
"""More trouble than usual, so that a few hundred payments have some of every kind."""

_ENVIRON: Final = dict(os.environ)
"""The environment as this module found it.

A Flink that starts in this process later writes paths and ports of its own into the environment,
and a job that inherited them would look for its settings and workers there.
"""

_GROUP: Final = KafkaEdges(SETTINGS).group
_CHECKPOINT_MS: Final = 1_000
_PATIENCE_S: Final = 600
_STOP_S: Final = 60
_POLL_S: Final = 0.2


def fraud_in_bites() -> tuple[str, str, str]:
    """Return `fraud.sql` in three parts, from the inside out.

    They are what comes to a window, what the window keeps, and what becomes of that when it fires.
    """
    text = (files("flink_jobs") / "sql" / "fraud.sql").read_text("utf-8")
    table = text.rindex("FROM TABLE(")
    select = text.rindex("SELECT", 0, table)
    finish = "finish_fraud("
    parts = (
        text[_line_of(text, table) : text.rindex("GROUP BY")],
        text[_line_of(text, select) : table],
        text[text.index("CREATE") : text.index("\n", text.index(finish))],
    )
    comes, kept, finished = (dedent(part).rstrip() for part in parts)
    return comes, kept, f"{finished}\n  ..."


def _line_of(text: str, place: int) -> int:
    """Return where the line begins that has `place` in it."""
    return text.rfind("\n", 0, place) + 1


def payments(count: int) -> list[LogRecord]:
    """Return the first payments of three hours of simulated traffic, in four partitions."""
    seeding = Seeding(events=3 * count, cards=max(count // 200, 12), disorder=TROUBLE)
    traffic = append(seeding.arrivals(now_ms=0))
    return list(islice((payment for payment in traffic if payment.topic == TRANSACTIONS), count))


def write_payments(log: Path, count: int) -> Path:
    """Write payments to a log file, and return it."""
    write_log(log, payments(count))
    return log


def a_day_later(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """Yield a payment for every partition, a day after the newest of `records`.

    With it the watermark of each partition passes the end of every window of `records`.
    """
    later_ms = max(record.timestamp for record in records) + 86_400_000
    for partition in range(PARTITIONS):
        fields = {
            "event_id": "end", "card_id": "end", "merchant_id": "end", "amount_cents": 1,
            "country": "LU", "lat": 49.6, "lon": 6.1, "event_time": later_ms,
        }  # fmt: skip
        yield LogRecord(TRANSACTIONS, partition, 0, later_ms, b"end", msgspec.json.encode(fields))


def by_processor(records: Iterable[Record]) -> tuple[list[FeatureRow], list[DeadLetter]]:
    """Return rows and dead letters of the development processor for the records of a live topic.

    Windows that are open at the end do not fire: a live topic has no end.
    """
    output = Output()
    for number in range(PARTITIONS):
        partition = Partition(TRANSACTIONS, SETTINGS)
        output += partition.process([record for record in records if record.partition == number])
    return output.rows, output.letters


def window_of(record: Record) -> tuple[str, int]:
    """Return the card and the window's end, epoch milliseconds, of a row in a topic."""
    row = msgspec.json.decode(record.value or b"")
    return row["key"], row["window_end"]


def features_of(record: Record) -> dict[str, Any]:
    """Return the features of a row in a topic."""
    features: dict[str, Any] = msgspec.json.decode(record.value or b"")["features"]
    return features


class JobRig(Rig):
    """A Kafka, a Redis and the production job, in a workspace that is removed at the end."""

    def __init__(self, home: Path | None = None) -> None:
        """Work in the folder `home`, which is removed at the end; nothing starts before `start`."""
        super().__init__(home or own_folder("lesson12"))

    def start(self) -> str:
        """Start an empty Kafka and an empty Redis; what an earlier run left behind is removed.

        Returns:
            A sentence with their addresses.

        Raises:
            StudyError: Kafka or Redis does not start.
        """
        super().start()
        return f"Kafka answers on {self.kafka.address}, Redis on {self.redis.address}"

    def start_job(self, *flags: str) -> None:
        """Start `flink_jobs/feature_job.py` as a process, with a checkpoint every second.

        Args:
            flags: Flags of the entry point, such as `--bounded`.
        """
        command = [sys.executable, "-m", "flink_jobs.feature_job"]
        command += ["--state", str(self.workspace.data / "flink"), *flags]
        self._launch(command, self.workspace.home, _CHECKPOINT_MS, self._environ())

    def stop_program(self) -> bool:
        """Stop the job with a savepoint; return whether the job was running.

        Without Kafka the job cannot commit what a savepoint needs, so nothing is waited for.
        """
        running = self._running()
        if running is not None:
            process.stop(running, _STOP_S if self.kafka.running() else 0)
        return running is not None

    def send(self, records: Iterable[LogRecord]) -> int:
        """Send records to the partitions that they name, and return how many payments Kafka has.

        Those of an earlier run of the cell count, too: the job reads them all.

        Raises:
            StudyError: Kafka does not run.
        """
        self.require_services()
        with closing(KafkaProducer(bootstrap_servers=self.kafka.address)) as producer:
            for record in records:
                producer.send(record.topic, record.value, record.key, partition=record.partition)
            producer.flush()
        with self._consumer(TRANSACTIONS) as consumer:
            return sum(consumer.end_offsets(sorted(consumer.assignment())).values())

    def wait_until_read(self) -> int:
        """Wait until the job has read every payment, and a checkpoint says so; return how many."""
        with self._consumer(TRANSACTIONS, group_id=_GROUP) as consumer:
            ends = consumer.end_offsets(sorted(consumer.assignment()))

            def read() -> list[int]:
                return [consumer.committed(place) or 0 for place in ends]

            self._wait(lambda: read() == list(ends.values()), "read every payment")
            return sum(read())

    def records(self, topic: str, at_least: int = 0) -> list[Any]:
        """Return the committed records of a topic, as soon as it has at least `at_least` of them.

        Raises:
            StudyError: The job ends before, or takes too long.
        """
        found: list[Any] = []
        with self._consumer(topic, isolation_level="read_committed") as consumer:
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(sorted(consumer.assignment()))

            def enough() -> bool:
                for batch in consumer.poll(200).values():
                    found.extend(batch)
                behind = any(consumer.position(place) < end for place, end in ends.items())
                return len(found) >= at_least and not behind

            self._wait(enough, f"written {at_least} records to {topic}")
        return found

    def features(self, key: str) -> dict[str, Any] | None:
        """Return the features that Redis holds at `key`; None where it holds none.

        Raises:
            StudyError: The services do not run.
        """
        self.require_services()
        with closing(open_client(Settings(redis_host=HOST, redis_port=self.redis.port))) as client:
            return read_features(client, key)

    def _environ(self) -> dict[str, str]:
        return {
            **_ENVIRON,
            VARIABLE: os.environ.get(VARIABLE, ""),
            **flink_environ(self.workspace),
            "FLINK_LOG_DIR": str(self.workspace.logs),
        }

    def _end_of_log(self) -> str:
        words = self._last_words()
        return f". The end of its log: {words}" if words else ": run the cell that starts it"

    @contextmanager
    def _consumer(self, topic: str, **options: object) -> Iterator[KafkaConsumer]:
        self.require_services()
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.address, enable_auto_commit=False, **options
        )
        with closing(consumer):
            consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
            yield consumer

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        """Wait until `done()`; say what the job has not done if it ends before, or takes too long.

        Raises:
            StudyError: The job does not run, or `_PATIENCE_S` have passed.
        """

        def done_or_died() -> bool:
            self.require_services()  # a client would wait for a broker that is gone
            # Only then ask for the process: a job may do its last work and end between two looks.
            if done():
                return True
            if self._running() is None:
                raise StudyError(f"the job does not run, so it has not {what}{self._end_of_log()}")
            return False

        with wait_line(f"the job has not yet {what}"):
            did = wait_until(done_or_died, _PATIENCE_S, _POLL_S)
        if not did:
            raise StudyError(
                f"after {_PATIENCE_S} s the job has not {what}: run the cell again, or look "
                f"into {self._log}"
            )
