"""A trail: what became of one key in one partition, record by record, as the engine judges it.

The whole log of the partition goes through the development processor's own `Partition`, because
every event moves the watermark; only the key's own events enter the operator. Rows of a key depend
on the key's events and on the watermark, so the key's rows are those of the processor, while the
memory is that of one key.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from flink_jobs.config import Settings
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.engine.firing import Firing
from flink_jobs.engine.panes import Position
from flink_jobs.events import EventDecoder, Malformed, Record
from flink_jobs.features.catalog import EventValue, FeatureSet, Operator
from flink_jobs.features.clickstream import SESSION_GAP_MS
from flink_jobs.features.row import FeatureRow
from flink_jobs.processor.partition import Partition
from flink_jobs.utils.watermarks import BoundedOutOfOrderness

RecordVerdict: TypeAlias = Literal[
    "accepted", "partial_late", "late", "malformed", "future_timestamp"
]

MALFORMED_KEPT: Final = 1_000
"""Malformed records of the key that are kept, the latest ones; they have no time to forget by."""


class KeyRecord(Struct, frozen=True):
    """A record of the key, and what became of it. Times are epoch milliseconds."""

    partition: int
    offset: int
    appended: int
    """The time at which the broker appended the record, epoch milliseconds."""
    event_time: int | None
    """The record's event time; None for a malformed record."""
    watermark: int | None
    """The partition's watermark that the record met; None before the first event."""
    verdict: RecordVerdict
    missed_windows: tuple[int, ...] = ()
    """Starts of the windows that the event missed."""
    detail: str = ""
    """The decoder's sentence about a malformed record."""


class FiredRow(Struct, frozen=True):
    """A row of the key, and what made its window fire."""

    row: FeatureRow
    offset: int | None
    """Offset of the record that advanced the watermark, or changed the window; None where the end
    of a bounded log fired it."""
    watermark: int
    """The watermark after that record."""


