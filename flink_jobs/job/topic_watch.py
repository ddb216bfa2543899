"""The event topics beneath a running job: what Flink does not ask, and a person has to know.

Flink's reader knows a topic by its name and a place by its offset. In a topic that was deleted and
created anew, an old offset names another record: the reader would leave out the records before it,
and the rest would meet the watermark and the windows of the topic before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from kafka.errors import KafkaError

from flink_jobs.connectors.topics import Topics, growth
from flink_jobs.job.state import JobUnusable
from flink_jobs.monitoring.health import Health
from flink_jobs.monitoring.symptoms import REMEMBERED_S

ANEW: Final = (
    "topics have been created anew while the job was reading them ({}), and what they held is "
    "gone: choose another --state to start with the new ones"
)

log = logging.getLogger("features")


class TopicWatch:
    """Compares the topics with what they were at the start of the job."""

    def __init__(
        self, topics: Topics, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Note what the topics are.

        Args:
            topics: Asks the broker.
            health: Is told, for `REMEMBERED_S`, of topics that have got more partitions.
            clock: Returns seconds of wall time that never go back.

        Raises:
            KafkaError: The broker does not answer.
        """
        self._topics = topics
        self._health = health
        self._clock = clock
        self._known = dict(topics.states())
        self._told: dict[str, float] = {}

    def look(self) -> None:
        """Look once: a second of records is the most that an old offset may let through.

        A broker that is away, and a topic that is gone, are Flink's to wait for.

        Raises:
            JobUnusable: A topic has been created anew.
        """
        try:
            states = self._topics.states()
        except KafkaError:
            return
        known = {topic: self._known[topic] for topic in states if topic in self._known}
        anew = [topic for topic in known if states[topic].topic_id != known[topic].topic_id]
        if anew:
            raise JobUnusable(ANEW.format(", ".join(sorted(anew))))
        for topic, before in known.items():
            if states[topic].partitions > before.partitions:
                self._tell(topic, growth(topic, before, states[topic]))
                self._known[topic] = states[topic]
        for topic, at in list(self._told.items()):
            if self._clock() - at > REMEMBERED_S:
                del self._told[topic]
                self._health.ok(f"topic {topic}")

    def _tell(self, topic: str, sentence: str) -> None:
        self._told[topic] = self._clock()
        log.error(sentence, extra={"context": {"topic": topic}})
        self._health.trouble(f"topic {topic}", sentence)
