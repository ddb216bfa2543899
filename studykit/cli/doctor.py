"""`study doctor`: everything that could keep the lab from working, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from packaging.requirements import InvalidRequirement, Requirement
from rich.console import Console

from flink_jobs.config import Settings
from flink_jobs.connectors.security import store_name
from flink_jobs.errors import ForeseenError
from flink_jobs.runtime.java import SUPPORTED, find_java, java_version
from studykit.errors import StudyError
from studykit.services.addresses import Addresses
from studykit.services.flink.jars import JarCache, read_lock
from studykit.services.kafka import Kafka
from studykit.services.network.ports import is_taken, owner, refusal
from studykit.services.packages import flink_obstacle, has_flink
from studykit.services.redis import Redis, find_redis
from studykit.services.supervision.service import Service
from studykit.workspace import Workspace

Environ = Mapping[str, str]

_MEMORY_BYTES = 2_500_000_000
"""Kafka takes 0.2 GB, JupyterLab 0.3 GB, a Flink mini-cluster 1.5 GB."""
_DISK_BYTES = 2_000_000_000
_MISLEADING = {
    "FLINK_HOME": "so PyFlink may load the jars of another Flink",
    "FLINK_CONF_DIR": "so PyFlink reads the settings of another Flink",
    "FLINK_LIB_DIR": "so PyFlink may load the jars of another Flink",
    "PYTHONPATH": "so Python may load packages of another environment",
    "JAVA_TOOL_OPTIONS": "so every Java here gets options that were meant for another",
}
_PACKAGES = Path(__file__).parents[2] / "requirements.lock"


class Level(Enum):
    """How bad a finding is. Only a problem keeps a learner from starting."""

    GOOD = "[green]ok[/]     "
    NOTE = "[yellow]note[/]   "
    PROBLEM = "[red]problem[/]"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was examined (`subject`), and what was found, with a remedy unless all is well."""

    level: Level
    subject: str
    text: str


def examine(workspace: Workspace, environ: Environ = os.environ) -> Iterator[Finding]:
    """Yield the findings, one check after the other; a check that raises is a problem found.

    Args:
        workspace: The workspace whose services are examined.
        environ: The environment that a learner's commands would see.
    """
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("Python", _python),
        ("PATH", lambda: _path(environ)),
        ("packages", _packages),
        ("Flink", _flink),
        ("Java", lambda: _java(environ)),
        ("jars", lambda: _jars(JarCache.of_user(environ))),
        ("Redis program", _redis_program),
        ("memory", _memory),
        ("disk", lambda: _disk(workspace, environ)),
        ("services", lambda: _services(workspace, environ)),
        ("metrics port", lambda: _metrics_port(environ)),
        ("environment", lambda: _traps(environ)),
        ("grading", _grading),
    ]
    for subject, check in checks:
        try:
            yield from check()
        except ForeseenError as error:
            yield Finding(Level.PROBLEM, subject, str(error))


def show(findings: Iterator[Finding], console: Console) -> bool:
    """Print each finding as soon as it is there; return whether a learner can start."""
    good = True
    for found in findings:
        good &= found.level is not Level.PROBLEM
        console.print(f"{found.level.value}  [bold]{found.subject}[/]  ", end="")
        console.print(found.text, markup=False, highlight=False, soft_wrap=True)
    console.print("You can start." if good else "Mend the problems above, then ask again.")
    return good


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    if not (3, 10) <= sys.version_info[:2] <= (3, 14):
        text = f"{version}; the lab needs 3.10 to 3.14: install 3.11, then `make lab`"
        yield Finding(Level.PROBLEM, "Python", text)
    else:
        yield Finding(Level.GOOD, "Python", f"{version} at {sys.executable}")


def _flink() -> Iterator[Finding]:
    if has_flink():
        yield Finding(Level.GOOD, "Flink", "PyFlink is installed")
    elif obstacle := flink_obstacle():
        yield Finding(Level.NOTE, "Flink", obstacle)
    else:
        text = "PyFlink is installed when a command or a lesson first needs it: 370 MB to download"
        yield Finding(Level.GOOD, "Flink", text)


