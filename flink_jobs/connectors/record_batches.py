"""Record batches as the broker sends them: read in one loop, in place of kafka-python's own.

kafka-python makes two objects of a record and asks some thirty properties and functions for it,
which takes five microseconds: more than the processor needs for verdict, windows and a simple
feature together. The loop here reads what a record of the processor holds, and passes over the
rest. Fetching, checksums, codecs and transactions stay kafka-python's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch

from flink_jobs.connectors.log_file import LogRecord

_VERSION: Final = 2
"""The record format since Kafka 0.11; a broker of Kafka 4 knows no other."""


def read_quickly(consumer: KafkaConsumer) -> None:
    """Let a consumer that has no deserializer return `LogRecord`s, which carry no headers."""
    consumer._fetcher.PartitionRecords = _QuickRecords


def records_of(batch: DefaultRecordBatch, topic: str, partition: int) -> list[LogRecord]:
    """Return the records of a batch whose checksum is right, in the order of their offsets.

    Raises:
        CorruptRecordError: The batch does not hold the records that its header announces.
        UnsupportedCodecError: The batch is compressed, and this Python lacks the codec.
    """
    iter(batch)  # uncompresses the records
    data, at = bytes(batch._buffer), batch._pos
    base_offset, base_ms = batch.base_offset, batch.first_timestamp
    # A topic's own append time is one time for the batch; its records keep their producer's.
    appended_ms = batch.max_timestamp if batch.timestamp_type else None
    records = []
    try:
        for _ in range(batch.records_count):
            length, at = _varint(data, at)
            end = at + length
            passed_ms, at = _varint(data, at + 1)  # behind a byte of attributes, which are unused
            number, at = _varint(data, at)
            size, at = _varint(data, at)
            key = value = None
            if size >= 0:
                key = data[at : at + size]
                at += size
            size, at = _varint(data, at)
            if size >= 0:
                value = data[at : at + size]
                at += size
            if at >= end:  # the number of headers, at least, stands behind the value
                raise CorruptRecordError(f"a record of {length} bytes ends before its value does")
            at = end
            timestamp = base_ms + passed_ms if appended_ms is None else appended_ms
            records.append(LogRecord(topic, partition, base_offset + number, timestamp, key, value))
    except IndexError:
        raise CorruptRecordError("a record begins behind the end of its batch") from None
    if at != len(data):
        raise CorruptRecordError(f"the batch has {len(data)} bytes, and its records have {at}")
    return records


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends: seven bits a byte, zigzag."""
    bits = data[at]
    if bits < 0x80:
        return bits >> 1 ^ -(bits & 1), at + 1
    second = data[at + 1]
    if second < 0x80:  # almost every number of a record has one byte or two
        bits = bits & 0x7F | second << 7
        return bits >> 1 ^ -(bits & 1), at + 2
    bits, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        bits |= (byte & 0x7F) << shift
        if byte < 0x80:
            return bits >> 1 ^ -(bits & 1), at
        shift += 7


class _QuickRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The records that a fetch has brought of one partition."""

    def _unpack_records(self, tp: Any, records: Any, *_: object) -> Iterator[LogRecord]:  # noqa: ANN401
        while (batch := records.next_batch()) is not None:
            if batch.magic != _VERSION or not batch.validate_crc():
                raise CorruptRecordError(f"record batch at offset {batch.base_offset}")
            self.leader_epoch = batch.leader_epoch
            self.bytes_read += batch.size_in_bytes
            if not self._is_hidden(batch):
                for record in records_of(batch, tp.topic, tp.partition):
                    self.next_fetch_offset = record.offset + 1
                    yield record
            # Where compaction has taken the last records, or the batch is no record at all, the
            # next fetch would bring the same batch for ever.
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _is_hidden(self, batch: DefaultRecordBatch) -> bool:
        """Return whether a batch is a transaction's mark, or of a transaction that was aborted."""
        if batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
        return bool(batch.is_control_batch or self._is_batch_aborted(batch))
