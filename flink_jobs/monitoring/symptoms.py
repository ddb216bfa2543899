"""What the numbers of a job say is wrong: the one definition of health, for both executions.

A number is compared with its value of some minutes ago, so that a trouble that is over stops being
told. `deploy/prometheus/alerts.yml` has the same rules for Prometheus, which a test holds to these
here, and `docs/runbook.md` says what to do about each.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from flink_jobs.monitoring.page import MetricsPage

LATE_DROPPED: Final = "numLateRecordsDropped"
"""Flink's metric of records that windows dropped without a trace; it must stay 0."""

REMEMBERED_S: Final = 600.0
"""For how long a restart, a failed checkpoint or a refused row is a trouble; wall time."""
STILL_S: Final = 300.0
"""The span over which a watermark stands, a lag grows, a partition is silent; wall time."""
GROWN: Final = 1_000
"""Records by which a lag must have grown to be told: below is the ebb and flow of batches.

A partition counts as silent where another of its topic has brought more than these meanwhile.
"""
STARTING_S: Final = 60.0
"""How long checkpoints may fail at a start, while not every task runs yet; wall time."""
LETTERS_SHARE: Final = 0.05
"""The share of records that may become dead letters."""
FRESH_S: Final = 900.0
"""How far the watermark may be behind the wall clock, seconds, while records come."""
_UNKNOWN_WATERMARK: Final = -(1 << 62)
"""A watermark below this is none yet: Flink begins with the smallest number of 64 bits."""
_SPLIT_NUMBER: Final = re.compile(r"[-_](\d+)$")
"""The end of a split's name: Flink writes `transactions-3`, and its reporter `transactions_3`."""
_PROCESSOR: Final = "features_processing_rate"
"""A metric of the development processor, which tells its pages from Flink's."""


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
    conflicts: float = 0
    letters: float = 0
    consumed: float = 0
    clock_ms: float | None = None
    """The wall clock, epoch milliseconds; None leaves the age of the features untold."""
    watermark_ms: float | None = None
    """The watermark of the windows that are furthest behind; None before the first record, and for
    the development processor, whose partitions each have windows of their own."""
    partitions: Mapping[str, float] = field(default_factory=dict)
    """The watermark of each partition, by `TOPIC/PARTITION`."""
    read: Mapping[str, float] = field(default_factory=dict)
    """A number that grows by one with each record of a partition, by `TOPIC/PARTITION`."""

    @classmethod
    def of(cls, at_s: float, page: MetricsPage, clock_ms: float | None = None) -> Reading:
        """Read the numbers off a page of either execution.

        Args:
            at_s: Seconds of any clock, as long as all readings have the same one.
            page: The metrics of all processes of the job.
            clock_ms: The wall clock, epoch milliseconds.
        """
        return (_of_processor if page.of(_PROCESSOR) else _of_flink)(at_s, page, clock_ms)

    def gained(self, before: Reading) -> dict[str, float]:
        """Return how many records each partition has brought since an earlier reading."""
        return {split: _gain(before.read.get(split, 0.0), self.read[split]) for split in self.read}


def _gain(before: float, now: float) -> float:
    """Return by how much a counter has grown; after a restart it has begun again at 0."""
    return now - before if now >= before else max(now, 0.0)


