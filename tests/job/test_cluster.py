"""The production job on a cluster, seen from the process that handed it over."""

from __future__ import annotations

import pytest

from studykit.workspace import Workspace
from tests.support.job_world import World
from tests.support.services import TestServices, home_for_services
from tests.support.worlds import eventually

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]


def test_a_cluster_that_goes_away_is_one_sentence():
    with home_for_services() as home:
        services = TestServices(Workspace(home))
        for one in (services.kafka, services.redis, services.flink):
            one.start()
        world = World(services, home)
        with world.job("--cluster", services.flink.address) as job:
            eventually(lambda: '"started"' in world.log.read_text())
            services.flink.stop()
            assert job.wait(90) == 1
        _, line = world.log.read_text().splitlines()
        assert line.startswith(f"feature_job: the cluster at {services.flink.address} no longer")
        assert "start it with `make up FLINK=1` and this job again" in line
