"""Record batches: every codec of Kafka is read, and what cannot be decoded ends the processor."""

from __future__ import annotations

import os
import signal

import pytest
from confluent_kafka import Producer

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from tests.support.waiting import eventually
from tests.support.worlds.damage import damaged
from tests.support.worlds.processor import World

pytestmark = pytest.mark.services


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_codec_is_read(world: World, codec: str) -> None:
    append(world, codec, b"written with " + codec.encode() * 100)
    world.finish()
    reference = world.assert_undisturbed()
    (letter,) = reference.output.letters
    assert letter.original.startswith(b"written with")


def test_codec_that_is_missing_ends_the_processor(world: World) -> None:
    without = world.folder / "without" / "lz4"
    without.mkdir(parents=True)
    (without / "__init__.py").write_text("raise ImportError")
    append(world, "lz4", b"x" * 1_000)
    offset = world.ends(SOURCE_TOPICS)["transactions", 1] - 1
    run = world.start(PYTHONPATH=str(without.parent))
    assert run.ended() == 1
    last = run.log.read_text().splitlines()[-1]
    assert last.startswith(f"stream_processor: transactions/1, offset {offset}: ")
    assert "lz4" in last and "requirements.lock" in last
    assert "Traceback" not in run.log.read_text()


def test_wrong_checksum_ends_the_processor(world: World) -> None:
    world.seed(200, seed=31)
    append(world, "none", b"to be damaged" * 10)
    offset = world.ends(SOURCE_TOPICS)["transactions", 1] - 1
    with damaged(world.services.kafka.data / "transactions-1", b"to be damaged"):
        run = world.start()
        assert run.ended() == 1
    last = run.log.read_text().splitlines()[-1]
    assert last.startswith(f"stream_processor: transactions/1, offset {offset}: ")
    assert "corrupt" in last and "reset-offsets" in last
    assert "Traceback" not in run.log.read_text()


@pytest.mark.parametrize("service", ["kafka", "redis"])
def test_stop_is_heard_while_a_service_hangs(world: World, service: str) -> None:
    """It is there and does not answer: nothing refuses the connection."""
    world.seed(500, seed=32)
    run = world.start()
    eventually(lambda: len(world.committed()) == 8)
    pid = getattr(world.services, service).running().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: run.get("/healthz")[0] == 503)
        run.stop()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "Traceback" not in run.log.read_text()


def append(world: World, codec: str, value: bytes) -> None:
    producer = Producer(
        {"bootstrap.servers": world.services.kafka.address, "compression.type": codec}
    )
    producer.produce("transactions", value, b"card", partition=1)
    assert producer.flush(30) == 0
