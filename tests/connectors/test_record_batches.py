"""Record batches are read as kafka-python reads them; kafka-python's own reading is the oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.record_batches import records_of

LOG_APPEND_TIME = 0b1000
"""The bit in a batch's attributes that says whose time its records have: the broker sets it."""
ATTRIBUTES_BYTE = 22
BASE_OFFSET = 2**40

SOMETIMES_NONE = st.none() | st.binary(max_size=9) | st.binary(min_size=60, max_size=200)
RECORDS = st.lists(
    st.tuples(
        st.integers(1, 9_000),  # how far the offset is above the last: compaction leaves gaps
        st.integers(-(10**9), 10**9),
        SOMETIMES_NONE,
        SOMETIMES_NONE,
        st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=2),
    ),
    min_size=1,
    max_size=5,
)


@given(RECORDS, st.sampled_from([0, 1, 2, 3, 4]), st.booleans())
def test_records_are_those_of_kafka_python(
    records: list[tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
    codec: int,
    is_append_time: bool,
) -> None:
    data = batch_of(records, codec)
    if is_append_time:
        data[ATTRIBUTES_BYTE] |= LOG_APPEND_TIME
    expected = [
        LogRecord("t", 3, record.offset, record.timestamp, record.key, record.value)
        for record in DefaultRecordBatch(data)
    ]
    assert records_of(DefaultRecordBatch(data), "t", 3) == expected


@given(RECORDS, st.data())
def test_damaged_batch_raises_nothing_but_corrupt(records: list, draw: st.DataObject) -> None:
    data = batch_of(records, codec=0)
    place = draw.draw(st.integers(DefaultRecordBatch.HEADER_STRUCT.size, len(data) - 1))
    data[place] ^= draw.draw(st.integers(1, 255))
    try:
        found = records_of(DefaultRecordBatch(data), "t", 0)
    except CorruptRecordError:
        return
    assert len(found) == len(records)


def test_batch_that_ends_inside_a_record_is_corrupt() -> None:
    data = batch_of([(1, 0, b"key", b"value", [])], codec=0)
    for size in range(DefaultRecordBatch.HEADER_STRUCT.size, len(data)):
        with pytest.raises(CorruptRecordError):
            records_of(DefaultRecordBatch(data[:size]), "t", 0)


def test_bytes_behind_the_last_record_are_corrupt() -> None:
    data = batch_of([(1, 0, b"key", b"value", [])], codec=0)
    with pytest.raises(CorruptRecordError, match="has 77 bytes, and its records have 76"):
        records_of(DefaultRecordBatch(data + b"\0"), "t", 0)


def batch_of(records: list, codec: int) -> bytearray:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=False, producer_id=-1,
        producer_epoch=-1, base_sequence=-1, batch_size=1 << 20,
    )  # fmt: skip
    offset = -1
    for step, at_ms, key, value, headers in records:
        offset += step
        builder.append(offset, 1_700_000_000_000 + at_ms, key, value, headers)
    data: bytearray = builder.build()
    data[:8] = BASE_OFFSET.to_bytes(8, "big")
    return data
