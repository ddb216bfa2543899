"""The assignment: the partitions that the group has given to this process, and their logs.

A partition comes with a rebalance, is read again from its commit, and goes with another rebalance.
In between the log beneath it may change (see `log_watch.py`): what is left of a partition whose log
cannot be read on is that it is paused, and told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import refresh_metadata
from flink_jobs.connectors.topics import Topics, TopicState, growth
from flink_jobs.processor.attention import Attention
from flink_jobs.processor.group.commits import check_log, resume_from, topic_of
from flink_jobs.processor.group.committer import Committer
from flink_jobs.processor.group.log_watch import Change, LogChangeError, LogWatch
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Partition, ResumePoint
from flink_jobs.processor.patience import CALL_MS, Patience, wait_out

RECREATED: Final = "the topic was deleted and created anew"

log = logging.getLogger("stream_processor")


class Assignment:
    """Owns the partitions of this process, each with its event-time stream."""

    def __init__(
        self,
        settings: Settings,
        consumer: KafkaConsumer,
        topics: Topics,
        watch: LogWatch,
        metrics: Metrics,
        attention: Attention,
        committer: Committer,
        kafka: Patience,
        open_partition: Callable[[str, Settings, ResumePoint], Partition] = Partition,
    ) -> None:
        """Own nothing yet.

        Args:
            settings: Group, windows and bound.
            consumer: The member of the group that partitions are assigned to.
            topics: Asks the broker what the topics are.
            watch: Remembers the logs and tells of changes.
            metrics: Forgets a partition that is lost.
            attention: Tells of a topic that is gone.
            committer: Has to know the commit that a partition goes on from.
            kafka: How long a broker that is away is waited for.
            open_partition: Opens the stream of a partition at a point.
        """
        self.partitions: dict[TopicPartition, Partition] = {}
        self._settings = settings
        self._consumer = consumer
        self._topics = topics
        self._watch = watch
        self._metrics = metrics
        self._attention = attention
        self._committer = committer
        self._kafka = kafka
        self._open_partition = open_partition
        self._ends: dict[TopicPartition, int] = {}

    def take_over(self) -> None:
        """Take over the partitions that have been assigned since the last call.

        Each is read again from its commit. Records of it that the consumer has already fetched were
        not processed, because nobody here owned the partition.

        Raises:
            ForeignCommit: The group cannot be resumed with these settings, or on this log.
            KafkaUnusable: The broker refused a request.
            ServiceAway: Kafka has been away for too long.
        """
        try:
            new = self._consumer.assignment() - self.partitions.keys() - self._watch.stopped.keys()
            states = self._topics.states() if new else {}
            others = self._watch.recreated(states)
            for place in new:
                if place.topic in others:
                    self.stop_reading(place, "recreated", RECREATED)
                elif place.topic in states:
                    self._restore(place, states[place.topic])
        except KafkaError as error:  # the next round tries again
            wait_out(error, self._kafka)

    def owned(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, Partition]:
        """Return those of `places` that this process owns, with their streams."""
        return {place: self.partitions[place] for place in places if place in self.partitions}

    def lose(self, places: Iterable[TopicPartition]) -> None:
        """Forget partitions that another process owns now."""
        places = list(places)
        self._watch.forget(places)
        for place in places:
            partition = self.partitions.pop(place, None)
            if partition is not None:
                self._metrics.forget((place.topic, place.partition), partition.lanes)
                log.info("partition given up", extra={"context": _context(place)})

    def stop_reading(self, place: TopicPartition, change: Change, what: str) -> None:
        """Pause a partition whose log cannot be read on, and tell why."""
        partition = self.partitions.pop(place, None)
        if partition is not None:
            self._metrics.forget((place.topic, place.partition), partition.lanes)
        self._consumer.pause(place)
        self._watch.stop(place, change, what)

    def look_at_topics(self) -> None:
        """Make sure that the topics are still the same, before any of their records counts.

        To be called after a batch has come, and before the batch is processed: a topic that was
        deleted and created anew in between would else be judged by the watermark, and counted into
        the windows, of the topic before it.

        Raises:
            KafkaUnusable: The broker refuses to tell.
            ServiceAway: Kafka has been away for too long.
        """
        states = self._states()
        others = self._watch.recreated(states)
        for place in [place for place in self.partitions if place.topic in others]:
            self.stop_reading(place, "recreated", RECREATED)
        for topic in self._watch.gone(states):
            self._attention.say(f"topic {topic}", f"topic {topic} is gone: `make up` creates it")
        for topic, sentence in self._watch.grown(states).items():
            refresh_metadata(self._consumer)  # the group then hands out the new partitions
            for place in [place for place in self.partitions if place.topic == topic]:
                self._watch.split(place, self.partitions[place], sentence)

    def look_at_gaps(self, asked: Mapping[TopicPartition, int]) -> None:
        """Go on behind records that were deleted before they were read; stop where a log ends.

        Args:
            asked: The offsets that the logs do not hold, by partition.
        """
        self.look_at_topics()
        for place, offset in asked.items():
            if place not in self.partitions:
                continue
            try:
                first = self._consumer.beginning_offsets([place], timeout_ms=CALL_MS)[place]
            except KafkaError as error:  # the next poll asks again
                wait_out(error, self._kafka)
                continue
            if offset < first:
                self._watch.lost(place, offset, first)
                self.partitions[place].skip_to(first)
                self._consumer.seek(place, first)
            else:
                self.stop_reading(place, "truncated", f"the log ends before offset {offset}")

    def look_at_end(self, place: TopicPartition, what: str) -> None:
        """Stop reading a partition whose log ends before what was read of it, as `what` says."""
        self.look_at_topics()  # a topic that was created anew is another trouble, with its remedy
        if place in self.partitions:
            self.stop_reading(place, "truncated", what)

    def is_caught_up(self) -> bool:
        """Return whether everything that was there when the partitions came has been processed.

        The consumer's position tells: the last offset of a log may hold no record, but the mark of
        a transaction.

        Raises:
            LogChangeError: A log cannot be read on, so nobody will ever catch up with it.
        """
        for sentence in self._watch.stopped.values():
            raise LogChangeError(sentence)
        try:
            return bool(self.partitions) and all(
                (self._consumer.position(place, timeout_ms=CALL_MS) or 0) >= self._ends[place]
                for place in self.partitions
            )
        except KafkaError as error:
            wait_out(error, self._kafka)
            return False

    def _states(self) -> Mapping[str, TopicState]:
        """Return what the topics are, waiting while the broker is away."""
        while True:
            try:
                return self._topics.states()
            except KafkaError as error:
                wait_out(error, self._kafka)

    def _restore(self, place: TopicPartition, state: TopicState) -> None:
        committed = self._consumer.committed(place, metadata=True, timeout_ms=CALL_MS)
        first = self._consumer.beginning_offsets([place], timeout_ms=CALL_MS)[place]
        end = self._consumer.end_offsets([place], timeout_ms=CALL_MS)[place]
        resume = resume_from(committed, first, self._settings)
        before = topic_of(committed)
        check_log(place, resume, end, self._settings, before, state)
        self._watch.know(place.topic, state)
        if resume.offset < first:
            self._watch.lost(place, resume.offset, first, resume.delivered)
        self._consumer.seek(place, max(first, resume.offset))
        self._ends[place] = end
        self._committer.begin(place, resume)
        self.partitions[place] = self._open_partition(place.topic, self._settings, resume)
        if before is not None and state.partitions > before.partitions:
            sentence = growth(place.topic, before, state)
            self._watch.split(place, self.partitions[place], sentence)
        log.info("partition taken over", extra={"context": _context(place, **resume._asdict())})


def _context(place: TopicPartition, **more: object) -> dict[str, object]:
    return {"topic": place.topic, "partition": place.partition, **more}
