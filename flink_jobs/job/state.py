"""Where a job keeps its state: checkpoints, savepoints, and what they belong to.

Beside the state lies a note of the state's identity: the settings that decide a verdict, the fields
that lines carry, a checksum of each statement that has state, and the ids of the topics. A start
with another identity is refused, and the refusal says what differs. Other changes leave the state
usable: Python functions, features made of the fields of a line, a feature set more, the
parallelism, the edges, and comments in SQL. `docs/evolution.md` says which test holds each.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from flink_jobs.config import Settings
from flink_jobs.errors import ForeseenError
from flink_jobs.features.catalog import CATALOG
from flink_jobs.job.notes import NAME, FlinkNote, LocalNote, Note
from flink_jobs.job.spread import MAX_PARALLELISM

_SHARED: Final = ("clocked", "judged", "routed")

STATEMENTS: Final = (*_SHARED, *(feature_set.name for feature_set in CATALOG))
"""The statements whose operators have state, or decide what goes into it."""

_FOLDERS: Final = ("execution.checkpointing.savepoint-dir", "execution.checkpointing.dir")
"""Options of a cluster that name a folder of state. The last one tells what is new to the state."""

Identity = Mapping[str, Mapping[str, Any]]
"""What a state belongs to, by kind: `settings`, `fields`, `statements`, `topics`, each by name."""


class JobUnusable(ForeseenError):
    """The job cannot run, or has failed. The text says why and what to do."""


class State:
    """A job's state in a place that the cluster's configuration names.

    Somebody else, such as a Kubernetes operator, then decides what a start goes on from and when
    the job stops.
    """

    savepoints: Path | None = None
    """The folder in which a stop leaves a savepoint; None where somebody else stops the job."""
    origin: Path | None = None
    """The checkpoint or savepoint that a start goes on from; None where none is known here."""
    away_s: float = 0.0
    """How long ago the origin was written, seconds of wall time; 0 where none is known here."""
    new_sets: Sequence[str] = ()
    """The feature sets that the state does not know yet, once the state is claimed."""

    def claim(self, identity: Identity) -> None:
        """Note what the state belongs to.

        Here nothing happens yet: only the cluster, asked by `claim_in`, says where the state is.
        """

    def claim_in(self, cluster: Mapping[str, str], identity: Identity) -> None:
        """Note what the state belongs to, in the cluster's folders of checkpoints and savepoints.

        Args:
            cluster: The cluster's configuration, which also names what the cluster goes on from.
            identity: What `identity_of` returns.

        Raises:
            JobUnusable: The state, or what the cluster goes on from, belongs to something else.
        """
        self.origin = _local(cluster.get("execution.state-recovery.path"))
        # An old savepoint may come with a new folder of checkpoints, which knows nothing of it.
        if self.origin is not None and (folder := _noted(self.origin)):
            _check(LocalNote(folder), identity, "execution.state-recovery.path, or none,")
        places = [(option, cluster[option]) for option in _FOLDERS if cluster.get(option)]
        notes = [(option, _note_at(address)) for option, address in places]
        for option, note in notes:  # before any is written: a start that is refused claims nothing
            _check(note, identity, option)
        for option, note in notes:
            self.new_sets = _claim(note, identity, option)

    def held(self) -> AbstractContextManager[None]:
        """Keep other processes from the state; here the cluster does that."""
        return nullcontext()

    def sign(self, savepoint: Path) -> None:
        """Note in a savepoint what it belongs to; here nobody makes one."""

    def options(self, settings: Settings) -> dict[str, str]:
        """Return Flink's options for how checkpoints are made, but not where."""
        return {
            # Part of every checkpoint: Flink refuses state of another maximum. See `spread.py`.
            "pipeline.max-parallelism": str(MAX_PARALLELISM),
            "execution.checkpointing.interval": f"{settings.checkpoint_interval_ms} ms",
            "execution.checkpointing.mode": "EXACTLY_ONCE",
            "execution.checkpointing.timeout": "5 min",
            "execution.checkpointing.tolerable-failed-checkpoints": "3",
            "execution.checkpointing.num-retained": "3",
            # By default Flink deletes a job's checkpoints with the job, and `newest` needs them.
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            # State may outgrow the heap, and a checkpoint writes only what has changed. That takes
            # a tenth to a fifth more time: see `make bench ONLY=flink`.
            "state.backend.type": "rocksdb",
            "execution.checkpointing.incremental": "true",
            # By default Flink takes an hour to forget failures, and waits up to a minute before it
            # starts the job again: a minute in which no feature is written.
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
            path: The folder of the job's state.
            origin: The checkpoint or savepoint to go on from; None for the newest of `path`.
        """
        self._path = path.absolute()
        self._origin = origin
        self.origin: Path | None = None
        self.savepoints: Path = self._path / "savepoints"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from the folder: two jobs would write everything twice.

        The lock is the kernel's, so that it ends with this process, however that ends.

        Raises:
            JobUnusable: Another process has the folder.
        """
        try:
            lock = FileLock(self._path / "lock").acquire(blocking=False)
        except Timeout:
            raise JobUnusable(
                f"a job that keeps its state in {self._path} runs already: stop that one first"
            ) from None
        with lock:
            yield

    def options(self, settings: Settings) -> dict[str, str]:
        """Return Flink's options for checkpoints in the folder, and for what to go on from.

        Raises:
            JobUnusable: The chosen origin holds no checkpoint or savepoint.
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
        """Note in the folder what the state belongs to; refuse a state of another identity.

        Raises:
            JobUnusable: The state, or the chosen origin, belongs to something else; or the folder
                cannot be written.
        """
        if self._origin is not None and (folder := _noted(self._origin)):
            _check(LocalNote(folder), identity, "--state and no --from")
        self.new_sets = _claim(LocalNote(self._path), identity, "--state")

    def claim_in(self, cluster: Mapping[str, str], identity: Identity) -> None:
        """Leave the cluster's folders alone: this job has a folder of its own."""

    def sign(self, savepoint: Path) -> None:
        """Note in a savepoint of this process's job what it belongs to: it may be moved alone."""
        if savepoint.is_dir():  # or it is in a cluster on another machine
            shutil.copyfile(self._path / NAME, savepoint / NAME)

    def newest(self) -> Path | None:
        """Return the folder of the newest complete checkpoint or savepoint; None without any."""
        # A checkpoint is complete once it has its `_metadata`.
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

    Of the settings only those decide that change a verdict or a window: `window_…` and `max_…`.

    Args:
        settings: Windows, bound and limits.
        fields: The names of the fields of a line, by topic.
        topics: The ids of the topics, by name: a topic that is created anew has another id.
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
    """Return a checksum of a statement that its comments and its white space do not change."""
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


def _claim(note: Note, identity: Identity, option: str) -> list[str]:
    """Note what the state in a folder belongs to, after a comparison: see `_check`."""
    new = _check(note, identity, option)
    try:
        note.write(json.dumps(identity))  # there may be a feature set more
    except OSError as error:
        raise _unkept(note, error, option) from None
    return new


def _unkept(note: Note, error: OSError, option: str) -> JobUnusable:
    return JobUnusable(
        f"cannot keep state in {note.place} ({error.strerror}): choose another {option}"
    )


def _check(note: Note, identity: Identity, option: str) -> list[str]:
    """Compare an identity with a noted one, if there is one. A feature set more is let in.

    Returns:
        The names of the feature sets that the note lacks.

    Raises:
        JobUnusable: Something else differs, or the note cannot be read.
    """
    try:
        text = note.read()
    except OSError as error:
        raise _unkept(note, error, option) from None
    if text is None:
        return []
    try:
        held = json.loads(text)
    except ValueError:  # a note that cannot be read agrees with nothing: the start is refused
        held = {}
    theirs = held.get("statements", {})
    new = [part.name for part in CATALOG if f"{part.name}.sql" not in theirs]
    for kind, ours in identity.items():
        theirs = held.get(kind, {})
        changes = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
        if kind == "statements":
            changes = [name for name in changes if name.removesuffix(".sql") not in new]
        if changes:
            said = ", ".join(f"{name}: {theirs.get(name)}" for name in changes)
            said = said if kind == "settings" else ", ".join(changes)
            raise JobUnusable(_REMEDIES[kind].format(place=note.place, changes=said, option=option))
    return new


def _note_at(address: str) -> Note:
    folder = _local(address)
    return FlinkNote(address) if folder is None else LocalNote(folder)


def _noted(origin: Path) -> Path | None:
    """Return the folder with the note of a checkpoint or savepoint: itself, or the job's own."""
    folders = [origin.absolute(), *origin.absolute().parents][:4]  # STATE/checkpoints/JOB/chk-N
    return next((folder for folder in folders if (folder / NAME).is_file()), None)


def _local(address: str | None) -> Path | None:
    """Return the folder of an address in a cluster's configuration; None for other machines."""
    if not address or urlsplit(address).scheme not in ("", "file"):
        return None
    return Path(urlsplit(address).path)


def _whole(origin: Path) -> Path:
    """Return a folder that a person chose, as an absolute path, if it holds a whole state."""
    if not (origin / "_metadata").is_file():
        raise JobUnusable(
            f"there is no checkpoint or savepoint in {origin}: choose a folder with a file "
            "_metadata, such as those below checkpoints/ and savepoints/ of --state"
        )
    return origin.absolute()
