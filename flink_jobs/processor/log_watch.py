"""The log beneath a running processor: what has changed there, and for how long that is said.

A log only grows. Where it does not, what was read of it means something else, or is gone:

- `recreated`: the partition is not read on, because offsets mean nothing in another topic.
- `truncated`: the same, because the log ends before what was read of it.
- `deleted`: reading goes on behind the gap, and the lost records are counted.
- `partitions_added`: reading goes on, and keys may have moved to another partition.

`/healthz` is degraded by the first two until a restart (Kafka forgets a group's commits of a topic
that is deleted; a commit of a truncated log asks for another group), and by the others until
no window is open any more that an event from before the change may be in.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from kafka import TopicPartition

from flink_jobs.config import Settings
from flink_jobs.connectors.topics import TopicState
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
    """A log that cannot be read on. Its text names the partition and the remedy."""


class LogWatch:
    """Remembers what the logs were, and tells of each change: log, metric and health page."""

    def __init__(self, settings: Settings, metrics: Metrics, health: Health) -> None:
        """Watch nothing yet."""
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._known: dict[str, TopicState] = {}
        self._stopped: dict[TopicPartition, str] = {}
        self._healing: dict[TopicPartition, int | None] = {}  # by the watermark that ends it

    @property
    def stopped(self) -> Mapping[TopicPartition, str]:
        """The partitions that are not read on, each with the sentence that says why."""
        return self._stopped

    def state_of(self, topic: str) -> TopicState | None:
        """Return the topic as it was when its partitions were taken over."""
        return self._known.get(topic)

    def know(self, topic: str, state: TopicState) -> None:
        """Note what a topic is, where none of its partitions was known."""
        self._known.setdefault(topic, state)

    def recreated(self, states: Mapping[str, TopicState]) -> set[str]:
        """Return the topics that are others than those known."""
        return {
            topic
            for topic, known in self._known.items()
            if topic in states and states[topic].topic_id != known.topic_id
        }

    def gone(self, states: Mapping[str, TopicState]) -> set[str]:
        """Return the topics that do not exist any more."""
        return self._known.keys() - states.keys()

    def grown(self, states: Mapping[str, TopicState]) -> dict[str, str]:
        """Return the topics with more partitions than before, with a sentence; know them now."""
        sentences = {}
        for topic, known in self._known.items():
            state = states.get(topic, known)
            if state.topic_id == known.topic_id and state.partitions > known.partitions:
                self._known[topic] = state
                sentences[topic] = growth(topic, known, state)
        return sentences

    def stop(self, place: TopicPartition, change: Change, what: str) -> None:
        """Note that a partition is not read on."""
        sentence = f"{place.topic}/{place.partition}: {what}: {_REMEDIES[change]}"
        self._stopped[place] = sentence
        self._tell(place, change, sentence)

    def lost(self, place: TopicPartition, first: int, end: int) -> None:
        """Note that the records from `first` up to `end`, exclusively, are gone."""
        self._metrics.lost.labels(place.topic, str(place.partition)).inc(end - first)
        self._healing[place] = None
        self._tell(
            place,
            "deleted",
            f"{place.topic}/{place.partition}: {end - first} records, offsets {first} to "
            f"{end - 1}, were deleted before they were read: windows that they belong to are told "
            "without them, so keep records (retention.ms) for longer than a processor may be away",
        )

    def split(self, place: TopicPartition, partition: Partition, sentence: str) -> None:
        """Note that keys of a partition may have moved to another."""
        self._healing[place] = self._last_ms(place, partition)
        self._tell(place, "partitions_added", sentence)

    def observe(self, place: TopicPartition, partition: Partition) -> None:
        """Look at a partition that has moved on: the windows of an incident may be over."""
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
        """Forget partitions that are another's now."""
        for place in places:
            self._stopped.pop(place, None)
            self._healing.pop(place, None)
            self._health.ok(_component(place))

    def _last_ms(self, place: TopicPartition, partition: Partition) -> int | None:
        """Return the watermark at which no window is open that an event until now may be in."""
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


def growth(topic: str, before: TopicState, now: TopicState) -> str:
    """Return the sentence about a topic that has more partitions than before."""
    return (
        f"topic {topic} has {now.partitions} partitions and had {before.partitions}: keys may have "
        "moved, and each partition tells its own windows of a key, so windows from before the "
        "change are split"
    )


def _component(place: TopicPartition) -> str:
    return f"log {place.topic}/{place.partition}"
