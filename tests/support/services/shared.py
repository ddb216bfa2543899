"""A broker, a store and a cluster for the tests: real ones, on ports of their own.

They never touch the learner's services and are gone after the run. They start when a test first
asks, and serve the whole run; each can be killed and started again at the same port with the same
data:

    services.kafka.kill()   # kill -9
    services.kafka.start()  # returns when the broker answers again
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock, Timeout

from flink_jobs.runtime.java import QUICK
from studykit.services.flink.cluster import FlinkCluster
from studykit.services.kafka import Kafka
from studykit.services.network.ports import free_port
from studykit.services.redis import Redis
from studykit.workspace import Workspace

INHERITED: Final = dict(os.environ)
"""As it was before a job ran inside this process: that leaves its own paths and limits there."""

_HOMES = Path(__file__).parents[3] / ".study" / "tests"


class TestServices:
    """Kafka, Redis and a Flink cluster in a workspace of their own."""

    __test__ = False

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.kafka = Kafka(workspace, free_port())
        self.redis = Redis(workspace, free_port())
        self.metrics_port = free_port()
        self.flink = FlinkCluster(workspace, free_port(), self.metrics_port)
        self.flink.taskmanager.options += QUICK

    def stop(self) -> None:
        """Stop all, whatever state they are in."""
        self.flink.stop()
        self.redis.stop()
        self.kafka.stop()


@contextmanager
def home_for_services() -> Iterator[Path]:
    """Give a folder for services; whatever runs in it at the end is stopped, and it is removed."""
    _HOMES.mkdir(parents=True, exist_ok=True)
    _clear_abandoned_homes()
    home = Path(tempfile.mkdtemp(prefix="new-", dir=_HOMES))
    with FileLock(home / "owner.lock"):  # for as long as this process lives
        home = home.rename(home.with_name(f"run-{home.name}"))  # before, it looked abandoned
        try:
            yield home
        finally:
            TestServices(Workspace(home)).stop()
            shutil.rmtree(home, ignore_errors=True)


def _clear_abandoned_homes() -> None:
    """Stop what the services of a test run that was itself killed have left running."""
    for home in _HOMES.glob("run-*"):
        with suppress(Timeout, OSError), FileLock(home / "owner.lock", timeout=0):
            TestServices(Workspace(home)).stop()  # a timeout: it is a run's that is alive
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def service_home() -> Iterator[Path]:
    """Return a folder for services; whatever still runs in it at the end is stopped."""
    with home_for_services() as home:
        yield home


@pytest.fixture(scope="session")
def services(service_home: Path) -> TestServices:
    """Return the services of this run, not started yet."""
    return TestServices(Workspace(service_home))


@pytest.fixture(scope="session")
def kafka_servers(services: TestServices) -> str:
    """Start the broker and return its address."""
    services.kafka.start()
    return services.kafka.address


@pytest.fixture(scope="session")
def redis_address(services: TestServices) -> tuple[str, int]:
    """Start the store and return its host and port."""
    services.redis.start()
    host, _, port = services.redis.address.partition(":")
    return host, int(port)
