"""The published jars that Kafka and the production job need: locked, downloaded once, verified.

`jars.lock.json` names every jar by its coordinates with its size and sha256. The files are cached
outside the clone, for all clones of a person. A download lands in a temporary folder and is moved
into place, whole and verified, or not at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from platformdirs import user_cache_path

from studykit.errors import StudyError
from studykit.files import file_lock

LOCK_FILE = Path(__file__).with_name("jars.lock.json")
_DOWNLOADS_AT_ONCE = 8
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 20

Advance = Callable[[int], None]
"""A function that takes the number of bytes that have just arrived."""


class Jar(Struct, frozen=True):
    """One locked file.

    Attributes:
        coordinates: Maven's name for the file: `group:artifact:version`.
        size: Its size in bytes.
        sha256: Its checksum in hexadecimal.
    """

    coordinates: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in the cache."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"

    @property
    def stamp(self) -> int:
        """The modification time, epoch seconds, that a verified file is given.

        It is made of the checksum, so it says which content was verified, and whoever writes to
        the file changes it: one look at the file replaces reading it.
        """
        return int(self.sha256[:7], 16)


class JarGroup(Struct):
    """Jars that are used together: `roots` are the coordinates asked for, `jars` all they need."""

    roots: list[str]
    jars: list[Jar]


def read_lock(path: Path = LOCK_FILE) -> dict[str, JarGroup]:
    """Return the locked groups by name: `kafka` and `flink`."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, JarGroup])


@dataclass(frozen=True, slots=True)
class JarCache:
    """A folder of verified jars.

    `mirror` is the address of a Maven repository to use instead of the public one, for a
    classroom that has its own.
    """

    folder: Path
    mirror: str | None = None

    @classmethod
    def of_user(cls, environ: Mapping[str, str] = os.environ) -> JarCache:
        """Return the person's cache: `STUDY_CACHE`, else the system's place for caches."""
        chosen = environ.get("STUDY_CACHE")
        home = Path(chosen).expanduser().absolute() if chosen else user_cache_path("event-time-lab")
        return cls(home / "jars", environ.get("STUDY_MAVEN_MIRROR") or None)

    def path(self, jar: Jar) -> Path:
        """Return where a jar is, or will be once it has been downloaded."""
        return self.folder / jar.file_name

    def has(self, jar: Jar) -> bool:
        """Return whether a verified jar is here, judged by size and stamp: no byte is read."""
        try:
            found = self.path(jar).stat()
        except FileNotFoundError:
            return False
        return (found.st_size, int(found.st_mtime)) == (jar.size, jar.stamp)

    def missing(self, jars: Sequence[Jar]) -> list[Jar]:
        """Return the jars that have to be downloaded."""
        return [jar for jar in jars if not self.has(jar)]

    def damaged(self, jars: Sequence[Jar]) -> list[Jar]:
        """Return the jars whose content is not what the lock says; this reads every byte."""
        here = [jar for jar in jars if self.path(jar).is_file()]
        return [jar for jar in here if sha256(self.path(jar)) != jar.sha256]

    def drop(self, jar: Jar) -> None:
        """Remove a jar, so that the next `ensure` downloads it again."""
        self.path(jar).unlink(missing_ok=True)

    def ensure(self, jars: Sequence[Jar], advance: Advance = lambda _: None) -> list[Path]:
        """Download what is missing, and return the paths of all `jars`.

        Raises:
            StudyError: A jar cannot be downloaded, or is not the one that was locked.
        """
        if self.missing(jars):
            # Asked again under the lock: another process may have fetched them in the meantime.
            with file_lock(self.folder / "download.lock"), self._temporary() as workshop:
                fetch = _Fetch(self, workshop, advance)
                with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
                    list(pool.map(fetch, self.missing(jars)))
        return [self.path(jar) for jar in jars]

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Give a folder on the cache's own disk, so that moving a file out of it is atomic."""
        # Whoever made these was killed: nobody else downloads while this process has the lock.
        for left_behind in self.folder.glob("download-*/"):
            shutil.rmtree(left_behind, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="download-", dir=self.folder) as folder:
            yield Path(folder)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Downloads one jar after the other into `workshop`, and moves the good ones to the cache."""

    cache: JarCache
    workshop: Path
    advance: Advance

    def __call__(self, jar: Jar) -> None:
        path = _download(self.workshop, jar.coordinates, self.cache.mirror, self.advance)
        if sha256(path) != jar.sha256:
            raise StudyError(
                f"{jar.coordinates} arrived with another checksum than the locked one, so it was "
                "thrown away: try again, and if it happens twice, do not trust your network"
            )
        os.utime(path, (jar.stamp, jar.stamp))
        # To disk before the rename: else a power cut may leave the jar's name and stamp on a torn
        # file, which `has` would take for a verified one.
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
        path.replace(self.cache.path(jar))


def renew_lock(path: Path = LOCK_FILE, mirror: str | None = None) -> dict[str, JarGroup]:
    """Resolve the roots of every group anew, write the lock, and return it.

    Args:
        path: The lock file; its roots stay as they are.
        mirror: The address of a Maven repository to use instead of the public one.

    Raises:
        StudyError: A root cannot be resolved, or a jar cannot be downloaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        workshop = Path(folder)
        groups = {
            name: JarGroup(group.roots, _resolve(workshop, group.roots, mirror))
            for name, group in read_lock(path).items()
        }
    text = msgspec.json.format(msgspec.json.encode(groups), indent=2)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(text + b"\n")
    temporary.replace(path)
    return groups


