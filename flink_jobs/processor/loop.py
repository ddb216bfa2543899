"""The development processor: Kafka in, Redis and Kafka out, in one plain Python process.

Output is delivered before the commit that says so. A crash in between repeats some output, and
repeating it changes nothing: the store refuses rows that are not newer, and a row or a dead letter
that is written twice has the same identity.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    CommitFailedError,
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RebalanceInProgressError,
)
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import (
    SOURCE_TOPICS,
    keep_joining,
    refresh_metadata,
    refusal,
    undecodable,
)
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore
from flink_jobs.connectors.topics import Topics, TopicState
from flink_jobs.events import Record
from flink_jobs.monitoring.health import Health
from flink_jobs.processor.attention import Attention
from flink_jobs.processor.commits import check_log, commit_of, resume_from, topic_of
from flink_jobs.processor.delivery import Delivery
from flink_jobs.processor.log_watch import Change, LogChangeError, LogWatch, growth
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Output, Partition
from flink_jobs.processor.patience import Patience
from flink_jobs.processor.resume import ResumePoint

POLL_MS: Final = 200
CALL_MS: Final = 1_000
"""How long one request to the broker may take before it counts as not answered.

A stop waits for one such request at most, so that it is heard within two seconds."""
FLUSH_S: Final = 0.5
"""How long the broker may take for the output at hand before it counts as away."""
PROBE_S: Final = 1.0
"""How often Kafka and Redis are asked whether they are there."""
MAX_PENDING: Final = 50_000
"""Output not yet acknowledged that is held in memory: more is waited for."""

RECREATED: Final = "the topic was deleted and created anew"

log = logging.getLogger("stream_processor")


class Processor:
    """Owns the partitions that the group assigns to it, and moves their records through.

    Partitions come and go only while `run` polls, which is when the consumer calls its listener: on
    a thread of its own, but with the one that polls waiting for it. So nothing here needs a lock.
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
        open_partition: Callable[[str, Settings, ResumePoint], Partition] = Partition,
    ) -> None:
        """Connect the parts; nothing is read before `run`, which ends once `stop` is set."""
        self._settings = settings
        self._consumer = consumer
        self._outbox = outbox
        self._topics = topics
        self._metrics = metrics
        self._stop = stop
        self._open_partition = open_partition
        self._kafka = Patience("kafka", health, stop)
        self._commits = Patience("kafka commits", health, stop)
        self._attention = Attention(health)
        self._delivery = Delivery(
            store, outbox, metrics, Patience("redis", health, stop), self._attention
        )
        self._watch = LogWatch(settings, metrics, health)
        self._partitions: dict[TopicPartition, Partition] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, ResumePoint] = {}
        self._committed_at = self._probed_at = time.monotonic()

    def run(self, *, until_caught_up: bool = False) -> None:
        """Process records until told to stop, or until all that was there has been processed.

        No window that is still open is emitted at the end: a stop is no end of the stream.

        Raises:
            LogChangeError: A log that is to be caught up with cannot be read on.
            ForeignCommit: The group cannot be resumed with these settings, or on this log.
            KafkaUnusable: The broker refused output or a request, or a batch cannot be decoded.
            StoreUnusable: Redis refuses for good.
            Unavailable: Kafka or Redis stayed away for longer than they are waited for.
        """
        self._consumer.subscribe(SOURCE_TOPICS, listener=_Rebalances(self))
        try:
            while not self._stop.is_set() and not (until_caught_up and self._caught_up()):
                self._process(self._poll())
                self._take_over()
                self._probe()
                if self._is_commit_due():
                    self.commit()
            self.commit()
        finally:
            self._partitions.clear()  # so that closing the consumer commits nothing undelivered

    def commit(self) -> None:
        """Commit every partition that has moved, once its output has arrived.

        Raises:
            KafkaUnusable: The broker refused some output.
            Unavailable: Kafka stayed away.
        """
        while not self._outbox.flush(FLUSH_S):
            self._kafka.failed("it does not take the output")
        self._committed_at = time.monotonic()
        moved = self._moved(self._partitions)
        if not moved:
            return
        try:
            self._consumer.commit(self._offsets(moved), timeout_ms=CALL_MS)
        except (CommitFailedError, RebalanceInProgressError):
            log.info("partitions have moved: their new owner replays what is not committed")
        except KafkaError as error:  # a later commit covers it, or a replay
            self._on_error(error, self._commits)
        else:
            self._commits.answered()
            self._note_commits(moved)

    def release(self, partitions: Iterable[TopicPartition]) -> None:
        """Give partitions back to the group, with a commit from which another can go on.

        Where output is not delivered at once there is no commit: the next owner repeats it.
        """
        owned = [place for place in partitions if place in self._partitions]
        moved = self._moved(owned)
        if moved and self._outbox.flush(FLUSH_S):
            # Not waited for: this is the thread that would bring the answer. The broker takes the
            # commit before it lets this member join again.
            self._consumer.commit_async(self._offsets(moved))
            self._note_commits(moved)
        self.lose(owned)

    def lose(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions that are another's now."""
        partitions = list(partitions)
        self._watch.forget(partitions)
        for place in partitions:
            partition = self._partitions.pop(place, None)
            if partition is not None:
                self._metrics.forget((place.topic, place.partition), partition.lanes)
                log.info("partition given up", extra={"context": _context(place)})

    def _moved(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, ResumePoint]:
        """Return where successors of `partitions` must begin, if not where the last commit says."""
        points = {place: self._partitions[place].resume_point() for place in partitions}
        return {
            place: point for place, point in points.items() if self._committed.get(place) != point
        }

    def _offsets(self, points: dict[TopicPartition, ResumePoint]) -> dict[Any, OffsetAndMetadata]:
        return {
            place: commit_of(point, self._settings, self._watch.state_of(place.topic))
            for place, point in points.items()
        }

    def _note_commits(self, points: dict[TopicPartition, ResumePoint]) -> None:
        for place, point in points.items():
            range_ = {
                "first_offset": self._committed[place].delivered,
                "next_offset": point.delivered,
            }
            log.info("committed", extra={"context": _context(place, **range_)})
            self._committed[place] = point

    def _is_commit_due(self) -> bool:
        interval_s = self._settings.checkpoint_interval_ms / 1_000
        due = time.monotonic() - self._committed_at >= interval_s
        return due or self._outbox.pending > MAX_PENDING

    def _poll(self) -> Mapping[TopicPartition, Sequence[Record]]:
        keep_joining(self._consumer)
        try:
            batches: Mapping[TopicPartition, Sequence[Record]] = self._consumer.poll(POLL_MS)
        except Exception as error:
            self._on_poll_error(error)
            return {}
        if batches:
            self._look_at_topics()
        return batches

    def _on_poll_error(self, error: Exception) -> None:
        if isinstance(error, NoOffsetForPartitionError):
            return  # just assigned: `_take_over` says where it begins
        if isinstance(error, OffsetOutOfRangeError):
            self._look_at_gaps(error.args[0])
        elif isinstance(error, LogTruncationError):
            self._look_at_topics()  # a topic that was created anew explains it
            for place in [place for place in error.divergent_offsets if place in self._partitions]:
                self._stop_reading(place, "truncated", "the log ends before what was read of it")
        elif ending := undecodable(error, self._consumer):
            raise ending from error
        elif isinstance(error, KafkaError):
            self._on_error(error)
        else:
            raise error

    def _look_at_topics(self) -> None:
        """Make sure that the topics are still the same, before any of their records counts.

        Asked after a batch has come: a topic that was deleted and created anew in between would
        else be judged by the watermark, and counted into the windows, of the one before it.

        Raises:
            KafkaUnusable: The broker refuses to tell.
            Unavailable: It has been away for too long.
        """
        states = self._states()
        others = self._watch.recreated(states)
        for place in [place for place in self._partitions if place.topic in others]:
            self._stop_reading(place, "recreated", RECREATED)
        for topic in self._watch.gone(states):
            self._attention.say(f"topic {topic}", f"topic {topic} is gone: `make up` creates it")
        for topic, sentence in self._watch.grown(states).items():
            refresh_metadata(self._consumer)  # the group then hands out the new ones
            for place in [place for place in self._partitions if place.topic == topic]:
                self._watch.split(place, self._partitions[place], sentence)

    def _states(self) -> Mapping[str, TopicState]:
        """Return what the topics are, waiting while the broker is away."""
        while True:
            try:
                return self._topics.states()
            except KafkaError as error:
                self._on_error(error)

    def _look_at_gaps(self, asked: Mapping[TopicPartition, int]) -> None:
        """Go on behind records that were deleted before they were read; stop where a log ends."""
        self._look_at_topics()
        for place, offset in asked.items():
            if place not in self._partitions:
                continue
            try:
                first = self._consumer.beginning_offsets([place], timeout_ms=CALL_MS)[place]
            except KafkaError as error:  # the next poll asks again
                self._on_error(error)
                continue
            if offset < first:
                self._watch.lost(place, offset, first)
                self._partitions[place].skip_to(first)
                self._consumer.seek(place, first)
            else:
                self._stop_reading(place, "truncated", f"the log ends before offset {offset}")

    def _stop_reading(self, place: TopicPartition, change: Change, what: str) -> None:
        partition = self._partitions.pop(place, None)
        if partition is not None:
            self._metrics.forget((place.topic, place.partition), partition.lanes)
        self._consumer.pause(place)
        self._watch.stop(place, change, what)

    def _on_error(self, error: KafkaError, patience: Patience | None = None) -> None:
        """Wait a moment where the broker is away; end where it has answered, and refused.

        Raises:
            KafkaUnusable: The error is no absence.
            Unavailable: Kafka has been away for too long.
        """
        if ending := refusal(error):
            raise ending from error
        (patience or self._kafka).failed(repr(error))

    def _take_over(self) -> None:
        """Take over the partitions that have been assigned since the last time.

        Each is read again from its commit; what the consumer has already fetched of it was not
        processed, because it was nobody's.
        """
        try:
            new = self._consumer.assignment() - self._partitions.keys() - self._watch.stopped.keys()
            states = self._topics.states() if new else {}
            others = self._watch.recreated(states)
            for place in new:
                if place.topic in others:
                    self._stop_reading(place, "recreated", RECREATED)
                elif place.topic in states:
                    self._restore(place, states[place.topic])
        except KafkaError as error:  # the next round tries again
            self._on_error(error)

    def _restore(self, place: TopicPartition, state: TopicState) -> None:
        committed = self._consumer.committed(place, metadata=True, timeout_ms=CALL_MS)
        first = self._consumer.beginning_offsets([place], timeout_ms=CALL_MS)[place]
        end = self._consumer.end_offsets([place], timeout_ms=CALL_MS)[place]
        resume = resume_from(committed, first, self._settings)
        before = topic_of(committed)
        check_log(place, resume, end, self._settings, before, state)
        self._watch.know(place.topic, state)
        if resume.offset < first:
            self._watch.lost(place, resume.offset, first)
        self._consumer.seek(place, max(first, resume.offset))
        self._ends[place] = end
        self._committed[place] = resume
        self._partitions[place] = self._open_partition(place.topic, self._settings, resume)
        if before is not None and state.partitions > before.partitions:
            sentence = growth(place.topic, before, state)
            self._watch.split(place, self._partitions[place], sentence)
        log.info("partition taken over", extra={"context": _context(place, **resume._asdict())})

    def _process(self, batches: Mapping[TopicPartition, Sequence[Record]]) -> None:
        owned = {place: records for place, records in batches.items() if place in self._partitions}
        if not owned:
            return
        started = time.perf_counter()
        output = Output()
        for place, records in owned.items():
            partition = self._partitions[place]
            output += partition.process(records)
            self._measure(place, partition, records[-1])
            self._watch.observe(place, partition)
        self._delivery.deliver(output)
        seconds = time.perf_counter() - started
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.rate.set(sum(map(len, owned.values())) / seconds)

    def _probe(self) -> None:
        """Ask Kafka and Redis every `PROBE_S`: a silent stream must not hide that one is away."""
        now = time.monotonic()
        if now - self._probed_at < PROBE_S:
            return
        self._probed_at = now
        self._attention.forget()
        self._look_at_topics()
        asked = list(self._partitions) or [TopicPartition(SOURCE_TOPICS[0], 0)]
        try:
            ends = self._consumer.end_offsets(asked, timeout_ms=CALL_MS)
        except KafkaError as error:
            self._on_error(error)
        else:
            self._kafka.answered()
            for place, partition in list(self._partitions.items()):
                lag = ends[place] - partition.next_offset
                self._metrics.behind((place.topic, place.partition), lag)
                if lag < 0:
                    self._look_at_topics()  # a topic that was created anew explains it
                if lag < 0 and place in self._partitions:
                    what = f"the log ends at {ends[place]}, before offset {partition.next_offset}"
                    self._stop_reading(place, "truncated", what)
        self._delivery.probe()

    def _measure(self, place: TopicPartition, partition: Partition, last: Record) -> None:
        where = (place.topic, place.partition)
        self._metrics.count(where, partition.lanes)
        if partition.clock.max_seen_ms is not None:
            self._metrics.late(where, last.timestamp - partition.clock.watermark_ms)
        highwater = self._consumer.highwater(place)
        if highwater is not None:
            self._metrics.behind(where, highwater - partition.next_offset)

    def _caught_up(self) -> bool:
        """Return whether everything that was there when the partitions came has been processed.

        Told by the consumer's position: what a log ends with may be no record, but the mark of a
        transaction.
        """
        for sentence in self._watch.stopped.values():
            raise LogChangeError(sentence)
        try:
            return bool(self._partitions) and all(
                (self._consumer.position(place, timeout_ms=CALL_MS) or 0) >= self._ends[place]
                for place in self._partitions
            )
        except KafkaError as error:
            self._on_error(error)
            return False


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


def _context(place: TopicPartition, **more: object) -> dict[str, object]:
    return {"topic": place.topic, "partition": place.partition, **more}
