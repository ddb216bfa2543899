"""Where a partition goes on: what a commit means, before it is written in Kafka's terms."""

from __future__ import annotations

from typing import NamedTuple


class ResumePoint(NamedTuple):
    """Where and how to go on with a partition."""

    offset: int = 0
    """Offset of the first record to read."""
    max_seen_ms: int | None = None
    """Largest event time before that record; None where there was none."""
    delivered: int = 0
    """Offset up to which, exclusively, all output has been delivered."""
