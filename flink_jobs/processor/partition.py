"""One Kafka partition: an event-time stream of its own.

All events of a key are in one partition, so a partition needs no other clock than its own
watermark. The output is therefore a function of the partition's log alone: the same for any batch
size, any interleaving with other partitions and any number of restarts.

The log is also the state. `resume_point` tells from which offset a successor has to read, and with
which watermark, to arrive at the same state. The successor stays silent until it has read all that
its predecessor had delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from flink_jobs.config import Settings
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.engine.panes import Position
from flink_jobs.events import EventDecoder, Malformed, Record
from flink_jobs.features.catalog import FeatureSet, feature_sets
from flink_jobs.features.row import FeatureRow
from flink_jobs.processor.lane import Lane
from flink_jobs.utils.watermarks import BoundedOutOfOrderness


class ResumePoint(NamedTuple):
    """Where and how a successor goes on with a partition: what a commit says."""

    offset: int = 0
    """Offset of the first record to read."""
    max_seen_ms: int | None = None
    """Largest event time before that record, epoch milliseconds; None where there was none."""
    delivered: int = 0
    """Offset up to which, exclusively, all output has been delivered: silence until there."""


@dataclass(slots=True)
class Output:
    """The output of a batch: rows of windows that fired, and dead letters, each in log order."""

    rows: list[FeatureRow] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    def __iadd__(self, more: Output) -> Output:
        """Append the output of another batch."""
        self.rows += more.rows
        self.letters += more.letters
        return self


class Partition:
    """The event-time stream of one Kafka partition: records in, rows and dead letters out."""

    def __init__(
        self,
        topic: str,
        settings: Settings,
        resume: ResumePoint = ResumePoint(),  # noqa: B008
        sets: Sequence[FeatureSet] | None = None,
    ) -> None:
        """Open the stream of a partition.

        Args:
            topic: The topic, one of `EVENT_TYPES`.
            settings: Windows, bound and lateness.
            resume: Where to go on; by default the beginning of the log.
            sets: The feature sets to compute; by default every set of the topic.
        """
        self.clock = BoundedOutOfOrderness(settings.bound_ms, resume.max_seen_ms)
        wanted = feature_sets(topic) if sets is None else sets
        self.lanes = [Lane(feature_set, settings, self.clock) for feature_set in wanted]
        self._max_future_ms = settings.max_future_ms
        self._decode = EventDecoder(topic).decode
        self.next_offset = resume.offset
        self._delivered = max(resume.offset, resume.delivered)

    def process(self, records: Sequence[Record]) -> Output:
        """Process the next records of the partition, in the order of their offsets.

        Records whose output a predecessor has delivered only rebuild the state, without output. A
        bad record becomes a dead letter: no payload raises an error.
        """
        if not records:
            return Output()
        self.next_offset = records[-1].offset + 1
        if records[0].offset < self._delivered:
            self._rebuild([record for record in records if record.offset < self._delivered])
            records = [record for record in records if record.offset >= self._delivered]
        return self._run(records)

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`: the log has lost the records before it."""
        self.next_offset = max(self.next_offset, offset)

    def finish(self) -> Output:
        """End a bounded stream, such as a log file: every open window fires."""
        self.clock.finish()
        return self._run([])

    def resume_point(self) -> ResumePoint:
        """Return where a successor must begin, once all output so far has been delivered.

        That is the first record which an open pane or session needs, with the largest event time
        before that record, so that the successor's watermark is what it was then.
        """
        here = Position(self.next_offset, self.clock.max_seen_ms)
        needed = (position for lane in self.lanes for position in lane.operator.needed())
        offset, max_seen_ms = min(needed, key=lambda position: position.offset, default=here)
        return ResumePoint(offset, max_seen_ms, max(self.next_offset, self._delivered))

    def _rebuild(self, records: list[Record]) -> None:
        # A predecessor has counted these records: the ledgers must not count them twice.
        ledgers = [replace(lane.ledger) for lane in self.lanes]
        self._run(records)
        for lane, ledger in zip(self.lanes, ledgers, strict=True):
            lane.ledger = ledger

    def _run(self, records: Iterable[Record]) -> Output:
        output = Output()
        # Local names: looking up an attribute for every record would cost more than the test.
        decode, observe, max_future_ms = self._decode, self.clock.observe, self._max_future_ms
        for record in records:
            try:
                event = decode(record.key, record.value)
            except Malformed:
                output.letters.append(self._reject("malformed", record, None))
                continue
            event_ms = event.event_time
            # Before `observe`: one event a day ahead would make every honest event after it late.
            # By the append time and no clock here, so that a replay judges as the first run.
            if event_ms > record.timestamp + max_future_ms:
                output.letters.append(self._reject("future_timestamp", record, event_ms))
                continue
            for lane in self.lanes:
                letter = lane.judge(event, record)
                if letter is not None:
                    output.letters.append(letter)
            if observe(event_ms):  # after `judge`: no event meets the watermark that it sets
                self._fire()
        self._fire()  # also where no event advanced the clock: at the end of a bounded stream
        for lane in self.lanes:
            output.rows.extend(lane.take())
        return output

    def _fire(self) -> None:
        watermark_ms = self.clock.watermark_ms
        for lane in self.lanes:
            if watermark_ms >= lane.operator.next_ms:
                lane.operator.on_watermark()

    def _reject(
        self, reason: Literal["malformed", "future_timestamp"], record: Record, event_ms: int | None
    ) -> DeadLetter:
        """Return the dead letter of a record that no feature set judges; count it in each."""
        for lane in self.lanes:
            if reason == "malformed":
                lane.ledger.malformed += 1
            else:
                lane.ledger.future += 1
        return DeadLetter(
            reason=reason,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            event_time=event_ms,
            original=record.value,
        )
