"""The production job on a cluster, while a test kills each process that the job needs.

While events flow, one part after the other dies as in a crash (kill -9), at a point that a seeded
draw chooses, and is started again at once, as a supervisor would. Once in a while the job is
rescaled, and a partition falls silent and comes back. At the end the accounts tell whether anything
differs from what the log calls for.

    with Stage.open(seed=7) as stage:
        for kind in schedule(random.Random(7), rounds=21):
            seconds = stage.disturb(kind)
        print(stage.finish().differences)
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.features.catalog import CATALOG
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import LATE_DROPPED
from studykit.cli.job_status import metrics_page
from studykit.services.flink.home import flink_environ
from studykit.workspace import Workspace
from tests.support.services.shared import INHERITED, TestServices, home_for_services
from tests.support.worlds.accounts import Accounts, Differences
from tests.support.worlds.flow import Flow, Tail
from tests.support.worlds.fuzz import CODECS, odd, send
from tests.support.worlds.processor import PARTITIONS, World, consumer_of

PRODUCTION: Final = "flink_jobs.feature_job"
TEXTBOOK: Final = "studykit.flink.textbook"
CHECKPOINT_MS: Final = 1_000
PER_SECOND: Final = 200
"""Records; event time runs a hundred times as fast as the clock."""
PATIENCE_S: Final = 300.0
"""How long output may take to come; a minute is enough where nothing else is running."""
_KEEP_S: Final = 60.0
"""How often hashes are kept from expiring, much oftener than they expire."""
_WORKED: Final = "taskmanager_Status_JVM_CPU_Time"
"""Nanoseconds of processor time: no two reports of it are equal."""


class Outcome(NamedTuple):
    """The result of a run."""

    differences: Differences
    ledgers: dict[str, tuple[int, int]]
    """By feature set: K x accepted - missed windows, and the sum of the windows' counts."""
    late_dropped: float
    """The records that Flink's windows dropped, by their metric, as last seen before each kill."""
    rows: int
    letters: int

    @property
    def exactly_once(self) -> bool:
        """Whether nothing differs, nothing was dropped, and every ledger closes."""
        closed = all(expected == counted for expected, counted in self.ledgers.values())
        return closed and not any(self.differences) and not self.late_dropped


