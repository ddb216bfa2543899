"""The log beneath a running processor: its changes, and for how long each is told.

In good health a log only grows. Any other change puts in doubt what was read of it:

- `recreated`: the partition is not read on, because offsets mean nothing in another topic.
- `truncated`: the partition is not read on, because the log ends before what was read of it.
- `deleted`: reading goes on behind the gap, and the lost records are counted, each once.
- `partitions_added`: reading goes on, and keys may have moved to another partition.

The first two degrade `/healthz` until a restart. (Kafka forgets a group's commits of a topic that
is deleted; a commit of a truncated log asks for another group.) The other two degrade it until
every window is closed that an event from before the change may be in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from kafka import TopicPartition

from flink_jobs.config import Settings
from flink_jobs.connectors.topics import TopicState, growth
from flink_jobs.errors import ForeseenError
from flink_jobs.features.catalog import feature_sets
from flink_jobs.monitoring.health import Health
from flink_jobs.processor.metrics import Metrics
from flink_jobs.processor.partition import Partition

Change: TypeAlias = Literal["recreated", "truncated", "deleted", "partitions_added"]

_REMEDIES: Final[dict[Change, str]] = {
    "recreated": "stop and start again to read the new topic from its beginning",
    "truncated": "stop, and start with another KAFKA_GROUP to read it from its beginning",
}

log = logging.getLogger("stream_processor")


class LogChangeError(ForeseenError):
    """A log that cannot be read on. The text names the partition and the remedy."""


class LogWatch:
    """Remembers the topics and partitions; tells of each change by log, metric and health page."""

    def __init__(self, settings: Settings, metrics: Metrics, health: Health) -> None:
        """Watch nothing yet."""
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._known: dict[str, TopicState] = {}
        self._stopped: dict[TopicPartition, str] = {}
        # The watermark at which an incident is over; None until the partition's next batch.
        self._healing: dict[TopicPartition, int | None] = {}
        self._counted: dict[TopicPartition, int] = {}

    @property
    def stopped(self) -> Mapping[TopicPartition, str]:
        """The partitions that are not read on, each with the sentence that says why."""
        return self._stopped

    def state_of(self, topic: str) -> TopicState | None:
        """Return the topic as it was when its partitions were taken over; None for a new one."""
        return self._known.get(topic)

    def know(self, topic: str, state: TopicState) -> None:
        """Note a topic's id and size, unless one of its partitions has been taken over before."""
        self._known.setdefault(topic, state)

    def recreated(self, states: Mapping[str, TopicState]) -> set[str]:
        """Return the topics that have another id now: deleted and created anew."""
        return {
            topic
            for topic, known in self._known.items()
            if topic in states and states[topic].topic_id != known.topic_id
        }

    def gone(self, states: Mapping[str, TopicState]) -> set[str]:
        """Return the known topics that do not exist any more."""
        return self._known.keys() - states.keys()

    def grown(self, states: Mapping[str, TopicState]) -> dict[str, str]:
        """Return a sentence for each topic with more partitions than before; note the new size."""
        sentences = {}
        for topic, known in self._known.items():
            state = states.get(topic, known)
            if state.topic_id == known.topic_id and state.partitions > known.partitions:
                self._known[topic] = state
                sentences[topic] = growth(topic, known, state)
        return sentences

    def stop(self, place: TopicPartition, change: Change, what: str) -> None:
        """Note that a partition is not read on; `what` has happened to its log."""
        sentence = f"{place.topic}/{place.partition}: {what}: {_REMEDIES[change]}"
        self._stopped[place] = sentence
        self._tell(place, change, sentence)

    def lost(self, place: TopicPartition, first: int, end: int, read: int = 0) -> None:
        """Note that the records from `first` up to `end`, exclusively, are gone.

        Those before `read` had been read, and are missed because open windows need them again.
        """
        # A partition that moves to and fro meets the same gap again, until a commit lies behind it.
        unread = max(first, read, self._counted.get(place, 0))
        self._counted[place] = max(end, unread)
        self._metrics.lost.labels(place.topic, str(place.partition)).inc(max(end - unread, 0))
        self._healing[place] = None
        if unread < end:
            what = f"{end - unread} records, offsets {unread} to {end - 1}, were deleted before "
            what += "they were read: windows that they belong to are told without them"
        else:
            what = f"records before offset {end} were deleted that open windows need: the windows "
            what += "that were open at the last commit are told without them"
        self._tell(
            place,
            "deleted",
            f"{place.topic}/{place.partition}: {what}, so keep records (retention.ms) for longer "
            "than a processor may be away",
        )

    def split(self, place: TopicPartition, partition: Partition, sentence: str) -> None:
        """Note that keys of a partition may have moved to another."""
        self._healing[place] = self._last_ms(place, partition)
        self._tell(place, "partitions_added", sentence)

    def observe(self, place: TopicPartition, partition: Partition) -> None:
        """Look at a partition that has moved on: an incident may be over, with its last window."""
        if place not in self._healing:
            return
        last_ms = self._healing[place]
        if last_ms is None:
            self._healing[place] = self._last_ms(place, partition)
        elif partition.clock.watermark_ms >= last_ms:
            del self._healing[place]
            self._health.ok(_component(place))
            log.info(
                "no window of the incident is open any more",
                extra={"context": {"topic": place.topic, "partition": place.partition}},
            )

    def forget(self, places: Iterable[TopicPartition]) -> None:
        """Forget partitions that another process owns now."""
        for place in places:
            self._stopped.pop(place, None)
            self._healing.pop(place, None)
            self._health.ok(_component(place))

    def _last_ms(self, place: TopicPartition, partition: Partition) -> int | None:
        """Return the watermark at which every window is closed that an event until now may be in.

        None while the partition has seen no event. The longest time that a row serves, beyond the
        largest event time, stands for the end of the last window.
        """
        max_seen_ms = partition.clock.max_seen_ms
        if max_seen_ms is None:
            return None
        serving_ms = [
            feature_set.ttl_ms(self._settings) for feature_set in feature_sets(place.topic)
        ]
        return max_seen_ms + max(serving_ms)

    def _tell(self, place: TopicPartition, change: Change, sentence: str) -> None:
        self._metrics.changes.labels(place.topic, str(place.partition), change).inc()
        log.error(sentence, extra={"context": {"topic": place.topic, "change": change}})
        self._health.trouble(_component(place), sentence)


def _component(place: TopicPartition) -> str:
    return f"log {place.topic}/{place.partition}"
