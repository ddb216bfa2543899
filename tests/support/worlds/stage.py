"""The production job on a cluster, traffic that flows into it, and the books of what it has done.

A job without state begins an *era*: it reads the log from where the log begins then. Mostly a job
goes on from its state, and all is one era. An era is closed, and the next one begun, where the job
rightly refuses to go on: its topic was created anew, or the log has lost records. The books of
every era must close, and all records that were sent are either read in some era or known as lost.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from kafka import TopicPartition

from flink_jobs.connectors.kafka import SOURCE_TOPICS
from flink_jobs.features.catalog import CATALOG
from flink_jobs.features.row import FeatureRow
from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import LATE_DROPPED
from flink_jobs.processor.partition import Output
from studykit.cli.job_status import metrics_page
from studykit.services.flink.home import flink_environ
from studykit.workspace import Workspace
from tests.support.services.shared import INHERITED, TestServices, home_for_services
from tests.support.waiting import coordinated
from tests.support.worlds.accounts import Accounts, Differences, wrongly_stored
from tests.support.worlds.flow import Flow, Tail
from tests.support.worlds.output import consumer_of
from tests.support.worlds.processor import World

PRODUCTION: Final = "flink_jobs.feature_job"
TEXTBOOK: Final = "studykit.flink.textbook"
CHECKPOINT_MS: Final = 1_000
PATIENCE_S: Final = 900.0
"""How long output may take to come; a minute is enough where nothing else is running, and a job
starts slowly where much is."""
_KEEP_S: Final = 60.0
"""How often hashes are kept from expiring, much oftener than they expire."""
_WORKED: Final = "taskmanager_Status_JVM_CPU_Time"
"""Nanoseconds of processor time: no two reports of it are equal."""


class Records(NamedTuple):
    """What became of the records of the event topics: `sent` is the sum of the others."""

    sent: int
    read: int
    lost: int
    """Records that were gone before the job had read them, as far as somebody has said so."""


class Outcome(NamedTuple):
    """The result of a run."""

    differences: Differences
    ledgers: dict[str, tuple[int, int]]
    """By feature set: K x accepted - missed windows, and the sum of the windows' counts."""
    records: Records
    late_dropped: float
    """The records that Flink's windows dropped, by their metric, as last seen before each kill."""
    rows: int
    letters: int
    eras: int

    @property
    def exactly_once(self) -> bool:
        """Whether nothing differs, nothing was dropped, and every ledger closes."""
        closed = all(expected == counted for expected, counted in self.ledgers.values())
        told = self.records.sent == self.records.read + self.records.lost
        return closed and told and not any(self.differences) and not self.late_dropped


class Era(NamedTuple):
    """An era whose log has ended: every window but those of the last events has fired."""

    end_ms: int
    """Event time of the last event of every partition."""
    log: Mapping[TopicPartition, list[Any]]
    output: Output
    """What the log calls for."""