class Stage:
    """Services, a cluster, traffic and the job; any part can be killed."""

    def __init__(
        self, services: TestServices, folder: Path, tail: Tail, world: World, seed: int, job: str
    ) -> None:
        self.services = services
        self.world = world
        self.flow = Flow(world, seed, PER_SECOND)
        self._folder = folder
        self._tail = tail
        self._draw = random.Random(seed)
        self._job = job
        self._parallelism = 1
        self._client: subprocess.Popen[bytes] | None = None
        self._late_dropped = 0.0
        self._hashes_kept = time.monotonic()

    @classmethod
    @contextmanager
    def open(
        cls, *, seed: int, job: str = PRODUCTION, services: TestServices | None = None
    ) -> Iterator[Stage]:
        """Start everything; yield when the job works, and traffic flows.

        Args:
            seed: Decides the traffic, and when something is killed.
            job: The module that runs the job.
            services: Those of an earlier stage, whatever it left of them; None for fresh ones. They
                are killed: nobody else may use them meanwhile.
        """
        with ExitStack() as stack:
            if services is None:
                home = stack.enter_context(home_for_services())
                services = TestServices(Workspace(home))
            folder = Path(tempfile.mkdtemp(prefix="stage-", dir=services.workspace.home))
            for service in (services.kafka, services.redis, services.flink):
                service.start()
            world = World(services, folder, {"CHECKPOINT_INTERVAL_MS": str(CHECKPOINT_MS)})
            tail = Tail(world, stack.enter_context(consumer_of(services)))
            stage = cls(services, folder, tail, world, seed, job)
            stack.callback(stage._end_client)
            stack.enter_context(stage.flow.running())
            stage.start_job()
            stage._wait_past(0)
            try:
                yield stage
            except BaseException:
                services.flink.stop()  # or the next stage would find this job running
                raise

    def disturb(self, kind: str) -> float:
        """Let the job work for a moment, then disturb it.

        Returns:
            The seconds from there until the job had read, processed and committed events that
            were sent after it.
        """
        self._wait_past(self.flow.latest_ms)
        time.sleep(self._draw.uniform(0, 2 * CHECKPOINT_MS / 1_000))  # the point, not a wait
        self._late_dropped += self._page().total(LATE_DROPPED)
        sent_ms, since = self.flow.latest_ms, time.monotonic()
        DISTURBANCES[kind](self)
        self._wait_past(sent_ms)
        return time.monotonic() - since

    def finish(self) -> Outcome:
        """End the flow, let the job process all of it, stop it, and do the accounts."""
        self.flow.end()
        end_ms = self.flow.close_log()
        expected = self.world.reference().output
        self._wait(lambda: self._tail.has_last_of(expected.rows))
        for _ in range(2):  # the first may have been under way when the last row came
            self._wait_for_metrics()
        self._late_dropped += self._page().total(LATE_DROPPED)
        self.stop_job()
        self._keep_hashes()
        accounts = Accounts(self.world, end_ms)
        return Outcome(
            accounts.differences(expected, self.world.stored_by(expected.rows)),
            {feature_set.name: accounts.ledger(feature_set) for feature_set in CATALOG},
            self._late_dropped,
            len(expected.rows),
            len(expected.letters),
        )

    def start_job(self) -> None:
        """Submit the job, which goes on from its newest savepoint or checkpoint."""
        command = [sys.executable, "-m", self._job, "--state", str(self._folder / "state")]
        command += ["--cluster", self.services.flink.address, "--idle-seconds", "0"]
        environ = {
            **INHERITED,
            **self.world.environment(),
            **flink_environ(self.services.workspace),
            "FLINK_LOG_DIR": str(self._folder),
            "METRICS_PORT": str(self.services.metrics_port),
        }
        with self._log.open("ab") as log:
            self._client = subprocess.Popen(
                [*command, "--parallelism", str(self._parallelism)],
                env=environ,
                stdout=log,
                stderr=log,
            )

    def stop_job(self) -> None:
        """Stop the job with a savepoint."""
        assert self._client is not None
        before = self._savepoints()
        self._client.send_signal(signal.SIGTERM)
        assert self._client.wait(120) == 0, self._log.read_text()[-2_000:]
        assert self._savepoints() > before

    def rescale(self) -> None:
        """Stop the job with a savepoint; start it at the other parallelism, 1 or 2."""
        self.stop_job()
        self._parallelism = 3 - self._parallelism
        self.start_job()

    def kill_taskmanager(self) -> None:
        """Kill the TaskManager: the JobManager goes on from the newest checkpoint on the next.

        Its Python workers can outlive it, for ever; a supervisor ends what a dead service leaves.
        """
        workers = self._python_workers()
        self.services.flink.taskmanager.kill()
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.kill()
        self.services.flink.taskmanager.start()

    def kill_python_worker(self) -> None:
        """Kill one of the processes in which the job's Python functions run."""
        self._draw.choice(self._python_workers()).kill()

    def kill_jobmanager(self) -> None:
        """Kill the JobManager, and submit the job again.

        Without high availability nobody else knows of the job: with its JobManager it is lost, and
        its client says so and ends. Its checkpoints are retained, and the newest is all that a new
        submission needs. The TaskManager outlives this; it drops what it was doing and reports to
        the new JobManager.
        """
        assert self._client is not None
        self.services.flink.jobmanager.kill()
        assert self._client.wait(PATIENCE_S) == 1
        last = self._log.read_text().splitlines()[-1]
        assert last.startswith(f"feature_job: the cluster at {self.services.flink.address} no long")
        assert "start it with `make up FLINK=1` and this job again" in last
        self.services.flink.jobmanager.start()
        self.start_job()

    def kill_broker(self) -> None:
        """Kill the broker, with transactions open, and start it again."""
        self.services.kafka.kill()
        self.services.kafka.start()

    def kill_store(self) -> None:
        """Kill the store, and start it again after up to five seconds."""
        self.services.redis.kill()
        time.sleep(self._draw.uniform(0, 5))
        self.services.redis.start()

    def let_a_partition_lag(self) -> None:
        """Hold a partition back until an event of another misses a window that it has yet to reach.

        The windows' watermark is the minimum over all partitions: that window is still open, and
        must not take in the event all the same.
        """
        with self.flow.holding_back(self._draw.randrange(PARTITIONS)) as held_ms:
            self._wait(lambda: self._tail.has_missed_past(held_ms))

    def send_poison(self) -> None:
        """Append what is no event to every topic, in each codec, between events that are.

        Some of it would be an event, of a time to come, if its key were its own.
        """
        for codec in CODECS:
            records = [(topic, b"nobody", value) for topic in SOURCE_TOPICS for value in odd()]
            send(self.services.kafka.address, codec, records)

    def _python_workers(self) -> list[psutil.Process]:
        running = self.services.flink.taskmanager.running()
        assert running is not None
        children = psutil.Process(running.pid).children(recursive=True)
        return [child for child in children if "beam_boot" in " ".join(child.cmdline())]

    def _wait_past(self, event_ms: int) -> None:
        self._wait(lambda: self._tail.is_past(event_ms))

    def _wait(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not enough():
            assert time.monotonic() < deadline, f"nothing more for {PATIENCE_S} s"
            assert self._client is not None
            assert self._client.poll() is None, self._log.read_text()[-2_000:]
            if self.services.flink.taskmanager.running() is None:
                self.services.flink.taskmanager.start()  # as its supervisor would
            self._tail.poll()
            if time.monotonic() - self._hashes_kept > _KEEP_S:
                self._keep_hashes()

    def _keep_hashes(self) -> None:
        """Let no hash expire: some get their next row after the five minutes of their life."""
        self._hashes_kept = time.monotonic()
        store = self.world.redis()
        with store.pipeline(transaction=False) as commands:
            for key in store.scan_iter("features:*", 1_000):
                commands.persist(key)
            commands.execute()

    def _page(self) -> MetricsPage:
        """Return Flink's metrics; an empty page where the job has just started."""
        return metrics_page(self.services.metrics_port)

    def _wait_for_metrics(self) -> None:
        """Wait until the TaskManager has pushed its metrics once more."""
        before = self._page().total(_WORKED)
        self._wait(lambda: self._page().total(_WORKED) != before)

    @property
    def _log(self) -> Path:
        """The log of the job's client."""
        return self._folder / "job.log"

    def _savepoints(self) -> int:
        return len([*self._folder.glob("state/savepoints/*/_metadata")])

    def _end_client(self) -> None:
        if self._client is not None:
            self._client.kill()
            self._client.wait()


RESCALE: Final = "savepoint and rescale"
POISON: Final = "send poison, in each codec"
LAG: Final = "let a partition lag"
DISTURBANCES: Final[Mapping[str, Callable[[Stage], None]]] = {
    "kill TaskManager": Stage.kill_taskmanager,
    "kill Python worker": Stage.kill_python_worker,
    "kill JobManager": Stage.kill_jobmanager,
    "kill broker": Stage.kill_broker,
    "kill store": Stage.kill_store,
    POISON: Stage.send_poison,
    LAG: Stage.let_a_partition_lag,
    RESCALE: Stage.rescale,
}


def schedule(draw: random.Random, rounds: int) -> Iterator[str]:
    """Yield `rounds` disturbances, in turns: all others in an order that is drawn, then a rescale.

    So all others are met at either parallelism.
    """
    others = [kind for kind in DISTURBANCES if kind != RESCALE]
    for number in range(rounds):
        place = number % len(DISTURBANCES)
        if place == 0:
            draw.shuffle(others)
        yield others[place] if place < len(others) else RESCALE
