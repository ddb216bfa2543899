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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, keep_joining, refusal, undecodable
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.connectors.redis import FeatureStore, StoreAway, Stored
from flink_jobs.dead_letter import UnstoredRow
from flink_jobs.events import Record
from flink_jobs.features.row import FeatureRow, encode_row
from flink_jobs.monitoring.health import Health
from flink_jobs.processor.attention import Attention
from flink_jobs.processor.commits import check_log, commit_of, resume_from
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Output, Partition
from flink_jobs.processor.patience import Patience
from flink_jobs.processor.resume import Resume

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

UNSTORED_REMEDIES: Final = {
    "wrongtype": "delete the keys under features:* that are no hashes",
    "oom": "give it more memory, or let it evict",
}

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
        outbox: Outbox,
        store: FeatureStore,
        metrics: Metrics,
        health: Health,
        stop: threading.Event,
        open_partition: Callable[[str, Settings, Resume], Partition] = Partition,
    ) -> None:
        """Connect the parts; nothing is read before `run`, which ends once `stop` is set."""
        self._settings = settings
        self._consumer = consumer
        self._outbox = outbox
        self._store = store
        self._metrics = metrics
        self._stop = stop
        self._open_partition = open_partition
        self._kafka = Patience("kafka", health, stop)
        self._commits = Patience("kafka commits", health, stop)
        self._redis = Patience("redis", health, stop)
        self._attention = Attention(health)
        self._partitions: dict[TopicPartition, Partition] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, Resume] = {}
        self._committed_at = self._probed_at = time.monotonic()

    def run(self, *, until_caught_up: bool = False) -> None:
        """Process records until told to stop, or until all that was there has been processed.

        No window that is still open is emitted at the end: a stop is no end of the stream.

        Raises:
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
        for place in partitions:
            partition = self._partitions.pop(place, None)
            if partition is not None:
                self._metrics.forget((place.topic, place.partition), partition.lanes)
                log.info("partition given up", extra={"context": _context(place)})

    def _moved(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Resume]:
        """Return where successors of `partitions` must begin, if not where the last commit says."""
        points = {place: self._partitions[place].resume_point() for place in partitions}
        return {
            place: point for place, point in points.items() if self._committed.get(place) != point
        }

    def _offsets(self, points: dict[TopicPartition, Resume]) -> dict[Any, OffsetAndMetadata]:
        return {place: commit_of(point, self._settings) for place, point in points.items()}

    def _note_commits(self, points: dict[TopicPartition, Resume]) -> None:
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
        except KafkaError as error:
            if ending := undecodable(error, self._consumer):
                raise ending from error
            self._on_error(error)
            return {}
        except Exception as error:  # a codec raises what it likes
            raise undecodable(error, self._consumer) or error from error
        return batches

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
            for place in self._consumer.assignment() - self._partitions.keys():
                self._restore(place)
        except KafkaError as error:  # the next round tries again
            self._on_error(error)

    def _restore(self, place: TopicPartition) -> None:
        committed = self._consumer.committed(place, metadata=True, timeout_ms=CALL_MS)
        first = self._consumer.beginning_offsets([place], timeout_ms=CALL_MS)[place]
        end = self._consumer.end_offsets([place], timeout_ms=CALL_MS)[place]
        resume = resume_from(committed, first, self._settings)
        check_log(place, resume, end, self._settings)
        if resume.offset < first:
            context = _context(place, first_offset=resume.offset, next_offset=first)
            log.error("records of open windows have been deleted", extra={"context": context})
        self._consumer.seek(place, max(first, resume.offset))
        self._ends[place] = end
        self._committed[place] = resume
        self._partitions[place] = self._open_partition(place.topic, self._settings, resume)
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
        self._deliver(output)
        seconds = time.perf_counter() - started
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.rate.set(sum(map(len, owned.values())) / seconds)

    def _deliver(self, output: Output) -> None:
        """Write rows to the store; hand everything to the producer, which delivers it by itself."""
        if output.rows:
            stored = self._write(output.rows)
            self._metrics.refused.inc(stored.stale)
            for name, count in Counter(row.feature_set for row in output.rows).items():
                self._metrics.rows.labels(name).inc(count)
            self._outbox.send((), self._unstored(stored.refused))
            self._note_conflicts(stored.conflicts)
        self._outbox.send(output.rows, output.letters)

    def _unstored(self, refused: Sequence[tuple[FeatureRow, str]]) -> Iterator[UnstoredRow]:
        """Yield the dead letters of rows that the store would not take, and say how many."""
        for cause, count in Counter(cause for _, cause in refused).items():
            self._metrics.unstored.labels(cause).inc(count)
            self._attention.say(
                "rows not stored",
                f"Redis refuses rows ({cause}): they are dead letters of the reason unstored; "
                + UNSTORED_REMEDIES[cause],
                count=count,
            )
        for row, cause in refused:
            yield UnstoredRow(
                feature_set=row.feature_set,
                redis_key=row.redis_key,
                window_end=row.window_end,
                revision=row.revision,
                cause=cause,
                row=encode_row(row),
            )

    def _note_conflicts(self, conflicts: int) -> None:
        if conflicts:
            self._metrics.conflicts.inc(conflicts)
            self._attention.say(
                "key in two partitions",
                "rows of one key and window come from two partitions, each a stream of its own: "
                "look for producers with different partitioners, or partitions that were added",
                count=conflicts,
            )

    def _write(self, rows: list[FeatureRow]) -> Stored:
        """Write rows, waiting while the store is away; return what became of them.

        Raises:
            StoreUnusable: It refuses, and would go on refusing.
            Unavailable: It stays away.
        """
        while True:
            try:
                stored = self._store.write(rows)
            except StoreAway as error:
                self._redis.failed(error)
            else:
                self._redis.answered()
                return stored

    def _probe(self) -> None:
        """Ask Kafka and Redis every `PROBE_S`: a silent stream must not hide that one is away."""
        now = time.monotonic()
        if now - self._probed_at < PROBE_S:
            return
        self._probed_at = now
        self._attention.forget()
        asked = list(self._partitions) or [TopicPartition(SOURCE_TOPICS[0], 0)]
        try:
            ends = self._consumer.end_offsets(asked, timeout_ms=CALL_MS)
        except KafkaError as error:
            self._on_error(error)
        else:
            self._kafka.answered()
            for place, partition in self._partitions.items():
                self._metrics.behind(
                    (place.topic, place.partition), ends[place] - partition.next_offset
                )
        try:
            self._store.ping()
        except StoreAway as error:
            self._redis.failed(error)
        else:
            self._redis.answered()

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