def _of_flink(at_s: float, page: MetricsPage, clock_ms: float | None) -> Reading:
    splits = {
        _SPLIT_NUMBER.sub(r"/\1", sample.labels["split"]): sample.value
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
    return Reading(
        at_s,
        restarts=page.largest("numRestarts") or 0,
        completed=page.total("numberOfCompletedCheckpoints"),
        failed=page.total("numberOfFailedCheckpoints"),
        dropped=page.total(LATE_DROPPED),
        pending=page.total("pendingRecords"),
        unstored=page.total("feature_set_unstored"),
        conflicts=page.total("feature_set_key_conflicts"),
        letters=page.total("dead_letters"),
        consumed=page.total("topic_consumed"),
        clock_ms=clock_ms,
        watermark_ms=min(windows, default=None),
        partitions=splits,
        read=_by_partition(page, "KafkaSourceReader_topic_partition_currentOffset"),
    )


def _of_processor(at_s: float, page: MetricsPage, clock_ms: float | None) -> Reading:
    verdicts = page.by("features_records_total", "verdict")
    marks = _by_partition(page, "features_watermark_timestamp_seconds")
    return Reading(
        at_s,
        pending=page.total("features_lag_records"),
        unstored=page.total("features_rows_unstored_total"),
        conflicts=page.total("features_key_conflicts_total"),
        letters=verdicts.total() - verdicts["accepted"],
        consumed=page.total("features_consumed_total"),
        clock_ms=clock_ms,
        partitions={split: 1_000 * mark for split, mark in marks.items()},
        # Each feature set counts for itself. A partition without a record has a lag and no count.
        read={
            **dict.fromkeys(_by_partition(page, "features_lag_records"), 0.0),
            **_by_partition(page, "features_consumed_total"),
        },
    )


def _by_partition(page: MetricsPage, name: str) -> dict[str, float]:
    """Return the largest value of a metric by `TOPIC/PARTITION`."""
    found: dict[str, float] = {}
    for sample in page.of(name):
        split = f"{sample.labels['topic']}/{sample.labels['partition']}"
        found[split] = max(sample.value, found.get(split, sample.value))
    return found


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
        if not self._readings:
            return {}
        now, oldest = self._readings[-1], self._readings[0]
        before = self._before(now.at_s - STILL_S)
        told = dict(_counted(oldest, now))
        told |= _checkpoints(oldest, before or oldest, now)
        return told if before is None else told | dict(_changed(before, now))

    def _before(self, at_s: float) -> Reading | None:
        """Return the newest reading at or before `at_s`; None without one."""
        return next((old for old in reversed(self._readings) if old.at_s <= at_s), None)


class Lookout:
    """Looks at readings as they come: troubles for `/healthz`, and a line of the log for each.

    The line is written when a trouble begins, and another when it is over.
    """

    def __init__(self, job: str) -> None:
        """Begin with no reading; lines go to the logger of `job`."""
        self._log = logging.getLogger(job)
        self._symptoms = Symptoms()
        self._troubles: Mapping[str, str] = {}
        self._lock = threading.Lock()

    def add(self, reading: Reading) -> None:
        """Take a reading, and log which troubles have begun with it, and which are over."""
        with self._lock:  # pushes and questions come on threads of their own
            self._symptoms.add(reading)
            before, now = self._troubles, self._symptoms.troubles()
            self._troubles = now
            for component in now.keys() - before.keys():
                self._log.error(now[component], extra={"context": {"trouble": component}})
            for component in before.keys() - now.keys():
                self._log.info("well again", extra={"context": {"trouble": component}})

    def troubles(self) -> Mapping[str, str]:
        """Return what is wrong as of the newest reading: a sentence by component."""
        return self._troubles


def _counted(oldest: Reading, now: Reading) -> Iterator[tuple[str, str]]:
    """Yield what has happened, be it once, since the oldest reading that is remembered."""
    if now.dropped:
        yield "windows", _DROPPED.format(now.dropped)
    if restarts := _gain(oldest.restarts, now.restarts):
        times = "once" if restarts == 1 else f"{restarts:.0f} times"
        yield "restarts", _RESTARTED.format(times, (now.at_s - oldest.at_s) / 60)
    if unstored := _gain(oldest.unstored, now.unstored):
        yield "store", _UNSTORED.format(unstored)
    if conflicts := _gain(oldest.conflicts, now.conflicts):
        yield "keys", _CONFLICTING.format(conflicts)


def _checkpoints(oldest: Reading, before: Reading, now: Reading) -> dict[str, str]:
    """Return a sentence where some have failed since `oldest`, and none completed since `before`.

    A checkpoint that hangs fails after five minutes, so failures are looked for over a longer time.
    Kafka keeps what is not committed for 15 minutes: to wait longer would leave no time to mend.
    """
    failed = _gain(oldest.failed, now.failed)
    completed = _gain(before.completed, now.completed)
    if not failed or completed or now.at_s - oldest.at_s < STARTING_S:
        return {}
    return {"checkpoints": _FAILED.format((now.at_s - before.at_s) / 60, failed)}


def _changed(before: Reading, now: Reading) -> Iterator[tuple[str, str]]:
    """Yield what has gone on over the whole span between two readings."""
    if now.pending - before.pending > GROWN:
        yield "lag", _LAGGING.format(now.pending, now.pending - before.pending)
    if silent := _silent(before, now):
        yield "partitions", _SILENT.format(", ".join(sorted(silent)), STILL_S / 60, GROWN)
    consumed = _gain(before.consumed, now.consumed)
    if not consumed:
        return
    if holder := _holder(before, now):
        yield "watermark", _STANDS.format(STILL_S / 60, holder)
    if (share := _gain(before.letters, now.letters) / consumed) > LETTERS_SHARE:
        yield "letters", _LETTERS.format(100 * share)
    age_s = _age_s(before, now)
    if age_s is not None and age_s > FRESH_S:
        yield "age", _OLD.format(age_s / 60)


def _half_begun(splits: Mapping[str, float]) -> bool:
    """Return whether some topic has both partitions with events and partitions without."""
    begun: dict[str, set[bool]] = {}
    for split, watermark_ms in splits.items():
        begun.setdefault(_topic(split), set()).add(watermark_ms > _UNKNOWN_WATERMARK)
    return any(len(kinds) == 2 for kinds in begun.values())


def _topic(split: str) -> str:
    return split.rpartition("/")[0]


def _silent(before: Reading, now: Reading) -> list[str]:
    """Return the partitions that were silent while another of their topic brought many records."""
    gained = now.gained(before)
    busy = {_topic(split) for split, records in gained.items() if records > GROWN}
    return [split for split, records in gained.items() if not records and _topic(split) in busy]


def _holder(before: Reading, now: Reading) -> str | None:
    """Return which partition holds windows back although records come; None where none does.

    Where windows have a watermark of their own, the partition that is furthest behind holds it.
    Where each partition has its windows, one that brings records and no newer events holds these.
    """
    marks = now.partitions
    if now.watermark_ms is None:
        gained = now.gained(before)
        marks = {
            split: mark
            for split, mark in marks.items()
            if gained.get(split) and mark == before.partitions.get(split)
        }
        if not marks:
            return None
    elif now.watermark_ms != before.watermark_ms:
        return None
    else:
        # An idle partition is behind the windows' watermark and does not hold it, nor does one of a
        # topic in which nothing has ever been.
        begun = {_topic(split) for split, mark in marks.items() if mark > _UNKNOWN_WATERMARK}
        marks = {
            split: mark
            for split, mark in marks.items()
            if mark >= now.watermark_ms and _topic(split) in begun
        }
    if not marks:
        return "the slowest partition"
    split, watermark_ms = min(marks.items(), key=lambda item: item[1])
    if watermark_ms < _UNKNOWN_WATERMARK:
        return f"{split}, which has brought no event yet"
    return f"{split}, which has come to {watermark_ms:.0f}"


def _age_s(before: Reading, now: Reading) -> float | None:
    """Return how far the watermark is behind the clock, in seconds; None where nobody can say."""
    gained = now.gained(before)
    marks = [mark for split, mark in now.partitions.items() if gained.get(split)]
    watermark_ms = min(marks, default=None) if now.watermark_ms is None else now.watermark_ms
    if watermark_ms is None or watermark_ms < _UNKNOWN_WATERMARK or now.clock_ms is None:
        return None
    return (now.clock_ms - watermark_ms) / 1_000


_DROPPED: Final = (
    "Flink's windows have dropped {:.0f} records that no dead letter tells of: this must be 0"
)
_RESTARTED: Final = (
    "the job has restarted {} in the last {:.0f} min: the log of its JobManager says why"
)
_FAILED: Final = (
    "no checkpoint has completed for {:.0f} min, and {:.0f} have failed: nothing is committed to "
    "Kafka"
)
_UNSTORED: Final = (
    "Redis has refused {:.0f} rows: they are dead letters of the reason unstored, with the cause"
)
_CONFLICTING: Final = (
    "{:.0f} rows have another row of the same key and window: the key is in two partitions, and "
    "Redis keeps the row that counts more"
)
_LAGGING: Final = (
    "{:,.0f} records wait to be read, {:,.0f} more than five minutes ago: the job is too slow, or "
    "has just been started"
)
_SILENT: Final = (
    "{} brought no record for {:.0f} min, while another partition of the topic brought more than "
    "{:,}: its producer is silent, or no key falls there"
)
_STANDS: Final = (
    "no window has fired for {:.0f} min, though records come: the watermark is held back by {}"
)
_LETTERS: Final = (
    "{:.0f} % of the records of the last five minutes are dead letters: `study letters` shows why"
)
_OLD: Final = (
    "the newest features are {:,.0f} min old, though records come: the job is behind, or producers "
    "send late"
)