def _path(environ: Environ) -> Iterator[Finding]:
    found = shutil.which("python", path=environ.get("PATH"))
    if found and Path(found).parent == Path(sys.executable).parent:
        yield Finding(Level.GOOD, "PATH", "`python` is the lab's own")
        return
    text = (
        f"`python` is {found or 'not there'}, not the lab's own, which the commands of `make` "
        f"use anyway; for your own: source {Path(sys.prefix) / 'bin' / 'activate'}"
    )
    yield Finding(Level.NOTE, "PATH", text)


def _packages() -> Iterator[Finding]:
    if not _PACKAGES.is_file():
        yield Finding(Level.NOTE, "packages", "not compared: requirements.lock is not here")
        return
    differing = list(version_skew(_PACKAGES.read_text()))
    if not differing:
        yield Finding(Level.GOOD, "packages", "as locked in requirements.lock")
    for text in differing:
        yield Finding(Level.NOTE, "packages", f"{text}: delete .venv, then `make lab`")


def version_skew(lock: str) -> Iterator[str]:
    """Yield a phrase for every installed package that is not the version of the lock file."""
    for line in lock.splitlines():
        requirement = _requirement(line)
        # A new environment brings a pip of its own, and the site alone installs that of the lock.
        if requirement is None or requirement.name == "pip":
            continue
        try:
            installed = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # the lock has packages, too, that only developers install
        if not requirement.specifier.contains(installed, prereleases=True):
            yield f"{requirement.name} is {installed}, the lock says {requirement.specifier}"


def _requirement(line: str) -> Requirement | None:
    if not line[:1].isalnum():
        return None
    try:
        requirement = Requirement(line.rstrip("\\ "))
    except InvalidRequirement:
        return None
    return None if requirement.marker and not requirement.marker.evaluate() else requirement


def _java(environ: Environ) -> Iterator[Finding]:
    java = find_java(environ)
    chosen = environ.get("JAVA_HOME")
    yield Finding(Level.GOOD, "Java", f"{java.version} at {java.home}")
    if chosen and Path(chosen) != java.home:
        version = java_version(Path(chosen))
        text = (
            f"holds {f'Java {version}' if version else 'no Java'}; the lab needs "
            f"{' or '.join(map(str, SUPPORTED))} and uses its own, so there is nothing to do"
        )
        yield Finding(Level.NOTE, "JAVA_HOME", text)


def _jars(cache: JarCache) -> Iterator[Finding]:
    jars = list(dict.fromkeys(jar for group in read_lock().values() for jar in group.jars))
    for jar in cache.damaged(jars):
        cache.drop(jar)
        text = f"{jar.coordinates} was damaged and is removed: `study jars fetch` downloads it"
        yield Finding(Level.NOTE, "jars", text)
    missing = [jar for jar in jars if not cache.path(jar).is_file()]
    if missing:
        size = sum(jar.size for jar in missing) / 1e6
        text = f"{len(missing)} to download ({size:.0f} MB): `study jars fetch`, or on first use"
        yield Finding(Level.NOTE, "jars", text)
    else:
        text = f"all {len(jars)} here, checksums right, in {cache.folder}"
        yield Finding(Level.GOOD, "jars", text)


def _redis_program() -> Iterator[Finding]:
    yield Finding(Level.GOOD, "Redis program", str(find_redis()))


def _memory() -> Iterator[Finding]:
    free = psutil.virtual_memory().available
    text = f"{free / 1e9:.1f} GB free"
    if free < _MEMORY_BYTES:
        text += f", {_MEMORY_BYTES / 1e9:.1f} GB are wanted with Flink: close other programs"
    yield Finding(Level.GOOD if free >= _MEMORY_BYTES else Level.NOTE, "memory", text)


def _disk(workspace: Workspace, environ: Environ) -> Iterator[Finding]:
    for folder in (workspace.data, JarCache.of_user(environ).folder):
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(existing).free
        if free < _DISK_BYTES:
            text = f"only {free / 1e9:.1f} GB free for {folder}: make room"
            yield Finding(Level.NOTE if free > _DISK_BYTES / 10 else Level.PROBLEM, "disk", text)
            return
    yield Finding(Level.GOOD, "disk", f"{free / 1e9:.0f} GB free")


