"""What Flink's numbers say is wrong with the job: the one definition of the job's health.

A number is compared with its value of some minutes ago, so that a trouble that is over stops being
told. `deploy/prometheus/alerts.yml` has the same rules for Prometheus, and `docs/runbook.md` says
what to do about each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from flink_jobs.monitoring.page import MetricsPage

LATE_DROPPED: Final = "numLateRecordsDropped"
"""Flink's metric of records that windows dropped without a trace; it must stay 0."""

REMEMBERED_S: Final = 600.0
"""For how long a restart, or a failed checkpoint, is a trouble; seconds of wall time."""
STILL_S: Final = 300.0
"""For how long a watermark may stand while records come, and a lag may grow; wall time."""
GROWN: Final = 1_000
"""Records by which a lag must have grown to be told: below is the ebb and flow of batches."""
_UNKNOWN_WATERMARK: Final = -(1 << 62)
"""A watermark below this is none yet: Flink begins with the smallest number of 64 bits."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers of a moment.

    Counters count since the job's start. Watermarks are event time, epoch milliseconds.
    """

    at_s: float
    restarts: float = 0
    completed: float = 0
    failed: float = 0
    dropped: float = 0
    pending: float = 0
    unstored: float = 0
    consumed: float = 0
    watermark_ms: float | None = None
    """The watermark of the windows that are furthest behind; None before the first record."""
    partitions: Mapping[str, float] = field(default_factory=dict)
    """The watermark of each partition in its source, by `TOPIC-PARTITION`."""

    @classmethod
    def of(cls, at_s: float, page: MetricsPage) -> Reading:
        """Read the numbers off a page.

        Args:
            at_s: Seconds of any clock, as long as all readings have the same one.
            page: The metrics of all Flink processes.
        """
        splits = {
            sample.labels["split"]: sample.value
            for sample in page.of("currentWatermark")
            if "split" in sample.labels
        }
        # A topic without any event leaves its windows without a watermark, and that is no trouble.
        # A topic of which some partitions have events and others none holds its windows back.
        awaited = _half_begun(splits)
        windows = [
            sample.value
            for sample in page.of("operator_currentInputWatermark")
            if "WindowAggregate" in sample.labels.get("operator_name", "")
            and (awaited or sample.value > _UNKNOWN_WATERMARK)
        ]
        return cls(
            at_s,
            restarts=page.largest("numRestarts") or 0,
            completed=page.total("numberOfCompletedCheckpoints"),
            failed=page.total("numberOfFailedCheckpoints"),
            dropped=page.total(LATE_DROPPED),
            pending=page.total("pendingRecords"),
            unstored=page.total("feature_set_unstored"),
            consumed=page.total("topic_consumed"),
            watermark_ms=min(windows, default=None),
            partitions=splits,
        )


class Symptoms:
    """Compares the newest reading with earlier ones, and names what is wrong.

    >>> symptoms = Symptoms()
    >>> symptoms.add(Reading(0.0, restarts=1))
    >>> list(symptoms.troubles())  # a sentence each
    ['restarts']
    """

    def __init__(self) -> None:
        """Begin with no reading."""
        self._readings: deque[Reading] = deque()

    def add(self, reading: Reading) -> None:
        """Take a reading, and forget readings that are older than `REMEMBERED_S`.

        The first reading is compared with counters of 0, so that a restart before it is told.
        """
        if not self._readings:
            self._readings.append(Reading(reading.at_s))
        self._readings.append(reading)
        while self._readings[0].at_s < reading.at_s - REMEMBERED_S:
            self._readings.popleft()

    def troubles(self) -> dict[str, str]:
        """Return what is wrong: a sentence by component; empty where all is well."""
        return dict(self._found()) if self._readings else {}

    def _found(self) -> Iterator[tuple[str, str]]:
        now, oldest = self._readings[-1], self._readings[0]
        if now.dropped:
            yield "windows", _DROPPED.format(now.dropped)
        if restarts := now.restarts - oldest.restarts:
            yield "restarts", _RESTARTED.format(restarts, (now.at_s - oldest.at_s) / 60)
        if now.failed > oldest.failed and now.completed == oldest.completed:
            yield "checkpoints", _FAILED.format(now.failed - oldest.failed)
        if unstored := now.unstored - oldest.unstored:
            yield "store", _UNSTORED.format(unstored)
        before = self._before(now.at_s - STILL_S)
        if before is None:
            return
        if now.pending - before.pending > GROWN:
            yield "lag", _LAGGING.format(now.pending, now.pending - before.pending)
        if now.consumed > before.consumed and _stands(before, now):
            yield "watermark", _STANDS.format(STILL_S / 60, _holder(now))

    def _before(self, at_s: float) -> Reading | None:
        """Return the newest reading at or before `at_s`; None without one."""
        return next((old for old in reversed(self._readings) if old.at_s <= at_s), None)


def _half_begun(splits: Mapping[str, float]) -> bool:
    """Return whether some topic has both partitions with events and partitions without."""
    begun: dict[str, set[bool]] = {}
    for split, watermark_ms in splits.items():
        topic = split.rpartition("-")[0]
        begun.setdefault(topic, set()).add(watermark_ms > _UNKNOWN_WATERMARK)
    return any(len(kinds) == 2 for kinds in begun.values())


def _stands(before: Reading, now: Reading) -> bool:
    return now.watermark_ms is not None and now.watermark_ms == before.watermark_ms


def _holder(now: Reading) -> str:
    """Return which partition holds the watermark back: the one that is furthest behind."""
    if not now.partitions:
        return "the slowest partition"
    split, watermark_ms = min(now.partitions.items(), key=lambda item: item[1])
    if watermark_ms < _UNKNOWN_WATERMARK:
        return f"{split}, which has brought no event yet"
    return f"{split}, which has come to {watermark_ms:.0f}"


_DROPPED: Final = (
    "Flink's windows have dropped {:.0f} records that no dead letter tells of: this must be 0"
)
_RESTARTED: Final = (
    "the job has restarted {:.0f} times in the last {:.0f} min: the log of its JobManager says why"
)
_FAILED: Final = "the last {:.0f} checkpoints have failed, so nothing is committed to Kafka"
_UNSTORED: Final = (
    "Redis has refused {:.0f} rows: they are dead letters of the reason unstored, with the cause"
)
_LAGGING: Final = (
    "{:,.0f} records wait to be read, {:,.0f} more than five minutes ago: the job is too slow, or "
    "has just been started"
)
_STANDS: Final = (
    "no window has fired for {:.0f} min, though records come: the watermark is held back by {}"
)
