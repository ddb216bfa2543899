"""The log changes beneath a running processor: it says so, counts it, and tells nothing wrong."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from kafka import TopicPartition

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.events import TRANSACTIONS
from studykit.services.topics import create_topics
from tests.support.waiting import eventually
from tests.support.worlds.processor import PARTITIONS, World
from tests.support.worlds.run import Run

pytestmark = pytest.mark.services

PLACE = TopicPartition(TRANSACTIONS, 1)


@pytest.fixture
def standing(world: World) -> Iterator[World]:
    """Give a world whose topics are, at the end, as other tests expect them."""
    yield world
    for run in world.runs:
        if run.is_alive():
            run.kill()
    recreate(world)


def test_topic_created_anew_while_the_processor_was_paused(standing: World) -> None:
    """The new topic has more records than the old one: no offset gives it away."""
    world = standing
    world.seed(400, seed=51)
    run = caught_up(world)
    consumed = run.consumed()
    run.process.send_signal(signal.SIGSTOP)
    recreate(world)
    world.append(refill(2_000))
    run.process.send_signal(signal.SIGCONT)
    eventually(lambda: changes(run, "recreated") == PARTITIONS)
    status, page = run.get("/healthz")
    assert status == 503 and "created anew" in page and "start again" in page
    assert run.consumed() == consumed, "no record of the new topic counts"
    assert run.stop() == 0
    again = world.start()  # the broker has forgotten the commits of the old topic
    eventually(lambda: again.consumed() == 2_000)
    assert again.get("/healthz")[0] == 200
    assert again.stop() == 0


def test_records_deleted_before_they_were_read(world: World) -> None:
    world.seed(2_000, seed=52)
    run = caught_up(world)
    consumed = run.consumed()
    run.process.send_signal(signal.SIGSTOP)
    first = world.ends(SOURCE_TOPICS)[PLACE]
    world.append(refill(1))  # takes the answer to a fetch that may be under way
    world.append(refill(300))
    with world.admin() as admin:
        admin.delete_records({PLACE: first + 201})
    run.process.send_signal(signal.SIGCONT)
    eventually(lambda: lost(run) and run.consumed() - consumed + lost(run) == 301)
    gone = int(lost(run))
    assert gone in (200, 201)
    status, page = run.get("/healthz")
    sentence = f"{gone} records, offsets {first + 201 - gone} to {first + 200}, were deleted"
    assert status == 503 and sentence in page
    assert changes(run, "deleted") == 1
    world.seed(2_000, seed=53)  # a day later: the windows of the incident are over
    eventually(lambda: run.get("/healthz")[0] == 200)
    assert lost(run) == gone, "what was lost stays counted"
    assert run.stop() == 0


@pytest.mark.parametrize("probe_s", [0.1, 1_000.0])
def test_log_that_ends_before_what_was_read(standing: World, probe_s: float) -> None:
    """Created anew with fewer records: a probe of the processor or the broker's answer finds it."""
    world = standing
    (world.folder / "sitecustomize.py").write_text(
        f"from flink_jobs.processor import loop\nloop.PROBE_S = {probe_s}\n"
    )
    world.seed(400, seed=54)
    run = caught_up(world, PYTHONPATH=str(world.folder))
    run.process.send_signal(signal.SIGSTOP)
    recreate(world)
    run.process.send_signal(signal.SIGCONT)
    eventually(lambda: changes(run, "recreated") == PARTITIONS)
    assert run.get("/healthz")[0] == 503
    assert run.stop() == 0


def test_partitions_added_while_it_runs_and_before_it_starts(standing: World) -> None:
    world = standing
    world.seed(2_000, seed=55)
    run = caught_up(world)
    with world.admin() as admin:
        admin.create_partitions({TRANSACTIONS: PARTITIONS + 2})
    eventually(lambda: changes(run, "partitions_added") == PARTITIONS)
    status, page = run.get("/healthz")
    assert status == 503 and "has 6 partitions and had 4" in page
    eventually(lambda: taken_over(run) == 2 * PARTITIONS + 2)
    assert run.stop() == 0
    world.evict()
    with world.admin() as admin:
        admin.create_partitions({TRANSACTIONS: PARTITIONS + 3})
    world.seed(100, seed=56)
    again = world.start()
    eventually(lambda: "has 7 partitions and had" in again.log.read_text())
    assert again.stop() == 0


def caught_up(world: World, **settings: str) -> Run:
    """Start a processor and let it commit all that there is."""
    run = world.start(**settings)
    eventually(lambda: world.committed() == world.ends(SOURCE_TOPICS))
    return run


def recreate(world: World) -> None:
    with world.admin() as admin:
        admin.delete_topics([TRANSACTIONS])
    eventually(lambda: created(world))


def created(world: World) -> bool:
    """Create the topic, and tell whether it has all its partitions: a deletion takes a moment."""
    create_topics(world.services.kafka.address, [TRANSACTIONS])
    with world.admin() as admin:
        (found,) = admin.describe_topics([TRANSACTIONS])
    return len(found["partitions"]) == PARTITIONS


def refill(count: int) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Return records of one partition; what they say does not matter here."""
    return ((TRANSACTIONS, PLACE.partition, b"card", b"any") for _ in range(count))


def changes(run: Run, change: str) -> float:
    samples = run.samples("features_log_changes_total")
    return sum(value for labels, value in samples.items() if change in labels)


def lost(run: Run) -> float:
    return sum(run.samples("features_records_lost_total").values())


def taken_over(run: Run) -> int:
    return sum(line["message"] == "partition taken over" for line in run.lines())
