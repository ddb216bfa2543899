"""The development processor: Kafka in, Redis and Kafka out, in one plain Python process.

One thread polls records, computes, delivers and commits, in that order. In `group`, the
assignment knows which partitions are this process's and whether their logs are still whole, and the
committer commits; `delivery.py` writes to the store and to the broker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, keep_joining, undecodable
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore
from flink_jobs.connectors.topics import Topics
from flink_jobs.events import Record
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.symptoms import Lookout
from flink_jobs.processor.attention import Attention
from flink_jobs.processor.delivery import Delivery
from flink_jobs.processor.group.assignment import Assignment
from flink_jobs.processor.group.committer import Committer
from flink_jobs.processor.group.log_watch import LogWatch
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Output, Partition, ResumePoint
from flink_jobs.processor.patience import CALL_MS, Patience, wait_out

POLL_MS: Final = 200
"""How long a poll waits for records: a stop is heard between two polls."""
PROBE_S: Final = 1.0
"""How often Kafka and Redis are asked whether they are there, seconds of wall time."""
LOOK_S: Final = 10.0
"""How often the metrics are searched for symptoms, seconds of wall time."""


class Processor:
    """Moves the records of the partitions that the group assigns to it through the engine.

    Partitions come and go only while `run` polls: then the consumer calls its listener, on a thread
    of its own, while the thread that polls waits for the listener. So nothing here needs a lock.
    """

    def __init__(
        self,
        settings: Settings,
        consumer: KafkaConsumer,
        topics: Topics,
        outbox: Outbox,
        store: FeatureStore,
        metrics: Metrics,
        health: Health,
        stop: threading.Event,
        lookout: Lookout,
        open_partition: Callable[[str, Settings, ResumePoint], Partition] = Partition,
    ) -> None:
        """Connect the parts; nothing is read before `run`, which ends once `stop` is set."""
        self._consumer = consumer
        self._metrics = metrics
        self._stop = stop
        self._kafka = Patience("kafka", health, stop)
        self._attention = Attention(health)
        self._watch = LogWatch(settings, metrics, health)
        self._delivery = Delivery(
            store, outbox, metrics, Patience("redis", health, stop), self._attention
        )
        self._committer = Committer(
            settings,
            consumer,
            outbox,
            self._watch,
            self._kafka,
            Patience("kafka commits", health, stop),
        )
        self._assignment = Assignment(
            settings,
            consumer,
            topics,
            self._watch,
            metrics,
            self._attention,
            self._committer,
            self._kafka,
            open_partition,
        )
        self._lookout = lookout
        self._probed_at = self._looked_at = time.monotonic()

    def run(self, *, until_caught_up: bool = False) -> None:
        """Process records until told to stop, or until all that was there has been processed.

        A stop emits no window that is still open: a stop is no end of the stream, and a successor
        fills these windows again from the log.

        Raises:
            LogChangeError: A log that is to be caught up with cannot be read on.
            ForeignCommit: The group cannot be resumed with these settings, or on this log.
            KafkaUnusable: The broker refused output or a request, or a batch cannot be decoded.
            StoreUnusable: Redis refuses for good.
            ServiceAway: Kafka or Redis stayed away for longer than they are waited for.
        """
        self._consumer.subscribe(SOURCE_TOPICS, listener=_Rebalances(self))
        partitions = self._assignment.partitions
        try:
            while not self._stop.is_set() and not (
                until_caught_up and self._assignment.is_caught_up()
            ):
                self._process(self._poll())
                self._assignment.take_over()
                self._probe()
                if self._committer.is_due():
                    self._commit()
            self._commit()
        finally:
            # Closing the consumer calls the listener, which commits what is still owned: after a
            # failure that would commit output which was never delivered.
            partitions.clear()

    def release(self, places: Iterable[TopicPartition]) -> None:
        """Give partitions back to the group, with a commit from which another can go on."""
        owned = self._assignment.owned(places)
        if owned:
            self._delivery.settle()
        self._committer.release(owned)
        self._assignment.lose(owned)

    def lose(self, places: Iterable[TopicPartition]) -> None:
        """Forget partitions that another process owns now."""
        self._assignment.lose(places)

    def _poll(self) -> Mapping[TopicPartition, Sequence[Record]]:
        keep_joining(self._consumer)
        try:
            batches: Mapping[TopicPartition, Sequence[Record]] = self._consumer.poll(POLL_MS)
        except Exception as error:  # of any type: decoding a batch raises what its codec raises
            self._on_poll_error(error)
            return {}
        if batches:
            self._assignment.look_at_topics()
        return batches

    def _on_poll_error(self, error: Exception) -> None:
        if isinstance(error, NoOffsetForPartitionError):
            return  # a partition that was just assigned: `take_over` says where it begins
        if isinstance(error, OffsetOutOfRangeError):
            self._assignment.look_at_gaps(error.args[0])
        elif isinstance(error, LogTruncationError):
            for place in self._assignment.owned(error.divergent_offsets):
                self._assignment.look_at_end(place, "the log ends before what was read of it")
        elif ending := undecodable(error, self._consumer):
            raise ending from error
        elif isinstance(error, KafkaError):
            wait_out(error, self._kafka)
        else:
            raise error

    def _commit(self) -> None:
        self._delivery.settle()
        self._committer.commit(self._assignment.partitions)

    def _process(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        owned = self._assignment.owned(batches)
        if not owned:
            self._delivery.settle()  # a silent stream must not keep refusals back
            return
        started = time.perf_counter()
        output, count = Output(), 0
        for place, partition in owned.items():
            records = batches[place]
            output += partition.process(records)
            count += len(records)
            self._measure(place, partition, records[-1])
            self._watch.observe(place, partition)
        self._delivery.deliver(output)
        seconds = time.perf_counter() - started
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.rate.set(count / seconds)

    def _probe(self) -> None:
        """Ask Kafka and Redis every `PROBE_S`: a silent stream must not hide that one is away."""
        now = time.monotonic()
        if now - self._probed_at < PROBE_S:
            return
        self._probed_at = now
        self._attention.forget()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._lookout.add(self._metrics.reading())
        self._assignment.look_at_topics()
        partitions = self._assignment.partitions
        asked = list(partitions) or [TopicPartition(SOURCE_TOPICS[0], 0)]
        try:
            ends = self._consumer.end_offsets(asked, timeout_ms=CALL_MS)
        except KafkaError as error:
            wait_out(error, self._kafka)
        else:
            self._kafka.answered()
            for place, partition in list(partitions.items()):
                self._look_at_lag(place, partition, ends[place])
        self._delivery.probe()

    def _look_at_lag(self, place: TopicPartition, partition: Partition, end: int) -> None:
        lag = end - partition.next_offset
        self._metrics.behind((place.topic, place.partition), lag)
        if lag < 0:
            what = f"the log ends at {end}, before offset {partition.next_offset}"
            self._assignment.look_at_end(place, what)

    def _measure(self, place: TopicPartition, partition: Partition, last: Record) -> None:
        where = (place.topic, place.partition)
        self._metrics.count(where, partition.lanes)
        if partition.clock.max_seen_ms is not None:
            self._metrics.mark(where, partition.clock.watermark_ms, last.timestamp)
        highwater = self._consumer.highwater(place)
        if highwater is not None:
            self._metrics.behind(where, highwater - partition.next_offset)


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the processor which partitions it loses; new ones it finds by itself."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit the partitions and let them go, while the group waits for this member."""
        self._processor.release(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Let go: the group has given the partitions away, so a commit would be refused."""
        self._processor.lose(lost)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Do nothing: `take_over` asks the broker for commits, and a listener cannot wait."""