def _services(workspace: Workspace, environ: Environ) -> Iterator[Finding]:
    addresses = Addresses.find(workspace, environ)
    if addresses.own_kafka:
        yield _service(Kafka(workspace, addresses.kafka_port), environ)
    else:
        yield _external_kafka(addresses.kafka_servers)
    if addresses.own_redis:
        yield _service(Redis(workspace, addresses.redis_port), environ)
    else:
        yield _external_redis(Settings.load({**environ, **addresses.environment()}))


def _service(service: Service, environ: Environ) -> Finding:
    running = service.running()
    if running and service.answers():
        return Finding(Level.GOOD, service.title, f"answers on {service.address}")
    if running:
        text = f"runs (pid {running.pid}) and does not answer: `make down`, then `make up`"
        return Finding(Level.PROBLEM, service.title, text)
    if is_taken(service.port):
        if environ.get(service.port_variable()):
            text = refusal(service.port, service.port_variable())
            return Finding(Level.PROBLEM, service.title, text)
        text = f"not running: make up (port {service.port} is taken by {owner(service.port)}; "
        return Finding(Level.NOTE, service.title, f"{text}the next free one is taken instead)")
    return Finding(Level.GOOD, service.title, f"not running: make up (port {service.port} is free)")


def _external_kafka(servers: str) -> Finding:
    from studykit.services.topics import reachable  # noqa: PLC0415 - slow to load, and rarely needed

    if reachable(servers):
        return Finding(Level.GOOD, "Kafka", f"answers at KAFKA_SERVERS={servers}")
    text = f"nothing answers at KAFKA_SERVERS={servers}: start that broker, or unset KAFKA_SERVERS"
    return Finding(Level.PROBLEM, "Kafka", text)


def _external_redis(settings: Settings) -> Finding:
    from flink_jobs.connectors.redis import open_answering  # noqa: PLC0415 - as above

    try:
        open_answering(settings).close()
    except ForeseenError as error:
        return Finding(Level.PROBLEM, "Redis", str(error))
    return Finding(Level.GOOD, "Redis", f"answers at {store_name(settings)}")


def _metrics_port(environ: Environ) -> Iterator[Finding]:
    port = Settings.load(environ).metrics_port
    if not is_taken(port):
        yield Finding(Level.GOOD, "metrics port", f"{port} is free")
        return
    text = (
        f"{port} is taken by {owner(port)}: if that is not a feature job of yours, choose another "
        "port with METRICS_PORT="
    )
    yield Finding(Level.NOTE, "metrics port", text)


def _traps(environ: Environ) -> Iterator[Finding]:
    for name, consequence in _MISLEADING.items():
        if value := environ.get(name):
            text = f"{name}={value} is set, {consequence}: unset {name}"
            yield Finding(Level.NOTE, "environment", text)
    if os.pathsep in f"{sys.prefix}{JarCache.of_user(environ).folder}":
        text = f"a folder's name contains {os.pathsep!r}, which Java reads as two: rename it"
        yield Finding(Level.PROBLEM, "folders", text)


def _grading() -> Iterator[Finding]:
    """Yield which sandbox grading would use; its absence is no problem, a learner needs none."""
    from studykit.grading.sandbox.selftest import choose_sandbox  # noqa: PLC0415 - only this one needs it
    from studykit.grading.sandbox.staging import stage  # noqa: PLC0415

    if sys.platform != "linux":
        yield Finding(Level.NOTE, "grading", "needs Linux; nothing else does")
        return
    with TemporaryDirectory(prefix="study-") as room:
        Path(room).chmod(0o755)
        try:
            found = choose_sandbox(stage(Path(room) / "course"), "lab01_clocks", weak=False)
        except StudyError as error:
            yield Finding(Level.NOTE, "grading", f"only instructors need it: {error}")
            return
    if found.level == "L2":
        text = f"{found.text}; several at a time with bubblewrap: sudo apt-get install bubblewrap"
        yield Finding(Level.NOTE, "grading", text)
    else:
        yield Finding(Level.GOOD, "grading", found.text)
