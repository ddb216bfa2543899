"""A store that refuses a row, and a corrupt batch: what the production job makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.redis import newest_rows
from flink_jobs.dead_letter import DEAD_LETTER_TOPIC
from flink_jobs.errors import ForeseenError
from flink_jobs.events import TRANSACTIONS
from flink_jobs.features.row import encode_row
from flink_jobs.processor.replay import replay
from studykit.workspace import Workspace
from tests.support.inputs import logs
from tests.support.services.shared import TestServices, home_for_services
from tests.support.worlds.damage import damaged
from tests.support.worlds.job import FEATURE_TOPICS, JobWorld

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

PATIENCE_S = 600


@pytest.fixture(scope="module")
def services() -> Iterator[TestServices]:
    """Give services that no other test sees: the log and the store of these are damaged."""
    with home_for_services() as home:
        services = TestServices(Workspace(home))
        services.kafka.start()
        services.redis.start()
        yield services


@pytest.fixture
def world(services: TestServices, tmp_path: Path) -> JobWorld:
    return JobWorld(services, tmp_path)


def test_a_row_that_the_store_refuses_is_a_dead_letter_and_all_others_go_on(world) -> None:
    world.send(
        LogRecord(record.topic, 0, 0, 0, record.key, record.value)
        for record in islice(logs.simulated_day(1), 300)
    )
    output, _ = replay(world.source(), Settings())
    newest = newest_rows(output.rows)
    victim = newest[0].redis_key
    world.redis.set(victim, "text")
    with world.job_inside(bounded=True) as job:
        job.wait(PATIENCE_S)

    refused = {
        (letter.value, dict(letter.headers)["cause"])
        for letter in world.whole([DEAD_LETTER_TOPIC])
        if dict(letter.headers)["reason"] == b"unstored"
    }
    rows = [row for row in output.rows if row.redis_key == victim]
    assert refused <= {(encode_row(row), b"wrongtype") for row in rows}
    # Of the rows of a batch only the newest of each key is written.
    assert (encode_row(newest[0]), b"wrongtype") in refused
    assert Counter((row.key, row.value) for row in world.whole(FEATURE_TOPICS)) == Counter(
        (row.redis_key.encode(), encode_row(row)) for row in output.rows
    )
    assert world.redis.get(victim) == b"text"
    assert world.redis.type(newest[-1].redis_key) == b"hash"


def test_a_corrupt_batch_ends_the_job_with_its_place_and_is_not_retried(world, services) -> None:
    words = b"to be damaged" * 10
    world.send([LogRecord(TRANSACTIONS, 1, 0, 0, b"card", words)])
    offset = world.end(TRANSACTIONS, 1) - 1
    with (
        damaged(services.kafka.data / f"{TRANSACTIONS}-1", words),
        pytest.raises(ForeseenError, match=f"transactions/1, offset {offset}: .*corrupt"),
        world.job_inside() as job,
    ):
        job.wait(PATIENCE_S)
