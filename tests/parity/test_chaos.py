"""The production job on a cluster, killed in all its parts while events flow: exactly once.

One test is the test of this test: a job that splits late events the usual way does not pass.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from studykit.workspace import Workspace
from tests.support.accounts import Differences
from tests.support.chaos import DISTURBANCES, LAG, RESCALE, TEXTBOOK, Stage, schedule
from tests.support.job_world import JobWorld
from tests.support.services import TestServices, home_for_services
from tests.support.worlds import eventually

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

JOBMANAGER = "kill JobManager"


def disturbances(seed: int) -> list[str]:
    """Return all but the rescale at either parallelism, and the rescale from 1 to 2, and back.

    The JobManager is killed once: the checkpoint from which the job is submitted again is that
    from which it recovers on the next TaskManager, at either parallelism.
    """
    kinds = [*schedule(random.Random(seed), 2 * len(DISTURBANCES))]
    again = kinds.index(JOBMANAGER, len(DISTURBANCES))
    return kinds[:again] + kinds[again + 1 :]


@pytest.fixture(scope="module")
def services() -> Iterator[TestServices]:
    """Give services that no other test sees: these here are killed."""
    with home_for_services() as home:
        yield TestServices(Workspace(home))


def test_everything_happens_in_every_turn():
    kinds = disturbances(seed=3)
    assert kinds[len(DISTURBANCES) - 1] == kinds[-1] == RESCALE
    assert Counter(kinds) == {kind: 1 + (kind != JOBMANAGER) for kind in DISTURBANCES}


def test_exactly_once_whatever_is_killed(services):
    with Stage.open(seed=31, services=services) as stage:
        for kind in disturbances(seed=31):
            stage.disturb(kind)
        outcome = stage.finish()
    assert outcome.differences == Differences()
    assert outcome.late_dropped == 0
    for expected, counted in outcome.ledgers.values():
        assert expected == counted > 0
    assert outcome.letters > 0


def test_the_usual_split_of_late_events_fails(services):
    with Stage.open(seed=32, job=TEXTBOOK, services=services) as stage:
        stage.disturb(RESCALE)
        stage.disturb(LAG)
        outcome = stage.finish()
    found = outcome.differences
    assert found.lost > 0, "after a restart, late events pass as on time, and the windows drop them"
    assert found.counted_twice > 0, (
        "at parallelism 2, the windows' watermark lags behind a source's"
    )
    assert found.other > 0, "so rows differ from what the log calls for"


def test_a_cluster_that_goes_away_is_one_sentence(services, tmp_path):
    for service in (services.kafka, services.redis, services.flink):
        service.start()
    world = JobWorld(services, tmp_path)
    with world.job("--cluster", services.flink.address) as job:
        eventually(lambda: '"started"' in world.log.read_text(), seconds=180)
        services.flink.stop()
        assert job.wait(90) == 1
    _, line = world.log.read_text().splitlines()
    assert line.startswith(f"feature_job: the cluster at {services.flink.address} no longer")
    assert "start it with `make up FLINK=1` and this job again" in line
