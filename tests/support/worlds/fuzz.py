"""Records of every shape, size and codec through the broker: the job's output, and the processor's.

found = fuzz(200_000)
assert found.rows == found.expected_rows
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

import msgspec
from confluent_kafka import Producer
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import MAX_RECORD_BYTES
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.events import CLICKSTREAM, EVENT_TYPES, TRANSACTIONS
from flink_jobs.features.row import encode_row
from flink_jobs.processor.replay import replay
from tests.support.inputs import logs
from tests.support.inputs.records import mutated
from tests.support.worlds.job import FEATURE_TOPICS, JobWorld

CODECS: Final = ("none", "gzip", "snappy", "lz4", "zstd")
ZEROS: Final = bytes(8 * 1024 * 1024)
PACKED: Final = 40
"""Records of zeros: a few kilobytes each on the wire, and a third of a gigabyte unpacked."""

Sent: TypeAlias = tuple[str, bytes, bytes | None, int]
"""Topic, key, value and time of a record that is sent; the time, epoch ms, may be 0 for now."""


class Fuzz(NamedTuple):
    """What the job has made of the records, and what the processor makes of the same log."""

    records: int
    rows: Counter[Hashable]
    expected_rows: Counter[Hashable]
    letters: Counter[Hashable]
    expected_letters: Counter[Hashable]

    @property
    def differences(self) -> int:
        """How many rows and letters only one of the two has."""
        rows = (self.rows - self.expected_rows) + (self.expected_rows - self.rows)
        letters = (self.letters - self.expected_letters) + (self.expected_letters - self.letters)
        return rows.total() + letters.total()


def fuzz(count: int, patience_s: float) -> Fuzz:
    """Send `count` mutated records, and odd ones in each codec; compare the two executions.

    Args:
        count: How many records are mutated, of both topics together.
        patience_s: How long the job may take, seconds of wall time.
    """
    with JobWorld.open() as world:
        _keep_times(world.servers)
        log: list[LogRecord] = []
        offsets: Counter[str] = Counter()
        for codec, records in zip(CODECS, told(count), strict=True):
            send(world.servers, codec, records)
            for topic, key, value, at_ms in records:
                log.append(LogRecord(topic, 0, offsets[topic], at_ms, key, value))
                offsets[topic] += 1
        output, _ = replay(log, Settings())
        with world.job("--bounded", "--idle-seconds", "0") as job:
            assert job.wait(patience_s) == 0, world.log.read_text()[-2_000:]
        return Fuzz(
            len(log),
            Counter((record.key, record.value) for record in world.whole(FEATURE_TOPICS)),
            Counter((row.redis_key.encode(), encode_row(row)) for row in output.rows),
            Counter(
                (record.key, record.value, frozenset(record.headers))
                for record in world.whole([DEAD_LETTER_TOPIC])
            ),
            Counter(
                (letter.key, letter.value, frozenset(letter.headers)) for letter in output.letters
            ),
        )


def _keep_times(servers: str) -> None:
    """Let the event topics keep the producer's times.

    By those the mutated times are too far ahead that would make all honest events late.
    """
    own = {"message.timestamp.type": "CreateTime"}
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, own) for topic in EVENT_TYPES]
        )


def told(count: int) -> Iterator[list[Sent]]:
    """Yield what is sent with each codec: the odd, and its part of `count` mutated records."""
    of_codec = count // (2 * len(CODECS))
    topics = [
        (
            (topic, record.key or b"", record.value, record.timestamp)
            for batch in mutated(topic, of_codec * len(CODECS), random.Random(f"poison/{topic}"))
            for record in batch
        )
        for topic in (TRANSACTIONS, CLICKSTREAM)
    ]
    for codec in CODECS:
        yield [
            *((TRANSACTIONS, b"odd", value, logs.T) for value in odd()),
            *(record for records in topics for record in islice(records, of_codec)),
            *([(TRANSACTIONS, b"odd", ZEROS, logs.T)] * PACKED if codec == "gzip" else []),
        ]


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


def send(servers: str, codec: str, records: Iterable[Sent]) -> None:
    """Append records to partition 0 of their topics, packed with a codec."""
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "compression.type": codec,
            "message.max.bytes": MAX_RECORD_BYTES,
            "linger.ms": 50,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    for topic, key, value, at_ms in records:
        producer.produce(topic, value, key, partition=0, timestamp=at_ms)
    assert producer.flush(60) == 0
