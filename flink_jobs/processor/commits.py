"""The commit that is the state of a partition.

A commit is the offset from which a successor has to read; its metadata tells with which watermark,
and up to where output has been delivered. See `partition.py`.
"""

from __future__ import annotations

import re
from typing import Final

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from flink_jobs.config import Settings
from flink_jobs.errors import Foreseen
from flink_jobs.processor.resume import Resume


class ForeignCommit(Foreseen):
    """A committed position that cannot be resumed with these settings."""


def resume_from(committed: OffsetAndMetadata | None, first: int, settings: Settings) -> Resume:
    """Return where to go on after `committed`, which another processor of the group left.

    Args:
        committed: The group's commit; None where there is none.
        first: Offset of the first record that the partition holds, where it then begins.
        settings: Those of the group.

    Raises:
        ForeignCommit: It was left with other windows, so what is open cannot be rebuilt from it.
    """
    if committed is None:
        return Resume(first, None, first)
    if not committed.metadata:  # left by another tool: a plain offset, of which nothing is known
        return Resume(committed.offset, None, committed.offset)
    found = _METADATA.fullmatch(committed.metadata)
    if found is None:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} was left by another program, with the note "
            f"{committed.metadata!r}: choose another KAFKA_GROUP"
        )
    max_seen, delivered, fingerprint = found.groups()
    if fingerprint != _fingerprint(settings):
        raise ForeignCommit(
            f"group {settings.kafka_group!r} was left with the windows {fingerprint}, and the "
            f"settings now say {_fingerprint(settings)}: go back to those, or choose another "
            "KAFKA_GROUP to start from the beginning of the log"
        )
    return Resume(committed.offset, int(max_seen) if max_seen else None, int(delivered))


def delivered_until(committed: OffsetAndMetadata) -> int:
    """Return the offset up to which, exclusively, a group has delivered its output.

    The committed offset is no later: a restart begins there, to fill the windows still open again.
    """
    found = _METADATA.fullmatch(committed.metadata or "")
    return int(found[2]) if found else int(committed.offset)


def check_log(place: TopicPartition, resume: Resume, end: int, settings: Settings) -> None:
    """Make sure that a partition still holds what its group has processed.

    Args:
        place: The partition.
        resume: What the group's commit says.
        end: The offset that the partition's next record will have.
        settings: Those of the group.

    Raises:
        ForeignCommit: It is another log, in which the offsets of the commit mean nothing.
    """
    if end < resume.delivered:
        raise ForeignCommit(
            f"group {settings.kafka_group!r} has processed {place.topic}/{place.partition} up to "
            f"offset {resume.delivered}, and the log now ends at {end}: the topic was created "
            "anew, so choose another KAFKA_GROUP to start from its beginning"
        )


def commit_of(resume: Resume, settings: Settings) -> OffsetAndMetadata:
    """Return the commit that `resume_from` reads."""
    max_seen = "" if resume.max_seen_ms is None else resume.max_seen_ms
    metadata = f"{max_seen}|{resume.delivered}|{_fingerprint(settings)}"
    return OffsetAndMetadata(resume.offset, metadata, -1)


_METADATA: Final = re.compile(r"(\d*)\|(\d+)\|(\S+)")


def _fingerprint(settings: Settings) -> str:
    """Name everything that decides a verdict; a log replayed with other values tells otherwise."""
    return (
        f"size={settings.window_size_minutes}min,slide={settings.window_slide_seconds}s,"
        f"bound={settings.max_out_of_orderness_seconds}s,"
        f"lateness={settings.allowed_lateness_seconds}s,future={settings.max_future_seconds}s"
    )
