"""What both forms of the DataStream job share: payments on their way, finished rows, dead letters.

A payment travels as its card, its event time, its place in the log and its payload; the payload is
decoded again when a window is finished. Every column has a declared type. PyFlink pickles values
without a type, which is slow, and which no other program can read from a savepoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import OutputTag, ProcessFunction, RuntimeContext

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.dead_letter import DeadLetter, Reason
from flink_jobs.engine.windows import SlidingWindows, is_purged
from flink_jobs.events import TRANSACTIONS, EventDecoder, Malformed, Transaction
from flink_jobs.features.catalog import FRAUD
from flink_jobs.features.row import FeatureRow, encode_row
from flink_jobs.features.transactions import FraudAggregate

PAYMENT: Final = Types.ROW_NAMED(
    ["card_id", "event_time", "partition", "offset", "payload"],
    [Types.STRING(), Types.LONG(), Types.INT(), Types.LONG(), Types.PRIMITIVE_ARRAY(Types.BYTE())],
)
"""A payment on its way; `event_time` in epoch milliseconds."""

KEY: Final = Types.TUPLE([Types.STRING(), Types.INT()])
"""The type of the key that `key_of` returns."""

LETTERS: Final = OutputTag("letters", Types.STRING())
"""The side output of dead letters, each as JSON."""


def key_of(payment: Row) -> tuple[str, int]:
    """Return a payment's card and partition: each partition is a stream of its own."""
    return payment[0], payment[2]


class PaymentReader(ProcessFunction):  # type: ignore[misc]
    """Reads the lines of a log: payments go on, other records become dead letters."""

    def __init__(self, settings: Settings) -> None:
        """Refuse payments that are further in the future than `settings` allow."""
        self._max_future_ms = settings.max_future_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the decoders in the worker: Flink pickles this object, and no decoder can be."""
        self._record = msgspec.json.Decoder(LogRecord).decode
        self._decode = EventDecoder(TRANSACTIONS).decode

    def process_element(self, line: str, ctx: ProcessFunction.Context) -> Iterator[Any]:
        """Yield the payment in a line, or the record's dead letter into the side output."""
        record = self._record(line)
        try:
            event = self._decode(record.key, record.value)
        except Malformed:
            yield LETTERS, _letter("malformed", record.partition, record.offset, record.value)
            return
        place = record.partition, record.offset, record.value
        if event.event_time > record.timestamp + self._max_future_ms:
            yield LETTERS, _letter("future_timestamp", *place, event_time=event.event_time)
        else:
            yield Row(event.key, event.event_time, *place)


class Finisher:
    """Finishes windows. A finisher holds a decoder, so `open` makes it, in the worker."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(Transaction).decode
        self._aggregate = FraudAggregate()

    def line(
        self, card: str, end_ms: int, size_ms: int, revision: int, held: Iterable[tuple[int, bytes]]
    ) -> str:
        """Return the line of a window of `card` that holds these offsets and payloads."""
        values = [(self._decode(payload), offset) for offset, payload in held]
        features = self._aggregate.finish(self._aggregate.lift(values))
        row = FeatureRow(FRAUD.name, card, end_ms - size_ms, end_ms, revision, features)
        return encode_row(row).decode()


def missed_windows(
    windows: SlidingWindows, lateness_ms: int, event_ms: int, watermark_ms: int
) -> list[int]:
    """Return the starts of the windows of an event that are purged, earliest first, epoch ms."""
    return [
        window.start_ms
        for window in windows.assign(event_ms)
        if is_purged(window.end_ms, watermark_ms, lateness_ms)
    ]


def late_letter(payment: Row, watermark_ms: int, missed: list[int], windows: SlidingWindows) -> str:
    """Return the dead letter, as JSON, of a payment that missed some or all of its windows."""
    _, event_ms, partition, offset, payload, *_ = payment
    return _letter(
        "late" if len(missed) == windows.overlap else "partial_late",
        partition,
        offset,
        payload,
        feature_set=FRAUD.name,
        event_time=event_ms,
        watermark=watermark_ms,
        late_by_ms=watermark_ms - event_ms,
        missed_windows=tuple(missed),
    )


def _letter(
    reason: Reason,
    partition: int,
    offset: int,
    original: bytes | None,
    **facts: Any,  # noqa: ANN401
) -> str:
    letter = DeadLetter(
        reason=reason,
        topic=TRANSACTIONS,
        partition=partition,
        offset=offset,
        original=original,
        **facts,
    )
    return msgspec.json.encode(letter).decode()