class Trail:
    """Follows one key of a feature set through one partition."""

    def __init__(
        self,
        feature_set: FeatureSet,
        settings: Settings,
        key: str,
        number: int,
        *,
        window_end: int | None = None,
        whole: bool = False,
    ) -> None:
        """Begin before the first record.

        Args:
            feature_set: Whose rows are explained.
            settings: Windows, bound and lateness.
            key: The entity.
            number: The partition's number.
            window_end: The window asked about; None for the newest.
            whole: Keep everything, so that any window can be asked about. Else what can no
                longer belong to the window is forgotten, however long the log is.
        """
        self.number = number
        self.records: list[KeyRecord] = []
        """The key's events, by offset."""
        self.malformed: list[KeyRecord] = []
        self.rows: dict[int, list[FiredRow]] = {}
        """The key's rows by the end of their window, each with its editions in order."""
        self.newest: FiredRow | None = None
        self.first: Record | None = None
        """The first record that the log still holds."""
        self.count = 0
        """How many records of the key the log has held so far."""
        self._by_time: list[KeyRecord] = []
        self._key = key
        self._key_bytes = key.encode()
        self._quoted = f'"{key}"'.encode()
        self._window_end = window_end
        self._whole = whole
        session = feature_set.margin_ms is not None
        self.context_ms = 2 * SESSION_GAP_MS if session else settings.size_ms
        """How far before and after a window its neighbours are kept."""
        self._decode = EventDecoder(feature_set.source).decode

        def one_key(chosen: Settings, clock: BoundedOutOfOrderness) -> Operator:
            return _KeyOperator(feature_set.operator(chosen, clock), key)

        watched = replace(feature_set, operator=one_key)
        self._partition = Partition(feature_set.source, settings, sets=[watched])

    @property
    def clock(self) -> BoundedOutOfOrderness:
        """The partition's watermark after the last record read."""
        return self._partition.clock

    @property
    def next_offset(self) -> int:
        """The offset after the last record read."""
        return self._partition.next_offset

    def follow(self, record: Record) -> None:
        """Let the next record of the partition through, whatever its key."""
        if self.first is None:
            self.first = record
        before_ms = self.clock.watermark_ms if self.clock.max_seen_ms is not None else None
        output = self._partition.process((record,))
        if output.rows:
            self._note_rows(output.rows, record.offset)
        if record.key == self._key_bytes:
            self._note(record, before_ms, output.letters)
        elif output.letters and self._quoted in (record.value or b""):
            self._note_malformed(record, before_ms)

    def by_time(self) -> list[KeyRecord]:
        """Return the records that are events, by event time and offset."""
        if len(self._by_time) != len(self.records):
            self._by_time = sorted(self.records, key=_place)
        return self._by_time

    def between(self, low_ms: int, high_ms: int) -> list[KeyRecord]:
        """Return the events in `[low_ms, high_ms)`, by event time and offset."""
        ordered = self.by_time()
        first = bisect_left(ordered, low_ms, key=_event_ms)
        return ordered[first : bisect_left(ordered, high_ms, first, key=_event_ms)]

    def since(self, low_ms: int) -> Iterator[KeyRecord]:
        """Yield the events from `low_ms` on, by event time and offset."""
        ordered = self.by_time()
        return islice(ordered, bisect_left(ordered, low_ms, key=_event_ms), None)

    def finish(self) -> None:
        """End a bounded log: every open window fires."""
        self._note_rows(self._partition.finish().rows, None)

    def _note(self, record: Record, before_ms: int | None, letters: Sequence[DeadLetter]) -> None:
        letter = letters[0] if letters else None
        self.count += 1
        if letter is not None and letter.reason == "malformed":
            self._note_malformed(record, before_ms)
            return
        event_ms = self._decode(record.key, record.value).event_time
        if not self._is_near(event_ms):
            return
        self.records.append(
            KeyRecord(
                partition=self.number,
                offset=record.offset,
                appended=record.timestamp,
                event_time=event_ms,
                watermark=before_ms,
                verdict="accepted" if letter is None else letter.reason,
                missed_windows=(letter and letter.missed_windows) or (),
            )
        )

    def _note_malformed(self, record: Record, before_ms: int | None) -> None:
        try:
            self._decode(record.key, record.value)
        except Malformed as error:
            noted = KeyRecord(
                partition=self.number,
                offset=record.offset,
                appended=record.timestamp,
                event_time=None,
                watermark=before_ms,
                verdict="malformed",
                detail=str(error),
            )
            self.malformed = [*self.malformed[1 - MALFORMED_KEPT :], noted]

    def _note_rows(self, rows: Sequence[FeatureRow], offset: int | None) -> None:
        for row in rows:
            fired = FiredRow(row, offset, self.clock.watermark_ms)
            if self.newest is None or _order(row) > _order(self.newest.row):
                self.newest = fired
            if self._whole or self._window_end in (None, row.window_end):
                self.rows.setdefault(row.window_end, []).append(fired)
        if rows and not self._whole:
            self._forget(rows)

    def _is_near(self, event_ms: int) -> bool:
        """Return whether an event may be in the window, or next to it."""
        if self._whole or self._window_end is None:
            return True
        return event_ms < self._window_end + self.context_ms

    def _forget(self, rows: Sequence[FeatureRow]) -> None:
        """Forget what lies before the windows that can still be asked about."""
        passed = [
            row for row in rows if self._window_end is None or row.window_end <= self._window_end
        ]
        if not passed:
            return
        last = max(passed, key=_order)
        floor_ms = last.window_start - self.context_ms
        self.records = [record for record in self.records if _event_ms(record) >= floor_ms]
        if self._window_end is None and self.newest is not None:
            newest_end = self.newest.row.window_end
            for end_ms in [end_ms for end_ms in self.rows if end_ms < newest_end]:
                del self.rows[end_ms]


class _KeyOperator:
    """The operator of a feature set that only gets the events of one key."""

    def __init__(self, operator: Operator, key: str) -> None:
        self._operator = operator
        self._key = key
        self.windows_per_event = operator.windows_per_event

    @property
    def next_ms(self) -> int:
        return self._operator.next_ms

    def on_event(self, key: str, event_ms: int, value: EventValue, offset: int) -> Sequence[int]:
        return self._operator.on_event(key, event_ms, value, offset) if key == self._key else ()

    def on_watermark(self) -> None:
        self._operator.on_watermark()

    def take(self) -> list[Firing[Any]]:
        return self._operator.take()

    def needed(self) -> Iterator[Position]:
        return self._operator.needed()


def _event_ms(record: KeyRecord) -> int:
    """Return the time of an event; among the records of a trail no other kind is kept."""
    assert record.event_time is not None
    return record.event_time


def _place(record: KeyRecord) -> tuple[int, int]:
    return _event_ms(record), record.offset


def _order(row: FeatureRow) -> tuple[int, int]:
    return row.window_end, row.revision