class Books:
    """The sums over the eras that are over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._differences = Differences()
        self._ledgers = {feature_set.name: (0, 0) for feature_set in CATALOG}
        self._read = 0
        self._letters = 0
        self._eras = 0
        self._rows: list[FeatureRow] = []
        self.lost = 0
        self.late_dropped = 0.0

    def enter(self, era: Era) -> None:
        """Do the accounts of an era whose job has ended."""
        log = [record for records in era.log.values() for record in records]
        accounts = Accounts(self._world, era.end_ms, log)
        self._differences = self._differences.plus(accounts.differences(era.output))
        for feature_set in CATALOG:
            expected, counted = self._ledgers[feature_set.name]
            more, found = accounts.ledger(feature_set)
            self._ledgers[feature_set.name] = expected + more, counted + found
        self._read += len(log)
        self._letters += len(era.output.letters)
        self._rows += era.output.rows
        self._eras += 1

    def outcome(self) -> Outcome:
        """Compare the store as well: it holds the newest row of each entity, of whatever era."""
        return Outcome(
            self._differences._replace(stored=wrongly_stored(self._world, self._rows)),
            self._ledgers,
            Records(sum(self._world.sent), self._read, self.lost),
            self.late_dropped,
            len(self._rows),
            self._letters,
            self._eras,
        )


class Stage:
    """Services, a cluster, traffic and the job; any part can be killed."""

    def __init__(
        self, services: TestServices, folder: Path, tail: Tail, world: World, seed: int, job: str
    ) -> None:
        self.services = services
        self.world = world
        self.flow = Flow(world, seed)
        self.tail = tail
        self.draw = random.Random(seed)
        self.books = Books(world)
        self._folder = folder
        self._job = job
        self._parallelism = 1
        self._client: subprocess.Popen[bytes] | None = None
        self._state = 0
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
            stage.wait_past(0)
            try:
                yield stage
            except BaseException:
                services.flink.stop()  # or the next stage would find this job running
                raise

    def disturb(self, what: Callable[[Stage], None]) -> float:
        """Let the job work for a moment, then disturb it.

        Returns:
            The seconds from there until the job had read, processed and committed events that
            were sent after it.
        """
        self.wait_past(self.flow.latest_ms)
        time.sleep(self.draw.uniform(0, 2 * CHECKPOINT_MS / 1_000))  # the point, not a wait
        self.books.late_dropped += self.page().total(LATE_DROPPED)
        sent_ms, since = self.flow.latest_ms, time.monotonic()
        what(self)
        self.wait_past(sent_ms)
        return time.monotonic() - since

    def finish(self) -> Outcome:
        """End the flow, let the job process all of it, stop it, and do the accounts."""
        era = self.close_era()
        self.stop_job()
        self._keep_hashes()
        self.books.enter(era)
        return self.books.outcome()

    # --- eras ---

    def close_era(self) -> Era:
        """End the log, and let the job, which runs on, process and commit all of it."""
        self.flow.pause()
        end_ms = self.flow.close_log()
        log = self.world.read(SOURCE_TOPICS)
        output = self.world.reference(log).output
        self.wait(lambda: self.tail.has_last_of(output.rows))
        for _ in range(2):  # the first may have been under way when the last row came
            self._wait_for_metrics()
        self.wait(lambda: self._read_until() == self.world.ends(SOURCE_TOPICS))
        self.books.late_dropped += self.page().total(LATE_DROPPED)
        return Era(end_ms, log, output)

    def begin_era(self, era: Era, firsts: Mapping[TopicPartition, int]) -> None:
        """Do the accounts of an era whose job has ended; start a job without state at `firsts`."""
        self._keep_hashes()
        self.books.enter(era)
        self.world.begin_log(firsts)
        self.tail.restart()
        self._state += 1
        self.start_job()
        self.flow.go_on()

    def _read_until(self) -> dict[TopicPartition, int]:
        """Return up to which offset the job has committed each partition."""
        group = f"{self.world.group}-flink"
        with self.world.admin() as admin:
            commits = coordinated(lambda: admin.list_group_offsets(group))[group]
        return {place: commit.offset for place, commit in commits.items()}

    # --- the job ---

    def start_job(self) -> None:
        """Submit the job, which goes on from its newest savepoint or checkpoint."""
        command = [sys.executable, "-m", self._job, "--state", str(self._state_folder)]
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

    def refusal(self) -> str:
        """Wait until the job has ended by itself, with one sentence; return the sentence."""
        assert self._client is not None
        assert self._client.wait(PATIENCE_S) == 1, self._log.read_text()[-2_000:]
        last = self._log.read_text().splitlines()[-1]
        name, _, sentence = last.partition(": ")
        assert name == "feature_job", last
        return sentence

    def rescale(self) -> None:
        """Stop the job with a savepoint; start it at the other parallelism, 1 or 2."""
        self.stop_job()
        self._parallelism = 3 - self._parallelism
        self.start_job()

    # --- waiting ---

    def wait_past(self, event_ms: int) -> None:
        """Wait for a window that ends after `event_ms`."""
        self.wait(lambda: self.tail.is_past(event_ms))

    def wait(self, enough: Callable[[], bool]) -> None:
        """Wait while the job works; start a TaskManager that has ended, as its supervisor would."""
        deadline = time.monotonic() + PATIENCE_S
        while not enough():
            assert time.monotonic() < deadline, f"nothing more for {PATIENCE_S} s"
            assert self._client is not None
            assert self._client.poll() is None, self._log.read_text()[-2_000:]
            if self.services.flink.taskmanager.running() is None:
                self.services.flink.taskmanager.start()
            self.tail.poll()
            if time.monotonic() - self._hashes_kept > _KEEP_S:
                self._keep_hashes()

    def page(self) -> MetricsPage:
        """Return Flink's metrics; an empty page where the job has just started."""
        return metrics_page(self.services.metrics_port)

    def _keep_hashes(self) -> None:
        """Let no hash expire: some get their next row after the five minutes of their life."""
        self._hashes_kept = time.monotonic()
        store = self.world.redis()
        with store.pipeline(transaction=False) as commands:
            for key in store.scan_iter("features:*", 1_000):
                commands.persist(key)
            commands.execute()

    def _wait_for_metrics(self) -> None:
        """Wait until the TaskManager has pushed its metrics once more."""
        before = self.page().total(_WORKED)
        self.wait(lambda: self.page().total(_WORKED) != before)

    @property
    def _log(self) -> Path:
        """The log of the job's client."""
        return self._folder / "job.log"

    @property
    def _state_folder(self) -> Path:
        return self._folder / f"state-{self._state}"

    def _savepoints(self) -> int:
        return len([*self._state_folder.glob("savepoints/*/_metadata")])

    def _end_client(self) -> None:
        if self._client is not None:
            self._client.kill()
            self._client.wait()
