"""The production job as a service: checkpoints, going on from the newest, and an orderly stop.

Starting without a checkpoint means reading the log from its beginning. What has been committed
to Kafka by then is committed; so a job's state folder belongs to it as its topics do.
"""

from __future__ import annotations

import fcntl
import json
import logging
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pyflink.common import JobClient
from pyflink.java_gateway import get_gateway
from pyflink.table import StatementSet

from flink_jobs.config import Settings
from flink_jobs.errors import Foreseen

_POLL_S: Final = 0.2
_NO_ANSWER: Final = "Number of retries has been exhausted"
"""In what Flink says where a cluster cannot be reached."""

log = logging.getLogger("features")


class JobUnusable(Foreseen):
    """The job cannot run, or has failed. Its text says why and what to do."""


class State:
    """A job's state in a place that the cluster's configuration names.

    There it is somebody else's, such as a Kubernetes operator's, to say what a start goes on from
    and when the job stops.
    """

    savepoints: Path | None = None
    """Where a stop leaves its savepoint; None where stopping is not the job's business."""

    def held(self) -> AbstractContextManager[None]:
        """Keep the state to this process; here that is the cluster's to do."""
        return nullcontext()

    def options(self, settings: Settings) -> dict[str, str]:
        """Return Flink's options for how, not where, checkpoints are made."""
        return {
            "execution.checkpointing.interval": f"{settings.checkpoint_interval_ms} ms",
            "execution.checkpointing.mode": "EXACTLY_ONCE",
            "execution.checkpointing.timeout": "5 min",
            "execution.checkpointing.tolerable-failed-checkpoints": "3",
            "execution.checkpointing.num-retained": "3",
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            # State may outgrow the heap, and a checkpoint writes only what has changed. That takes
            # a tenth to a fifth more time: see `make bench ONLY=flink`.
            "state.backend.type": "rocksdb",
            "execution.checkpointing.incremental": "true",
            # By default Flink takes an hour to forget failures, and waits up to a minute by then.
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "1 s",
            "restart-strategy.exponential-delay.max-backoff": "10 s",
            "restart-strategy.exponential-delay.reset-backoff-threshold": "1 min",
        }


class StateFolder(State):
    """A job's state in a folder of its own; a stop leaves a savepoint there."""

    def __init__(self, path: Path, origin: Path | None = None) -> None:
        """Use the folder `path`, which need not exist.

        Args:
            path: Where the job's state is kept.
            origin: The checkpoint or savepoint to go on from; None for the newest of `path`.
        """
        self._path = path.absolute()
        self._origin = origin
        self.savepoints: Path = self._path / "savepoints"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the folder to this process: two jobs would write everything twice.

        Raises:
            JobUnusable: Another process has it.
        """
        with (self._path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise JobUnusable(
                    f"a job that keeps its state in {self._path} runs already: stop that one first"
                ) from None
            yield

    def options(self, settings: Settings) -> dict[str, str]:
        """Return Flink's options for checkpoints here, and for going on from where it is said.

        Raises:
            JobUnusable: The state here belongs to other windows, or there is none to go on from.
        """
        origin = self.newest() if self._origin is None else _whole(self._origin)
        self._claim(settings)
        options = {
            **super().options(settings),
            "execution.checkpointing.dir": (self._path / "checkpoints").as_uri(),
            "execution.checkpointing.savepoint-dir": self.savepoints.as_uri(),
        }
        if origin is not None:
            options["execution.state-recovery.path"] = origin.as_uri()
        return options

    def newest(self) -> Path | None:
        """Return the folder of the newest complete checkpoint or savepoint, None without any."""
        complete = [*self._path.glob("checkpoints/*/chk-*/_metadata")]
        complete += self._path.glob("savepoints/*/_metadata")
        return max(complete, key=lambda one: one.stat().st_mtime).parent if complete else None

    def _claim(self, settings: Settings) -> None:
        """Note the settings that decide a verdict; refuse others."""
        decisive = {
            name: value
            for name, value in asdict(settings).items()
            if name.startswith(("window_", "max_"))
        }
        note, text = self._path / "settings.json", json.dumps(decisive)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            left = note.read_text() if note.exists() else text
            note.write_text(left)
        except OSError as error:
            raise JobUnusable(
                f"cannot keep state in {self._path} ({error.strerror}): choose another --state"
            ) from None
        if left != text:
            raise JobUnusable(
                f"the state in {self._path} was left with other settings ({left}): go back to "
                "those, or choose another --state to start from the beginning of the log"
            )


def _whole(origin: Path) -> Path:
    """Return the folder of a checkpoint or savepoint that somebody chose, as an absolute path."""
    if not (origin / "_metadata").is_file():
        raise JobUnusable(
            f"there is no checkpoint or savepoint in {origin}: choose a folder with a file "
            "_metadata, such as those below checkpoints/ and savepoints/ of --state"
        )
    return origin.absolute()


def run(job: StatementSet, savepoints: Path | None, cluster: str | None = None) -> None:
    """Run a job until it ends by itself, or until SIGTERM or SIGINT stops it with a savepoint.

    Args:
        job: What to run.
        savepoints: Where the savepoint goes; None leaves it to others to stop the job.
        cluster: Host and port of the cluster that runs it, if it is not in this process.

    Raises:
        JobUnusable: The job has failed for good, or its cluster is gone.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT) if savepoints else ():
        signal.signal(number, lambda *_: stop.set())
    client = job.execute().get_job_client()
    log.info("started", extra={"context": {"flink-job-id": str(client.get_job_id())}})
    result = client.get_job_execution_result()  # its cluster, and with it its status, ends with it
    try:
        while not result.done():
            if stop.wait(_POLL_S) and savepoints:
                _stop(client, savepoints)
                return
        result.result()
    except Exception as error:  # whatever Java says
        raise JobUnusable(_reason(str(error), cluster)) from error


def _reason(error: str, cluster: str | None) -> str:
    """Return why a job has ended, from what Java says."""
    if cluster is not None and _NO_ANSWER in error:
        return (
            f"the cluster at {cluster} no longer answers, and its jobs are gone with it: start it "
            "with `make up FLINK=1` and this job again, which goes on from its newest checkpoint"
        )
    causes = re.findall(r"Caused by: (.*)", error) or error.strip().splitlines()
    return f"the job has failed: {causes[-1]}"


def _stop(client: JobClient, savepoints: Path) -> None:
    """Stop a job with a savepoint, or where it cannot make one, as it stands; no window fires.

    Flink's own Python method does not work in 2.2.1: it leaves out the savepoint's format.
    """
    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    java_client = client._j_job_client
    try:
        left = java_client.stopWithSavepoint(False, savepoints.as_uri(), formats.DEFAULT).get()
        log.info("stopped", extra={"context": {"savepoint": str(left)}})
    except Exception as error:
        if _NO_ANSWER in str(error):
            raise
        # Not all of it has started yet; the next start goes on from a checkpoint.
        client.cancel().result()
        log.info("stopped without a savepoint")
