"""One feature set over one partition, and the ledger of what became of its records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flink_jobs.config import Settings
from flink_jobs.dead_letter import DeadLetter, Reason
from flink_jobs.events import Event, Record
from flink_jobs.features.catalog import FeatureSet
from flink_jobs.features.row import FeatureRow
from flink_jobs.utils.watermarks import BoundedOutOfOrderness


@dataclass(slots=True)
class Ledger:
    """What became of the records of a partition, for one feature set.

    Every record is in exactly one of the columns accepted, late, malformed and future: the sum of
    the columns is the number of records (*conservation*).

    >>> ledger = Ledger(accepted=8, late=1, malformed=1, partial_late=2)
    >>> ledger.consumed
    10
    """

    accepted: int = 0
    late: int = 0
    malformed: int = 0
    future: int = 0
    partial_late: int = 0
    """How many of the accepted records missed some of their windows: no column of its own."""

    @property
    def consumed(self) -> int:
        """The number of all records: the sum of the four columns."""
        return self.accepted + self.late + self.malformed + self.future


class Lane:
    """One feature set over one partition: verdicts, windows and the ledger."""

    __slots__ = ("_margin_ms", "_on_event", "clock", "feature_set", "ledger", "operator")

    def __init__(
        self, feature_set: FeatureSet, settings: Settings, clock: BoundedOutOfOrderness
    ) -> None:
        """Open a lane without state whose operator follows `clock`."""
        self.feature_set = feature_set
        self.clock = clock
        self.operator = feature_set.operator(settings, clock)
        self.ledger = Ledger()
        self._margin_ms = feature_set.margin_ms
        self._on_event = self.operator.on_event

    def judge(self, event: Event, record: Record) -> DeadLetter | None:
        """Count an event into its open windows; return a dead letter for the windows it missed.

        The verdict is for each window, by the partition's own watermark before the event: `late`
        where every window was missed, `partial_late` where some were, no letter where none was. The
        caller lets the event advance the watermark afterwards.
        """
        event_ms = event.event_time
        margin_ms = self._margin_ms
        if margin_ms is not None and event_ms <= self.clock.watermark_ms + margin_ms:
            self.ledger.late += 1
            return self._letter("late", record, event_ms, margin_ms, None)
        offset = record.offset
        missed = self._on_event(event.key, event_ms, (event, offset), offset)
        if not missed:
            self.ledger.accepted += 1
            return None
        if len(missed) == self.operator.windows_per_event:
            self.ledger.late += 1
            return self._letter("late", record, event_ms, 0, missed)
        self.ledger.accepted += 1
        self.ledger.partial_late += 1
        return self._letter("partial_late", record, event_ms, 0, missed)

    def take(self) -> Iterator[FeatureRow]:
        """Yield a row for each firing since the last call."""
        name = self.feature_set.name
        for fired in self.operator.take():
            yield FeatureRow(
                name, fired.key, fired.start_ms, fired.end_ms, fired.revision, fired.result
            )

    def _letter(
        self,
        reason: Reason,
        record: Record,
        event_ms: int,
        margin_ms: int,
        missed: Sequence[int] | None,
    ) -> DeadLetter:
        """Write a dead letter; `margin_ms` is how far the limit lies ahead of the watermark."""
        watermark_ms = self.clock.watermark_ms
        return DeadLetter(
            reason=reason,
            feature_set=self.feature_set.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            event_time=event_ms,
            watermark=watermark_ms,
            late_by_ms=watermark_ms + margin_ms - event_ms,
            missed_windows=None if missed is None else tuple(missed),
            original=record.value,
        )
