"""The development processor: Kafka in, Redis and Kafka out, in one plain Python process.

Output is delivered before the commit that says so. A crash in between repeats some output, and
repeating it changes nothing: the store refuses rows that are not newer, and a row or a dead letter
that is written twice has the same identity.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import redis
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, Outbox, commit_of, resume_from
from flink_jobs.connectors.redis import FeatureStore
from flink_jobs.events import Record
from flink_jobs.features.row import FeatureRow
from flink_jobs.monitoring import Health, Metrics
from flink_jobs.partition import Output, Partition

POLL_MS = 200
TIMEOUT_MS = 30_000
PATIENCE_S = 120.0
"""How long Redis may be away before the processor gives up. Nothing is committed meanwhile."""

log = logging.getLogger("stream_processor")


class StoreUnusable(RuntimeError):
    """Redis stayed away. Its text is one sentence that says so and what to do."""


class Processor:
    """Owns the partitions that the group assigns to it, and moves their records through."""

    def __init__(
        self,
        settings: Settings,
        consumer: KafkaConsumer,
        outbox: Outbox,
        store: FeatureStore,
        metrics: Metrics,
        health: Health,
    ) -> None:
        """Connect the parts; nothing is read before `run`."""
        self._settings = settings
        self._consumer = consumer
        self._outbox = outbox
        self._store = store
        self._metrics = metrics
        self._health = health
        self._partitions: dict[TopicPartition, Partition] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._committed_at = time.monotonic()
        # A rebalance is announced on the consumer's own thread, at any moment.
        self._lock = threading.RLock()

    def run(self, stop: threading.Event, *, until_caught_up: bool = False) -> None:
        """Process records until `stop` is set, or until all that was there has been processed.

        No window that is still open is emitted at the end: a stop is no end of the stream.

        Raises:
            ForeignCommit: The group was left with other windows.
            KafkaUnusable: The broker stayed away for longer than it is waited for.
            StoreUnusable: So did Redis.
        """
        self._consumer.subscribe(SOURCE_TOPICS, listener=_Rebalances(self))
        while not stop.is_set() and not (until_caught_up and self._caught_up()):
            batches = self._consumer.poll(timeout_ms=POLL_MS)
            new = self._restore()
            self._process({one: batches[one] for one in batches if one not in new})
            if time.monotonic() - self._committed_at >= self._settings.checkpoint_interval_ms / 1e3:
                self.commit()
        self.commit()

    def commit(self) -> None:
        """Commit every partition, once its output has arrived."""
        with self._lock:
            offsets = self._offsets(self._partitions)
        self._committed_at = time.monotonic()
        if not offsets:
            return
        try:
            self._consumer.commit(offsets, timeout_ms=TIMEOUT_MS)
        except (CommitFailedError, RebalanceInProgressError):
            log.info("partitions have moved: their new owner replays what is not committed")
        except KafkaError as error:  # a later commit covers it, or a replay
            self._health.trouble("kafka", f"commit failed: {error!r}")
            log.warning("commit failed", extra={"context": {"error": repr(error)}})
        else:
            self._health.ok("kafka")

    def release(self, partitions: Iterable[TopicPartition]) -> None:
        """Give partitions back to the group, with a commit from which another can go on."""
        with self._lock:
            released = [one for one in partitions if one in self._partitions]
            offsets = self._offsets(released)
            for one in released:
                self._metrics.forget((one.topic, one.partition), self._partitions.pop(one).lanes)
        if offsets:
            # Not waited for: this is the thread that would bring the answer. The broker takes the
            # commit before it lets this member join again.
            self._consumer.commit_async(offsets)

    def lose(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that the group has already given to another."""
        with self._lock:
            for one in partitions:
                if one in self._partitions:
                    lanes = self._partitions.pop(one).lanes
                    self._metrics.forget((one.topic, one.partition), lanes)

    def _offsets(self, partitions: Iterable[TopicPartition]) -> dict[Any, OffsetAndMetadata]:
        """Return what may be committed now: everything sent has arrived."""
        self._outbox.flush()
        return {
            one: commit_of(self._partitions[one].resume_point(), self._settings)
            for one in partitions
        }

    def _restore(self) -> set[TopicPartition]:
        """Take over the partitions that have been assigned since the last poll, and return them.

        Each is read again from its commit, so records that came with that poll are to be skipped.
        """
        with self._lock:
            assigned: set[TopicPartition] = self._consumer.assignment()
            new = assigned - self._partitions.keys()
        for one in new:
            committed = self._consumer.committed(one, metadata=True, timeout_ms=TIMEOUT_MS)
            resume = resume_from(committed, self._settings)
            if committed is None:
                self._consumer.seek_to_beginning(one)
            else:
                self._consumer.seek(one, resume.offset)
            with self._lock:
                self._partitions[one] = Partition(one.topic, self._settings, resume)
            log.info("partition taken over", extra={"context": _context(one, resume._asdict())})
        if new:
            self._ends.update(self._consumer.end_offsets(list(new), timeout_ms=TIMEOUT_MS))
        return new

    def _process(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        if not batches:
            return
        started = time.perf_counter()
        output = Output()
        with self._lock:
            for one, records in batches.items():
                partition = self._partitions.get(one)
                if partition is not None:  # else taken away while this batch was on its way
                    output += partition.process(records)
                    self._measure(one, partition, records[-1])
            self._deliver(output)
        seconds = time.perf_counter() - started
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.rate.set(sum(map(len, batches.values())) / seconds)

    def _deliver(self, output: Output) -> None:
        """Write rows to the store; hand everything to the producer, which delivers it by itself."""
        if output.rows:
            self._metrics.refused.inc(self._write(output.rows))
            for name, count in Counter(row.feature_set for row in output.rows).items():
                self._metrics.rows.labels(name).inc(count)
        self._outbox.send(output.rows, output.letters)

    def _write(self, rows: list[FeatureRow]) -> int:
        """Write to the store, waiting while it is away; return how many rows it had newer ones for.

        Raises:
            StoreUnusable: It stays away.
        """
        deadline = time.monotonic() + PATIENCE_S
        pause = 0.1
        while True:
            try:
                refused = self._store.write(rows)
            except (redis.ConnectionError, redis.TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise StoreUnusable(
                        f"Redis stayed away for {PATIENCE_S:.0f} s ({error}): nothing is lost, "
                        "start again when it is back"
                    ) from None
                self._health.trouble("redis", str(error))
                log.warning("redis is away", extra={"context": {"error": str(error)}})
                time.sleep(pause)
                pause = min(2 * pause, 5.0)
            else:
                self._health.ok("redis")
                return refused

    def _measure(self, one: TopicPartition, partition: Partition, last: Record) -> None:
        where = (one.topic, one.partition)
        self._metrics.count(where, partition.lanes)
        behind_ms = last.timestamp - partition.clock.watermark_ms
        self._metrics.watermark_lag.labels(*where).set(behind_ms / 1_000)
        highwater = self._consumer.highwater(one)
        if highwater is not None:
            self._metrics.lag.labels(*where).set(highwater - partition.next_offset)

    def _caught_up(self) -> bool:
        """Return whether everything that was there when the partitions came has been processed."""
        return bool(self._partitions) and all(
            partition.next_offset >= self._ends[one] for one, partition in self._partitions.items()
        )


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the processor which partitions it loses; new ones it finds by itself."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit and let go."""
        self._processor.release(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Let go: it is too late for a commit."""
        self._processor.lose(lost)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Wait for the poll that brought them to return."""


def _context(one: TopicPartition, more: dict[str, Any]) -> dict[str, Any]:
    return {"topic": one.topic, "partition": one.partition, **more}
