"""Topics as the broker has them now, with the id that no other topic of the name has had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kafka import KafkaAdminClient

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS, open_admin


class TopicState(NamedTuple):
    """What identifies a topic, and how many partitions it has."""

    topic_id: str
    """The broker's id: a topic that is deleted and created anew has another."""
    partitions: int


class Topics:
    """Asks the broker what the event topics are; about 2 ms a time."""

    def __init__(self, settings: Settings, timeout_ms: int) -> None:
        """Connect; no question waits for longer than `timeout_ms`."""
        self._admin: KafkaAdminClient = open_admin(settings, timeout_ms)

    def states(self) -> Mapping[str, TopicState]:
        """Return the state of every event topic that exists.

        Raises:
            KafkaError: The broker does not answer.
        """
        return {
            found["name"]: TopicState(found["topic_id"], len(found["partitions"]))
            for found in self._admin.describe_topics([*SOURCE_TOPICS])
            if found["topic_id"] is not None and found["partitions"]
        }

    def close(self) -> None:
        """Disconnect."""
        self._admin.close()
