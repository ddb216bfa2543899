"""Where a job keeps its state: checkpoints, savepoints, and what they belong to.

Beside the state lies a note of its identity: the settings that decide a verdict, the fields that
lines carry, a checksum of each statement that has state, and the ids of the topics. A start with
another identity is refused with what differs. What may change, and the state goes on: Python
functions and features made of the fields of a line, the parallelism, the edges, comments in SQL.
"""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flink_jobs.config import Settings
from flink_jobs.errors import ForeseenError
from flink_jobs.job.spread import MAX_PARALLELISM

STATEMENTS: Final = ("clocked", "judged", "routed", "fraud", "personalization", "session")
"""The statements whose operators have state, or decide what goes into it."""

Identity = Mapping[str, Mapping[str, Any]]
"""What a state belongs to: parts by kind, such as the topics' ids by name."""


class JobUnusable(ForeseenError):
    """The job cannot run, or has failed. Its text says why and what to do."""


class State:
    """A job's state in a place that the cluster's configuration names.

    There it is somebody else's, such as a Kubernetes operator's, to say what a start goes on from
    and when the job stops.
    """

    savepoints: Path | None = None
    """Where a stop leaves its savepoint; None where stopping is not the job's business."""
    origin: Path | None = None
    """What a start goes on from, as far as it is known here."""
    away_s: float = 0.0
    """How long ago, in seconds, what a start goes on from was written."""

    def claim(self, identity: Identity) -> None:
        """Note what the state belongs to; here the cluster has to say first where the state is."""

    def claim_in(self, cluster: Mapping[str, str], identity: Identity) -> None:
        """Note what the state belongs to, in the cluster's folder of checkpoints.

        Args:
            cluster: The cluster's configuration. What it goes on from, it names there, too.
            identity: What `identity_of` returns.

        Raises:
            JobUnusable: The state belongs to something else.
        """
        self.origin = _local(cluster.get("execution.state-recovery.path"))
        folder = _local(cluster.get("execution.checkpointing.dir"))
        if folder is not None:
            _claim(folder, identity, "execution.checkpointing.dir")

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
        self.origin: Path | None = None
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
            JobUnusable: There is no state in the place to go on from.
        """
        self.origin = self.newest() if self._origin is None else _whole(self._origin)
        if self.origin is not None:
            self.away_s = time.time() - (self.origin / "_metadata").stat().st_mtime
        options = {
            **super().options(settings),
            "execution.checkpointing.dir": (self._path / "checkpoints").as_uri(),
            "execution.checkpointing.savepoint-dir": self.savepoints.as_uri(),
        }
        if self.origin is not None:
            options["execution.state-recovery.path"] = self.origin.as_uri()
        return options

    def claim(self, identity: Identity) -> None:
        """Note in the folder what the state belongs to; refuse another.

        Raises:
            JobUnusable: The state belongs to something else, or the folder cannot be written.
        """
        _claim(self._path, identity, "--state")

    def claim_in(self, cluster: Mapping[str, str], identity: Identity) -> None:
        """Leave the cluster's folders alone: this job has one of its own."""

    def newest(self) -> Path | None:
        """Return the folder of the newest complete checkpoint or savepoint, None without any."""
        complete = [*self._path.glob("checkpoints/*/chk-*/_metadata")]
        complete += self._path.glob("savepoints/*/_metadata")
        return (
            max(complete, key=lambda metadata: metadata.stat().st_mtime).parent
            if complete
            else None
        )


def identity_of(
    settings: Settings, fields: Mapping[str, Any], topics: Mapping[str, str]
) -> Identity:
    """Return what a state belongs to.

    Args:
        settings: Windows, bound and limits.
        fields: The names of the fields of a line, by topic.
        topics: The ids of the topics, by name: a topic that is created anew has another.
    """
    decisive = {
        name: value
        for name, value in asdict(settings).items()
        if name.startswith(("window_", "max_"))
    }
    return {
        "settings": decisive,
        "fields": {topic: ",".join(names) for topic, names in fields.items()},
        "statements": {f"{name}.sql": _checksum(name) for name in STATEMENTS},
        "topics": dict(topics),
    }


def _checksum(name: str) -> str:
    """Return a checksum of a statement, whatever its comments and its white space."""
    text = (files("flink_jobs") / "sql" / f"{name}.sql").read_text()
    words = re.sub(r"--.*", "", text).split()
    return sha256(" ".join(words).encode()).hexdigest()[:16]


_REMEDIES: Final = {
    "settings": "the state in {place} was left with other settings ({changes}): go back to those, "
    "or choose another {option} to start from the beginning of the log",
    "fields": "the state in {place} holds lines with other fields ({changes}): go back to those, "
    "or choose another {option} to start from the beginning of the log",
    "statements": "the state in {place} was left by other statements ({changes}): go back to "
    "those, or choose another {option} to start from the beginning of the log",
    "topics": "the state in {place} belongs to topics that have been created anew since "
    "({changes}), and what they held is gone: choose another {option} to start with the new ones",
}


def _claim(place: Path, identity: Identity, option: str) -> None:
    note, text = place / "settings.json", json.dumps(identity)
    try:
        place.mkdir(parents=True, exist_ok=True)
        held = json.loads(note.read_text()) if note.exists() else None
        if held is None:
            note.write_text(text)
            return
    except OSError as error:
        raise JobUnusable(
            f"cannot keep state in {place} ({error.strerror}): choose another {option}"
        ) from None
    except ValueError:
        held = {}
    for kind, ours in identity.items():
        theirs = held.get(kind, {})
        changes = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
        if changes:
            said = ", ".join(f"{name}: {theirs.get(name)}" for name in changes)
            said = said if kind == "settings" else ", ".join(changes)
            raise JobUnusable(_REMEDIES[kind].format(place=place, changes=said, option=option))


def _local(address: str | None) -> Path | None:
    """Return the folder of an address in a cluster's configuration, None where it is elsewhere."""
    if not address or urlsplit(address).scheme not in ("", "file"):
        return None
    return Path(urlsplit(address).path)


def _whole(origin: Path) -> Path:
    """Return the folder of a checkpoint or savepoint that somebody chose, as an absolute path."""
    if not (origin / "_metadata").is_file():
        raise JobUnusable(
            f"there is no checkpoint or savepoint in {origin}: choose a folder with a file "
            "_metadata, such as those below checkpoints/ and savepoints/ of --state"
        )
    return origin.absolute()
