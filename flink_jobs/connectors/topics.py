"""The event topics as the broker has them now, each with an id that tells namesakes apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kafka import KafkaAdminClient

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, open_admin


class TopicState(NamedTuple):
    """A topic's id and its number of partitions."""

    topic_id: str
    """The broker's id (KIP-516): a topic that is deleted and created anew has another id."""
    partitions: int


def growth(topic: str, before: TopicState, now: TopicState) -> str:
    """Return the sentence for a topic that has more partitions now than before."""
    return (
        f"topic {topic} has {now.partitions} partitions and had {before.partitions}: keys may have "
        "moved, and each partition tells its own windows of a key, so windows from before the "
        "change are split"
    )


class Topics:
    """Asks the broker what the event topics are; a question takes about 2 ms."""

    def __init__(self, settings: Settings, timeout_ms: int) -> None:
        """Connect; no question waits for longer than `timeout_ms`.

        Raises:
            KafkaError: No broker answers.
        """
        self._admin: KafkaAdminClient = open_admin(settings, timeout_ms)

    def states(self) -> Mapping[str, TopicState]:
        """Return the state of every event topic that exists; a topic that is gone is left out.

        Raises:
            KafkaError: The broker does not answer.
        """
        return {
            found["name"]: TopicState(found["topic_id"], len(found["partitions"]))
            for found in self._admin.describe_topics([*SOURCE_TOPICS])
            if found["topic_id"] is not None and found["partitions"]
        }

    def close(self) -> None:
        """Disconnect from the broker."""
        self._admin.close()
