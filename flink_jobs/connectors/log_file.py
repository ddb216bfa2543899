"""Log files: the records of Kafka topics as JSON lines, in arrival order.

A line is one record: `{"topic", "partition", "offset", "timestamp", "key", "value"}`. Key and value
are text; bytes that are not UTF-8 are base64 in `key_b64` and `value_b64` instead, so that
malformed records travel unharmed. `timestamp` is the broker's append time, epoch milliseconds.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from flink_jobs.errors import ForeseenError
from flink_jobs.events import EVENT_TYPES, Record

MAX_PARTITION: Final = 2**31 - 1
"""The largest number of Kafka's 32 bits for a partition."""
MAX_OFFSET: Final = 2**63 - 2
"""The largest offset after which a partition still has a next one."""
MAX_TIMESTAMP_MS: Final = 253_402_300_799_999
"""The end of the year 9999, as for event times: the guard's limit, which is added, still fits."""


class LogRecord(Struct, frozen=True, gc=False):
    """A record held in memory. `timestamp` is the broker's append time, epoch milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class LogFileError(ForeseenError):
    """A log file that cannot be read. The text names the place and the remedy."""


class _Line(Struct, omit_defaults=True):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: str | None = None
    key_b64: str | None = None
    value: str | None = None
    value_b64: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def encode_line(record: Record) -> bytes:
    """Return the JSON line of `record`, without its line end."""
    key, key_b64 = _as_text(record.key)
    value, value_b64 = _as_text(record.value)
    return _encode(
        _Line(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp,
            key=key,
            key_b64=key_b64,
            value=value,
            value_b64=value_b64,
        )
    )


def decode_line(line: bytes) -> LogRecord:
    """Return the record that a JSON line holds.

    Raises:
        ValueError: The line is not of this format, or gives a key or a value in both forms.
    """
    raw = _decode(line)
    if (raw.key is not None and raw.key_b64 is not None) or (
        raw.value is not None and raw.value_b64 is not None
    ):
        raise ValueError("a key or value stands there as text and in base64: write one of them")
    return LogRecord(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp=raw.timestamp,
        key=_as_bytes(raw.key, raw.key_b64),
        value=_as_bytes(raw.value, raw.value_b64),
    )


def read_log(path: Path) -> Iterator[LogRecord]:
    """Yield the records of a log file in arrival order.

    Raises:
        LogFileError: A line is not of this format, or the file cannot be opened.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield decode_line(line)
                except ValueError as error:
                    raise LogFileError(
                        f"{path}, line {number}: {error}; write the file with `study seed --to`"
                    ) from None
    except OSError as error:
        raise LogFileError(f"cannot read the log file {path}: {error.strerror}") from None


def in_order(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """Yield the records of a log; refuse a log that no broker can have written.

    Both executions read their logs through this function, so that both refuse the same logs.

    Raises:
        LogFileError: A record's topic is unknown, its partition, offset or timestamp is out of the
            range that a broker writes, or its offset is not above the one before it.
    """
    lowest: dict[tuple[str, int], int] = {}
    for record in records:
        partition = record.topic, record.partition
        _check_number(record, "partition", record.partition, MAX_PARTITION)
        _check_number(record, "offset", record.offset, MAX_OFFSET)
        _check_number(record, "timestamp", record.timestamp, MAX_TIMESTAMP_MS)
        if record.offset < lowest.get(partition, 0):
            raise LogFileError(
                f"{record.topic}/{record.partition}: offset {record.offset} comes after "
                f"{lowest[partition] - 1}; a log holds each partition in the order of its offsets"
            )
        if record.topic not in EVENT_TYPES:
            known = " and ".join(EVENT_TYPES)
            raise LogFileError(f"topic {record.topic!r} is unknown: a log holds {known}")
        lowest[partition] = record.offset + 1
        yield record


def _check_number(record: LogRecord, name: str, number: int, highest: int) -> None:
    if not 0 <= number <= highest:
        raise LogFileError(
            f"{record.topic}/{record.partition}, offset {record.offset}: {name} {number} is none "
            f"that a broker writes: choose one from 0 to {highest}"
        )


def write_log(path: Path, records: Iterable[Record]) -> int:
    """Write `records` to a log file; return how many there were."""
    count = 0
    with path.open("wb") as lines:
        for record in records:
            lines.write(encode_line(record) + b"\n")
            count += 1
    return count


def _as_text(data: bytes | None) -> tuple[str | None, str | None]:
    if data is None:
        return None, None
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, base64.b64encode(data).decode()


def _as_bytes(text: str | None, b64: str | None) -> bytes | None:
    if b64 is not None:
        return base64.b64decode(b64, validate=True)
    return None if text is None else text.encode()
