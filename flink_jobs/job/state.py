"""Where a job keeps its state: checkpoints, savepoints, and the settings that they belong to."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path

from flink_jobs.config import Settings
from flink_jobs.errors import Foreseen
from flink_jobs.job.spread import MAX_PARALLELISM


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
            "pipeline.max-parallelism": str(MAX_PARALLELISM),
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
        return (
            max(complete, key=lambda metadata: metadata.stat().st_mtime).parent
            if complete
            else None
        )

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
