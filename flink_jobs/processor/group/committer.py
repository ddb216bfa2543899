"""The committer: it commits partitions once their output has arrived, and knows what it committed.

Output is delivered before the commit that says so. A crash in between repeats some output, and
repeating it changes nothing: the store refuses rows that are not newer, and a row or a dead letter
that is written twice has the same identity.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.processor.group.commits import commit_of
from flink_jobs.processor.group.log_watch import LogWatch
from flink_jobs.processor.partition import Partition, ResumePoint
from flink_jobs.processor.patience import CALL_MS, Patience, wait_out

FLUSH_S: Final = 0.5
"""How long the broker may take for the output at hand before it counts as away, seconds."""
MAX_PENDING: Final = 50_000
"""How many records of output may be in memory, not yet acknowledged; with more a commit is due."""

log = logging.getLogger("stream_processor")


class Committer:
    """Commits partitions for the group: at intervals, and when the group takes them away.

    A partition whose position has not changed is not committed again.
    """

    def __init__(
        self,
        settings: Settings,
        consumer: KafkaConsumer,
        outbox: Outbox,
        watch: LogWatch,
        output: Patience,
        commits: Patience,
    ) -> None:
        """Commit with `consumer` what `outbox` has delivered.

        Args:
            settings: The interval of commits, and the windows that a commit names.
            consumer: The member of the group that owns the partitions.
            outbox: What the broker has to acknowledge before a commit.
            watch: Knows the topics, whose ids a commit carries.
            output: How long a broker that takes no output is waited for.
            commits: How long a broker that takes no commit is waited for.
        """
        self._settings = settings
        self._consumer = consumer
        self._outbox = outbox
        self._watch = watch
        self._output = output
        self._commits = commits
        self._committed: dict[TopicPartition, ResumePoint] = {}
        self._committed_at = time.monotonic()

    def begin(self, place: TopicPartition, resume: ResumePoint) -> None:
        """Note the commit that a partition goes on from."""
        self._committed[place] = resume

    def is_due(self) -> bool:
        """Return whether the interval of commits is over, or too much output is in memory."""
        interval_s = self._settings.checkpoint_interval_ms / 1_000
        due = time.monotonic() - self._committed_at >= interval_s
        return due or self._outbox.pending > MAX_PENDING

    def commit(self, partitions: Mapping[TopicPartition, Partition]) -> None:
        """Commit every partition that has moved, once its output has arrived.

        Raises:
            KafkaUnusable: The broker refused some output.
            ServiceAway: Kafka stayed away.
        """
        while not self._outbox.flush(FLUSH_S):
            self._output.failed("it does not take the output")
        self._committed_at = time.monotonic()
        moved = self._moved(partitions)
        if not moved:
            return
        try:
            self._consumer.commit(self._offsets(moved), timeout_ms=CALL_MS)
        except (CommitFailedError, RebalanceInProgressError):
            log.info("partitions have moved: their new owner replays what is not committed")
        except KafkaError as error:  # a later commit covers this one, or a replay does
            wait_out(error, self._commits)
        else:
            self._commits.answered()
            self._note(moved)

    def release(self, partitions: Mapping[TopicPartition, Partition]) -> None:
        """Commit partitions that the group takes away, if their output arrives at once.

        Where it does not, nothing is committed, and the next owner repeats the output.
        """
        moved = self._moved(partitions)
        if moved and self._outbox.flush(FLUSH_S):
            # Not waited for: this thread would have to bring the answer. The broker takes the
            # commit before it lets this member join again.
            self._consumer.commit_async(self._offsets(moved))
            self._note(moved)

    def _moved(
        self, partitions: Mapping[TopicPartition, Partition]
    ) -> dict[TopicPartition, ResumePoint]:
        """Return where successors must begin, for partitions of which the last commit differs."""
        points = {place: partition.resume_point() for place, partition in partitions.items()}
        return {
            place: point for place, point in points.items() if self._committed.get(place) != point
        }

    def _offsets(
        self, points: Mapping[TopicPartition, ResumePoint]
    ) -> dict[Any, OffsetAndMetadata]:
        return {
            place: commit_of(point, self._settings, self._watch.state_of(place.topic))
            for place, point in points.items()
        }

    def _note(self, points: Mapping[TopicPartition, ResumePoint]) -> None:
        for place, point in points.items():
            context = {
                "topic": place.topic,
                "partition": place.partition,
                "first_offset": self._committed[place].delivered,
                "next_offset": point.delivered,
            }
            log.info("committed", extra={"context": context})
            self._committed[place] = point
