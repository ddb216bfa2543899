"""The production job on a real broker: on one partition and on many, and where one falls silent."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import count, islice

import msgspec
import pytest
from kafka import KafkaAdminClient

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC, DeadLetter
from flink_jobs.events import EVENT_TYPES, TRANSACTIONS
from flink_jobs.features.row import FeatureRow, encode_row
from flink_jobs.processor.replay import replay
from studykit.services import topics
from tests.support.inputs import logs
from tests.support.waiting import eventually
from tests.support.worlds.job import FEATURE_TOPICS, LONG_AFTER_MS, JobWorld

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

PATIENCE_S = 900
"""How long a busy machine may take; a minute is enough for an idle one."""
WINDOWS = 5
"""In how many windows a payment is."""


@pytest.fixture(scope="module")
def world():
    with JobWorld.open() as world:
        yield world


def compact(records: Iterable[LogRecord]) -> list[LogRecord]:
    """Number the partitions without holes, as a broker has them."""
    numbers: dict[int, int] = {}
    return [
        msgspec.structs.replace(
            record, partition=numbers.setdefault(record.partition, len(numbers))
        )
        for record in records
    ]


def morning() -> list[LogRecord]:
    """Return records with letters of every kind; `test_job_equals_processor` has the day."""
    return compact(islice(logs.simulated_day(1), 1_000))


def many_partitions() -> list[LogRecord]:
    """Return the story, streams, and every boundary that needs no append time of its own."""
    cases = [case for case in logs.BOUNDARIES if not case.appended_ms]
    bounds = [record for number, case in enumerate(cases, 1) for record in case.records(number)]
    return compact([*logs.story(), *bounds, *logs.drawn_streams(12, 25)])


def renew(world: JobWorld, partitions: int) -> None:
    """Give the event topics that many partitions; empty everything."""
    with closing(KafkaAdminClient(bootstrap_servers=world.servers)) as admin:
        admin.delete_topics(list(topics.TOPICS))
        eventually(lambda: not set(admin.list_topics()) & set(topics.TOPICS), PATIENCE_S)
        sizes = {
            name: partitions if name in EVENT_TYPES else topics.PARTITIONS for name in topics.TOPICS
        }
        admin.create_topics(
            {name: {"num_partitions": size} for name, size in sizes.items()},
            wait_for_metadata=True,
        )
    shutil.rmtree(world.state, ignore_errors=True)
    world.redis.flushall()


def rows_in(world: JobWorld) -> Counter:
    return Counter((record.key, record.value) for record in world.whole(FEATURE_TOPICS))


def letters_in(world: JobWorld) -> Counter:
    letters = world.whole([DEAD_LETTER_TOPIC])
    return Counter((record.key, record.value, frozenset(record.headers)) for record in letters)


def rows_of(rows: Iterable[FeatureRow]) -> Counter:
    return Counter((row.redis_key.encode(), encode_row(row)) for row in rows)


def letters_of(letters: Iterable[DeadLetter]) -> Counter:
    return Counter((letter.key, letter.value, frozenset(letter.headers)) for letter in letters)


# One partition at parallelism 1 is `test_job_equals_processor`; four are the chaos.
@pytest.mark.parametrize("parallelism", [2])
@pytest.mark.parametrize(
    "records", [morning, many_partitions], ids=["a_reader_without", "many_each"]
)
def test_the_broker_gives_what_the_development_processor_gives(world, records, parallelism):
    sent = records()
    renew(world, partitions=max(record.partition for record in sent) + 1)
    world.send(sent)
    output, _ = replay(world.source(), Settings())
    with world.job_inside(bounded=True, parallelism=parallelism) as job:
        job.wait(PATIENCE_S)
    assert rows_in(world) == rows_of(output.rows)
    assert letters_in(world) == letters_of(output.letters)


def payment(event_ms: int, key: str, partition: int) -> LogRecord:
    value = msgspec.json.encode(logs.payment(event_ms, key))
    return LogRecord(TRANSACTIONS, partition, 0, 0, key.encode(), value)


def go_on_until(world: JobWorld, window_end_ms: int, feed: Iterator[LogRecord]) -> None:
    """Send one record after the other until windows of that end have fired."""

    def have_fired() -> bool:
        rows = [msgspec.json.decode(record.value) for record in world.whole(["features-fraud"])]
        if max((row["window_end"] for row in rows), default=0) >= window_end_ms:
            return True
        world.send(islice(feed, 1))
        return False

    eventually(have_fired, PATIENCE_S, 0.5)


def payments_in(rows: Counter) -> int:
    """Return how often a payment was counted."""
    decoded = [msgspec.json.decode(value) for _, value in rows.elements()]
    assert {row["key"] for row in decoded} == {"sleeper"}
    return sum(row["features"]["tx_count"] for row in decoded)


def test_what_an_idle_partition_brings_when_it_wakes_is_late_and_nothing_else_differs(world):
    renew(world, partitions=2)
    feed = (payment(minute * logs.MINUTE, "awake", 0) for minute in count())
    world.send([payment(0, "sleeper", 1), *islice(feed, 20)])
    with world.job_inside(idle_s=1) as job:
        go_on_until(world, logs.T + 15 * logs.MINUTE, feed)  # the sleeper holds nothing up
        woken = [payment(minute * logs.MINUTE, "sleeper", 1) for minute in range(5)]
        world.send([*woken, *(payment(LONG_AFTER_MS, "end", number) for number in range(2))])
        output, _ = replay(world.source(), Settings())
        rows = [row for row in output.rows if row.key != "end"]
        go_on_until(world, max(row.window_end for row in rows), iter(()))
        job.terminate()
        job.wait(PATIENCE_S)
    assert output.letters == [], "by their own partition's time they are on time"
    late = [dict(headers) for _, _, headers in letters_in(world).elements()]
    assert [(headers["reason"], headers["feature_set"]) for headers in late] == [
        (b"late", b"fraud")
    ] * 5
    assert [len(msgspec.json.decode(headers["missed_windows"])) for headers in late] == [
        WINDOWS
    ] * 5
    there, here = rows_of(rows), rows_in(world)
    lost = payments_in(there - here) - payments_in(here - there)
    assert lost == WINDOWS * len(woken), "each window that a dead letter lists, and no other"


def test_nothing_is_lost_where_a_partition_wakes_after_a_restart(world):
    """The windows know from their state what they have come to, and the sources do not."""
    renew(world, partitions=2)
    feed = (payment(minute * logs.MINUTE, "awake", 0) for minute in count())
    world.send([payment(0, "sleeper", 1), *islice(feed, 20)])
    with world.job_inside(idle_s=1) as job:
        go_on_until(world, logs.T + 15 * logs.MINUTE, feed)
        job.terminate()
        job.wait(PATIENCE_S)
    woken = [payment(minute * logs.MINUTE, "sleeper", 1) for minute in range(5)]
    world.send(woken)
    with world.job_inside(idle_s=1) as job:
        letters = world.committed([DEAD_LETTER_TOPIC], PATIENCE_S, lambda found: len(found) >= 5)
        world.send(payment(LONG_AFTER_MS, "end", number) for number in range(2))
        job.terminate()
        job.wait(PATIENCE_S)
    late = [dict(letter.headers) for letter in letters]
    assert [(headers["reason"], headers["feature_set"]) for headers in late] == [
        (b"late", b"fraud")
    ] * len(woken)
    places = {letter.key.decode().split("/")[1] for letter in letters}
    assert places == {"1"}
