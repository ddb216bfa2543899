"""No record stops the job, whatever its shape, size or codec; both executions judge it alike."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka import Producer

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import MAX_RECORD_BYTES
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.features.row import encode_row
from flink_jobs.processor.replay import replay
from tests.support.inputs import logs
from tests.support.inputs.records import mutated
from tests.support.worlds.job import FEATURE_TOPICS, JobWorld

pytestmark = [pytest.mark.jvm, pytest.mark.services]

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PATIENCE_S = 400
ZEROS = bytes(8 * 1024 * 1024)
PACKED = 40
"""Records of zeros: a few kilobytes each on the wire, and a third of a gigabyte unpacked."""


def odd() -> Iterator[bytes | None]:
    """Yield payments of every shape, most of them valid, and what is none; in event time 0."""
    payment = logs.payment(0, "odd")
    yield None
    yield b""
    yield msgspec.json.encode({**payment, **{f"f{number}": number for number in range(640)}})
    yield msgspec.json.encode({**payment, **{f"f{number}": "x" for number in range(5_000)}})
    yield msgspec.json.encode({**payment, "note": "a\N{GRINNING FACE}" * 1_900})
    yield msgspec.json.encode({**payment, "note": '\\"\n\u2028' * 500})
    yield msgspec.json.encode({**payment, "note": "x" * 60_000})
    yield msgspec.json.encode({**payment, "note": "x" * 70_000})
    whole = msgspec.json.encode(payment)
    yield whole[:-1] + b"," + b'"x":0,' * 2_000 + b'"x":1}'
    yield whole[:-1] + b',"x":' + b"[" * 60 + b"]" * 60 + b"}"
    yield whole[:-1] + b',"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    yield whole[:-1] + b',"x":' + b"9" * 4_000 + b"}"
    yield whole[:-1] + b',"x":1e999}'
    yield whole[:-1] + b',"event_time":' + str(logs.T + 1).encode() + b"}"
    yield whole + b" " * 20_000
    yield whole + b" " * 5_000 + b"{"
    yield b'{"x":' * 10_000
    yield b'"' * 60_000


def told(codec: str) -> list[tuple[str, bytes, bytes | None]]:
    """Return topic, key and value of what is sent with one codec."""
    draw = random.Random(f"poison/{codec}")
    batches = [
        (topic, record.key or b"", record.value)
        for topic in (TRANSACTIONS, CLICKSTREAM)
        for batch in mutated(topic, 400, draw)
        for record in batch
    ]
    return [*((TRANSACTIONS, b"odd", value) for value in odd()), *batches]


def send(world: JobWorld, codec: str, records: list[tuple[str, bytes, bytes | None]]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": world.servers,
            "compression.type": codec,
            "message.max.bytes": MAX_RECORD_BYTES,
            "linger.ms": 50,
        }
    )
    for topic, key, value in records:
        producer.produce(topic, value, key, partition=0)
    assert producer.flush(60) == 0


def test_rows_and_letters_are_the_processor_s(tmp_path):
    with JobWorld.open() as world:
        log: list[LogRecord] = []
        offsets: Counter[str] = Counter()
        for codec in CODECS:
            records = told(codec)
            if codec == "gzip":
                records += [(TRANSACTIONS, b"odd", ZEROS)] * PACKED
            send(world, codec, records)
            now_ms = int(time.time() * 1_000)
            for topic, key, value in records:
                log.append(LogRecord(topic, 0, offsets[topic], now_ms, key, value))
                offsets[topic] += 1
        output, _ = replay(log, Settings())
        with world.job("--bounded", "--idle-seconds", "0") as job:
            assert job.wait(PATIENCE_S) == 0, world.log.read_text()[-2_000:]
        rows = Counter((record.key, record.value) for record in world.whole(FEATURE_TOPICS))
        letters = Counter(
            (record.key, record.value, frozenset(record.headers))
            for record in world.whole([DEAD_LETTER_TOPIC])
        )
    assert rows == Counter((row.redis_key.encode(), encode_row(row)) for row in output.rows)
    expected = Counter(
        (letter.key, letter.value, frozenset(letter.headers)) for letter in output.letters
    )
    assert letters.keys() - expected.keys() == set()
    assert letters == expected
    assert b"odd" in b"".join(key for key, _ in rows)
