"""The commit that is the state of a partition.

Nothing else is kept: the log is the state. A commit is the smallest offset that an open window
still needs. Its metadata holds the largest event time before that offset, the offset up to which
output has been delivered, the windows' settings, and the topic's id with its number of partitions:

    1760000400000|4711|size=5min,slide=60s,bound=30s,lateness=0s,future=300s|TOPIC-ID/4

A successor reads again from the commit, with the watermark restored and silently up to the
delivered offset, and is then where its predecessor was. See `partition.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.connectors.topics import TopicState
from flink_jobs.errors import ForeseenError
from flink_jobs.processor.partition import ResumePoint


class ForeignCommit(ForeseenError):
    """A commit that cannot be resumed: other windows, another program or another log left it."""


def resume_from(committed: OffsetAndMetadata | None, first: int, settings: Settings) -> ResumePoint:
    """Return where to go on after `committed`, which another processor of the group left.

    Args:
        committed: The group's commit; None where the group has none.
        first: Offset of the first record that the partition holds: where a group without a commit
            begins.
        settings: The group's name, and the windows of this processor.

    Raises:
        ForeignCommit: The commit was left with other windows, so that the open ones cannot be
            rebuilt from it, or by another program.
    """
    if committed is None:
        return ResumePoint(first, None, first)
    if not committed.metadata:  # a plain offset, as `kafka-consumer-groups.sh` leaves it
        return ResumePoint(committed.offset, None, committed.offset)
    found = _METADATA.fullmatch(committed.metadata)
    if found is None:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} was left by another program, with the note "
            f"{committed.metadata!r}: choose another KAFKA_GROUP"
        )
    max_seen, delivered, fingerprint, *_ = found.groups()
    if fingerprint != _fingerprint(settings):
        raise ForeignCommit(
            f"group {settings.kafka_group!r} was left with the windows {fingerprint}, and the "
            f"settings now say {_fingerprint(settings)}: go back to those, or choose another "
            "KAFKA_GROUP to start from the beginning of the log"
        )
    return ResumePoint(committed.offset, int(max_seen) if max_seen else None, int(delivered))


def delivered_until(committed: OffsetAndMetadata) -> int:
    """Return the offset up to which, exclusively, a group has delivered its output.

    The committed offset is at most this one: a restart begins there, to fill the open windows
    again. Lag is therefore counted from here: a lag from the committed offset would never be 0.
    """
    found = _METADATA.fullmatch(committed.metadata or "")
    return int(found[2]) if found else int(committed.offset)


def settings_of(committed: OffsetAndMetadata | None, settings: Settings) -> Settings:
    """Return `settings` with the windows, bound and limits that a commit was made with.

    They are those of the rows that the group has written, whatever the settings say by now.
    """
    found = _METADATA.fullmatch(committed.metadata or "") if committed is not None else None
    made = _FINGERPRINT.fullmatch(found[3]) if found else None
    if made is None:
        return settings
    numbers: dict[str, Any] = {name: int(value) for name, value in made.groupdict().items()}
    return replace(settings, **numbers)


def topic_of(committed: OffsetAndMetadata | None) -> TopicState | None:
    """Return the topic's id and size when the commit was made; None where the commit lacks them."""
    found = _METADATA.fullmatch(committed.metadata or "") if committed is not None else None
    return TopicState(found[4], int(found[5])) if found and found[4] else None


def check_log(
    place: TopicPartition,
    resume: ResumePoint,
    end: int,
    settings: Settings,
    before: TopicState | None = None,
    now: TopicState | None = None,
) -> None:
    """Make sure that a partition still holds what its group has processed.

    Args:
        place: The partition.
        resume: Where the group's commit goes on.
        end: The offset that the partition's next record will have.
        settings: The group's name.
        before: The topic as the commit knew it; None where the commit does not say.
        now: The topic as it is now.

    Raises:
        ForeignCommit: The partition is another log, in which the commit's offsets mean nothing.
    """
    if before is not None and now is not None and before.topic_id != now.topic_id:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} has processed another topic of the name "
            f"{place.topic} (id {before.topic_id}, and now {now.topic_id}): the topic was created "
            "anew, so choose another KAFKA_GROUP to start from its beginning"
        )
    if end < resume.delivered:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} has processed {place.topic}/{place.partition} up to "
            f"offset {resume.delivered}, and the log now ends at {end}: the topic was created "
            "anew, so choose another KAFKA_GROUP to start from its beginning"
        )


def commit_of(
    resume: ResumePoint, settings: Settings, topic: TopicState | None = None
) -> OffsetAndMetadata:
    """Return the commit that `resume_from` and `topic_of` read.

    >>> commit_of(ResumePoint(7, None, 9), Settings()).metadata
    '|9|size=5min,slide=60s,bound=30s,lateness=0s,future=300s'
    """
    max_seen = "" if resume.max_seen_ms is None else resume.max_seen_ms
    metadata = f"{max_seen}|{resume.delivered}|{_fingerprint(settings)}"
    if topic is not None:
        metadata += f"|{topic.topic_id}/{topic.partitions}"
    return OffsetAndMetadata(resume.offset, metadata, -1)


# The topic's part may be missing: commits of older processors are resumed all the same.
_METADATA: Final = re.compile(r"(\d*)\|(\d+)\|([^\s|]+)(?:\|([^\s/]+)/(\d+))?")

_FINGERPRINT: Final = re.compile(
    r"size=(?P<window_size_minutes>\d+)min,slide=(?P<window_slide_seconds>\d+)s,"
    r"bound=(?P<max_out_of_orderness_seconds>\d+)s,"
    r"lateness=(?P<allowed_lateness_seconds>\d+)s,future=(?P<max_future_seconds>\d+)s"
)
"""What `_fingerprint` writes; the groups are named as the settings."""


def _fingerprint(settings: Settings) -> str:
    """Name every setting that decides a verdict: with other values a log gives other windows."""
    return (
        f"size={settings.window_size_minutes}min,slide={settings.window_slide_seconds}s,"
        f"bound={settings.max_out_of_orderness_seconds}s,"
        f"lateness={settings.allowed_lateness_seconds}s,future={settings.max_future_seconds}s"
    )
