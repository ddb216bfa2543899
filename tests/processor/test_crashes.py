"""Killed, moved and cut off: what comes out is what an undisturbed run makes of the same log.

A kill waits for a condition that can be observed, at a point that a seeded draw chooses.
"""

from __future__ import annotations

import json
import random
import signal

import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.connectors.outbox import Outbox
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from tests.support.inputs.rows import fraud_row
from tests.support.waiting import eventually
from tests.support.worlds.output import hashes
from tests.support.worlds.processor import World
from tests.support.worlds.run import Run

pytestmark = pytest.mark.services


def test_killed_at_random_points(world: World) -> None:
    draw = random.Random(11)
    with world.flowing(seed=11):
        for _ in range(6):
            run = world.start()
            world.wait_for_output(draw.randrange(1, 3_000))
            run.kill()
            world.evict()
    world.finish()
    world.assert_undisturbed()


def test_killed_while_replaying_silently(world: World) -> None:
    world.seed(6_000, seed=12)
    world.finish()
    world.seed(2_000, seed=13)
    for _ in range(2):
        run = world.start(CHECKPOINT_INTERVAL_MS="600000")
        eventually(lambda run=run: is_rebuilding(run))
        run.kill()
        world.evict()
    world.finish()
    world.assert_undisturbed()


def test_kill_between_effect_and_snapshot_same_bytes(world: World) -> None:
    world.seed(4_000, seed=14)
    output = world.reference().output
    run = world.start(CHECKPOINT_INTERVAL_MS="600000")
    everything = len(output.rows) + len(output.letters)
    eventually(lambda: world.appeared() == everything)
    run.kill()
    world.evict()
    assert world.committed() == {}
    before = hashes(world.redis())
    again = world.start()
    eventually(lambda: world.appeared() == 2 * everything)
    # The store is written beside the topics, and may be told of last.
    eventually(lambda: again.samples("features_store_refused_total")[()] >= len(before))
    assert again.stop() == 0
    assert hashes(world.redis()) == before
    world.assert_undisturbed()


def test_replayed_dlq_no_new_keys(world: World) -> None:
    world.seed(4_000, seed=15)
    world.finish()
    keys = dead_letter_keys(world)
    with world.admin() as admin:
        admin.delete_groups([world.group])
    world.finish()
    replayed = dead_letter_keys(world)
    assert len(replayed) == 2 * len(keys)
    assert set(replayed) == set(keys)


def test_partitions_move_between_processors(world: World) -> None:
    draw = random.Random(16)
    with world.flowing(seed=16):
        first = world.start()
        world.wait_for_output(draw.randrange(500, 1_500))
        second = world.start()
        eventually(lambda: owned(first) == 4 and owned(second) == 4)
        world.wait_for_output(draw.randrange(500, 1_500))
        assert first.stop() == 0
        third = world.start()
        eventually(lambda: owned(second) == 4 and owned(third) == 4)
        world.wait_for_output(draw.randrange(100, 1_000))
        second.kill()
        eventually(lambda: owned(third) == 8)
    eventually(lambda: world.committed() == world.ends(SOURCE_TOPICS))
    assert third.stop() == 0
    world.assert_undisturbed()


def test_stalled_processor_that_wakes_disturbs_nobody(world: World) -> None:
    """The group has given its partitions to another; it still believes that they are its own."""
    with world.flowing(seed=22):
        first = world.start()
        world.wait_for_output(500)
        first.process.send_signal(signal.SIGSTOP)
        world.evict()
        second = world.start()
        eventually(lambda: owned(second) == 8)
        world.wait_for_output(500)
        first.process.send_signal(signal.SIGCONT)
        eventually(lambda: owned(first) == 4 and owned(second) == 4)
    assert first.stop() == 0
    assert second.stop() == 0
    world.finish()
    world.assert_undisturbed()


def test_broker_killed_and_back(world: World) -> None:
    with world.flowing(seed=17):
        run = world.start()
        world.wait_for_output(1_000)
        world.services.kafka.kill()
        status, page = eventually(lambda: unwell(run))
        assert (status, next(iter(json.loads(page)["troubles"])).split()[0]) == (503, "kafka")
        world.services.kafka.start()
    eventually(lambda: run.get("/healthz")[0] == 200)
    eventually(lambda: world.committed() == world.ends(SOURCE_TOPICS))
    assert run.stop() == 0
    world.assert_undisturbed()


def test_stopped_while_the_broker_is_away(world: World) -> None:
    outbox = Outbox(Settings.load(world.environment()))
    with world.flowing(seed=21):
        run = world.start()
        eventually(lambda: len(world.committed()) == 8)
        world.services.kafka.kill()
        eventually(lambda: unwell(run))
        run.stop()
        assert "Traceback" not in run.log.read_text()
        assert_closes_for_good(outbox)
        world.services.kafka.start()
    world.evict()
    world.finish()
    world.assert_undisturbed()


def assert_closes_for_good(outbox: Outbox) -> None:
    """Close it with output that nobody takes; what it still held it would wait for at its end."""
    outbox.send([fraud_row(revision=0)], [])
    assert not outbox.flush(0.1)
    outbox.close()
    assert outbox.pending == 0


def test_store_killed_and_back(world: World) -> None:
    with world.flowing(seed=18):
        run = world.start()
        world.wait_for_output(1_000)
        world.services.redis.kill()
        status, page = eventually(lambda: unwell(run))
        assert (status, list(json.loads(page)["troubles"])) == (503, ["redis"])
        world.services.redis.start()
    eventually(lambda: run.get("/healthz")[0] == 200)
    eventually(lambda: world.committed() == world.ends(SOURCE_TOPICS))
    assert run.stop() == 0
    world.assert_undisturbed()


def test_stopped_while_the_store_is_away(world: World) -> None:
    world.seed(4_000, seed=19)
    world.finish()
    world.seed(2_000, seed=20)
    run = world.start()
    eventually(lambda: owned(run) == 8)
    world.services.redis.kill()
    eventually(lambda: unwell(run))
    run.stop()
    assert "Traceback" not in run.log.read_text()
    world.services.redis.start()
    world.finish()
    world.assert_undisturbed()


def is_rebuilding(run: Run) -> bool:
    """Tell whether it has taken over partitions of which it reads again what is delivered."""
    if not run.samples("features_store_refused_total"):
        return False
    taken = [line for line in run.lines() if line["message"] == "partition taken over"]
    return sum(line["offset"] < line["delivered"] for line in taken) == 8


def owned(run: Run) -> int:
    """Return how many partitions a processor has, by what it has logged."""
    change = {"partition taken over": 1, "partition given up": -1}
    return sum(change.get(line["message"], 0) for line in run.lines())


def unwell(run: Run) -> tuple[int, str] | None:
    page = run.get("/healthz")
    return page if page[0] == 503 else None


def dead_letter_keys(world: World) -> list[bytes]:
    records = world.read((DEAD_LETTER_TOPIC,))
    return [record.key for some in records.values() for record in some]
