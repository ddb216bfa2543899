"""The production job on a cluster, and everything that it stands on killed under it.

While events flow, one part after the other dies as in a crash, at a point that a seeded draw
chooses, and is started again at once, as a supervisor would. At the end the accounts tell whether
anything differs from what the log calls for.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psutil

from studykit.services.flink import flink_home
from tests.parity.flow import Flow
from tests.service_fixtures import TestServices
from tests.services.processor_run import World

ENTRY_POINT: Final = Path(__file__).parents[2] / "flink_jobs" / "feature_job.py"
CHECKPOINT_MS: Final = 1_000
INHERITED: Final = dict(os.environ)
"""As it was before a job ran inside this process: that leaves its own paths and limits there."""


class Stage:
    """Services, a cluster and the job, any part of which can be killed."""

    def __init__(
        self, services: TestServices, folder: Path, *, seed: int, entry_point: Path = ENTRY_POINT
    ) -> None:
        """Start everything but the job.

        Args:
            services: A broker and a store that nobody else uses.
            folder: For the job's state and its log.
            seed: Decides the traffic and the points at which something is killed.
            entry_point: The job's.
        """
        services.kafka.start()
        services.redis.start()
        services.flink.start()
        settings = {"CHECKPOINT_INTERVAL_MS": str(CHECKPOINT_MS)}
        self.services = services
        self.world = World(services, folder, settings)
        self.draw = random.Random(seed)
        self.flow = Flow(self.world, seed, per_second=200)
        self.parallelism = 1
        self.folder = folder
        self._entry_point = entry_point
        self._client: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the job's client has to say."""
        return self.folder / "job.log"

    def start_job(self) -> None:
        """Submit the job; it goes on from its newest savepoint or checkpoint."""
        command = [sys.executable, str(self._entry_point), "--state", str(self.folder / "state")]
        flags = ["--cluster", self.services.flink.address, "--idle-seconds", "0"]
        environ = {
            **INHERITED,
            **self.world.environment(),
            "FLINK_HOME": str(flink_home(self.services.workspace)),
            "FLINK_LOG_DIR": str(self.folder),
        }
        with self.log.open("ab") as log:
            self._client = subprocess.Popen(
                [*command, *flags, "--parallelism", str(self.parallelism)],
                env=environ,
                stdout=log,
                stderr=log,
            )

    def stop_job(self) -> None:
        """Stop the job with a savepoint."""
        assert self._client is not None
        self._client.send_signal(signal.SIGTERM)
        assert self._client.wait(120) == 0, self.log.read_text()[-2_000:]

    def rescale(self, parallelism: int) -> None:
        """Stop the job with a savepoint, and go on from there with other parallelism."""
        self.stop_job()
        self.parallelism = parallelism
        self.start_job()

    def kill_taskmanager(self) -> None:
        """Kill the TaskManager; the JobManager goes on from the newest checkpoint with another."""
        self.services.flink.taskmanager.kill()
        self.services.flink.taskmanager.start()

    def kill_python_worker(self) -> None:
        """Kill one of the processes in which the job's Python functions run."""
        running = self.services.flink.taskmanager.running()
        assert running is not None
        children = psutil.Process(running.pid).children(recursive=True)
        workers = [one for one in children if "python" in one.name()]
        self.draw.choice(workers).kill()

    def kill_jobmanager(self) -> None:
        """Kill the JobManager, and submit the job again.

        Without high availability nobody else knows of the job: with its JobManager it is lost. Its
        checkpoints are retained, and the newest is all that a new submission needs. The TaskManager
        outlives this; it drops what it was doing and reports to the new JobManager.
        """
        self.services.flink.jobmanager.kill()
        self._end_client()
        self.services.flink.jobmanager.start()
        self.start_job()

    def kill_broker(self) -> None:
        """Kill the broker, in the middle of whatever transactions."""
        self.services.kafka.kill()
        self.services.kafka.start()

    def kill_store(self) -> None:
        """Kill the store."""
        self.services.redis.kill()
        self.services.redis.start()

    def close(self) -> None:
        """Stop what still runs of the job and the cluster."""
        self._end_client()
        self.services.flink.stop()

    def _end_client(self) -> None:
        if self._client is not None:
            self._client.kill()
            self._client.wait()


KILLS: Final[Mapping[str, Callable[[Stage], None]]] = {
    "TaskManager": Stage.kill_taskmanager,
    "Python worker": Stage.kill_python_worker,
    "JobManager": Stage.kill_jobmanager,
    "broker": Stage.kill_broker,
    "store": Stage.kill_store,
}