def sha256(path: Path) -> str:
    """Return the checksum of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _resolve(workshop: Path, roots: Sequence[str], mirror: str | None) -> list[Jar]:
    """Return the jars that the roots need.

    Each root is resolved by itself. Resolved together, the versions that one root prefers would
    replace those that another was released with. Where two roots differ, the first one wins.
    """
    context = _maven(workshop, mirror)
    artifacts: dict[tuple[str, str], Any] = {}
    try:
        for root in roots:
            inputs, needed = context.resolver.resolve([context.create_dependency(root)])
            for found in inputs + needed:
                artifacts.setdefault((found.groupId, found.artifactId), found.artifact)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            jars = list(pool.map(_locked, artifacts.values()))
    except (OSError, RuntimeError) as error:  # what jgo lets through, network errors included
        raise StudyError(
            f"cannot resolve {', '.join(roots)} ({_first_line(error)}): "
            "check the versions and the connection, then try again"
        ) from None
    return sorted(jars, key=lambda jar: jar.coordinates)


def _locked(artifact: Any) -> Jar:  # noqa: ANN401
    path = artifact.resolve()
    coordinates = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
    return Jar(coordinates, path.stat().st_size, sha256(path))


def _download(workshop: Path, coordinates: str, mirror: str | None, advance: Advance) -> Path:
    group, artifact, version = coordinates.split(":")
    failure: Exception | None = None
    for attempt in range(_ATTEMPTS):
        context = _maven(workshop / f"{artifact}-{attempt}", mirror, advance)
        try:
            found = context.project(group, artifact).at_version(version).artifact().resolve()
        except (OSError, RuntimeError) as error:
            failure = error
        else:
            return Path(found)
    raise StudyError(
        f"cannot download {coordinates} ({_first_line(failure)}): check the internet connection "
        "and try again; what has arrived is kept"
    )


def _maven(folder: Path, mirror: str | None, advance: Advance = lambda _: None) -> Any:  # noqa: ANN401
    """Return a client of the Maven repository, which knows the address; it needs no Maven."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - slow, and needed once

    @contextmanager
    def progress(_name: str, _size: int) -> Iterator[Advance]:
        yield advance

    report: Callable[[str, int], AbstractContextManager[Advance]] = progress
    return MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=folder,
        local_repos=[],
        remote_repos={"mirror": mirror} if mirror else None,
        timeout=_TIMEOUT_SECONDS,
    )


def _first_line(error: Exception | None) -> str:
    return str(error).split("\n", 1)[0][:200]
