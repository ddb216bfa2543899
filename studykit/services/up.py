"""Starting and stopping all services for a person: side by side, with a line on each."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
)

from flink_jobs.config import Settings
from flink_jobs.errors import ForeseenError
from studykit.errors import StudyError
from studykit.services.addresses import Addresses
from studykit.services.flink.cluster import FlinkCluster, JobManager
from studykit.services.flink.jars import Jar, JarCache, read_lock
from studykit.services.kafka import Kafka
from studykit.services.network.ports import claim, is_taken, next_free, owner
from studykit.services.redis import Redis, redis_answers
from studykit.services.supervision.leash import slip_leash
from studykit.services.supervision.service import Say, Service
from studykit.workspace import Workspace


def up(
    workspace: Workspace,
    console: Console,
    environ: Mapping[str, str] = os.environ,
    *,
    flink: bool = False,
) -> Addresses:
    """Start what does not run, and return when Kafka and Redis answer.

    A service that runs already is used as it is; an interrupt leaves a state from which the next
    call goes on. Where another program has the usual port of a service, and nobody chose one, the
    service takes the next free port: several people may share a machine.

    Args:
        workspace: Where the services keep their files.
        console: Where to say what happens.
        environ: The settings that choose ports, or name services of the user's own.
        flink: Whether to start a Flink cluster, too.

    Raises:
        StudyError: A service cannot be started, or one that the user named does not answer.
    """
    slip_leash(os.environ)  # what a person brings up stays, even from a lesson's terminal
    if Addresses.find(workspace, environ).own_kafka:
        fetch_jars(read_lock()["kafka"].jars, console)
    if flink:
        fetch_jars(read_lock()["flink"].jars, console)
    # The claims last until the services listen, lest another user takes their ports.
    with workspace.locked(), ExitStack() as claims:
        moved = around_others(workspace, console, environ, claims, flink=flink)
        addresses = Addresses.find(workspace, moved)
        _start_all(workspace, console, addresses, flink=flink)
    return addresses


def _start_all(
    workspace: Workspace, console: Console, addresses: Addresses, *, flink: bool
) -> None:
    """Start what does not run, side by side, with a line on each."""
    wanted = [("Kafka", _have_kafka), ("Redis", _have_redis)] + [("Flink", _have_flink)] * flink
    with _progress(console) as progress:
        pool = ThreadPoolExecutor(len(wanted))
        jobs = [
            pool.submit(_show, progress, title, partial(have, workspace, addresses))
            for title, have in wanted
        ]
        try:
            _finish(jobs)
        except KeyboardInterrupt:
            progress.stop()
            console.print("Interrupted: `study up` goes on from here, `study down` stops it all")
            os._exit(130)  # the threads would wait on; any state they leave can be gone on from


def around_others(
    workspace: Workspace,
    console: Console,
    environ: Mapping[str, str],
    claims: ExitStack,
    *,
    flink: bool,
) -> dict[str, str]:
    """Return `environ` with a free port for each service whose usual port another program has.

    A port is claimed until `claims` is closed: who else starts services meanwhile takes the next.
    """
    ours: list[type[Service]] = []
    ours += [] if environ.get("KAFKA_SERVERS") else [Kafka]
    ours += [] if environ.get("REDIS_HOST") else [Redis]
    ours += [JobManager] if flink else []
    moved = {}
    for service in ours:
        name, usual = service.port_variable(), service.default_port
        if environ.get(name) or service.record(workspace):
            continue
        port = usual
        while is_taken(port) or not (claimed := claim(port)):
            port = next_free(port + 1)
        claims.enter_context(claimed)
        if port != usual:
            moved[name] = str(port)
            console.print(
                f"Port {usual} is taken by {owner(usual)}: {service.title} starts on {port}",
                highlight=False,
            )
    return {**environ, **moved}


def down(workspace: Workspace, console: Console) -> None:
    """Stop the services of this workspace, and nothing else; their data stays."""
    with workspace.locked():
        ours: list[Service | FlinkCluster]
        ours = [Kafka(workspace, 0), Redis(workspace, 0), FlinkCluster(workspace, 0)]
        with ThreadPoolExecutor(len(ours)) as pool:
            for service, stopped in zip(
                ours, pool.map(lambda service: service.stop(), ours), strict=True
            ):
                if stopped or not isinstance(service, FlinkCluster):  # which few people start
                    console.print(f"{service.title} {'stopped' if stopped else 'was not running'}")


def clean_data(workspace: Workspace, console: Console) -> None:
    """Stop the services and delete every topic, offset and key."""
    down(workspace, console)
    with workspace.locked():
        for service in (Kafka(workspace, 0), Redis(workspace, 0)):
            shutil.rmtree(service.data, ignore_errors=True)
        # Checkpoints of topics that are gone are of no use, and a job would begin from them.
        shutil.rmtree(workspace.data / "flink", ignore_errors=True)
    console.print("Topics, offsets and keys deleted; `study up` starts afresh")


def fetch_jars(jars: Sequence[Jar], console: Console) -> None:
    """Download those of `jars` that are not in the cache, with a progress bar.

    Raises:
        StudyError: A jar cannot be downloaded.
    """
    cache = JarCache.of_user()
    missing = cache.missing(jars)
    if not missing:
        return
    columns = (TextColumn("Downloading, this once"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=sum(jar.size for jar in missing))
        cache.ensure(missing, lambda size: progress.advance(task, size))


def _finish(jobs: list[Future[None]]) -> None:
    refusals = []
    for job in jobs:
        try:
            job.result()
        except ForeseenError as error:
            refusals.append(str(error))
    if refusals:
        raise StudyError("\n".join(refusals))


def _progress(console: Console) -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[words]}"),
    )
    return Progress(*columns, console=console)


def _show(progress: Progress, title: str, work: Callable[[Say], str]) -> None:
    """Do `work` in a line of its own, which shows what it says and ends with what it returns."""
    task = progress.add_task(title, total=None, words="")
    outcome = "failed"
    try:
        outcome = work(lambda words: progress.update(task, words=words))
    finally:
        progress.update(task, words=outcome, total=1, completed=1)


def _start(service: Service | FlinkCluster, say: Say) -> str:
    began = time.monotonic()
    ran_already = service.running() is not None
    service.start(say)
    if ran_already:
        return f"runs already on {service.address}"
    return f"ready after {time.monotonic() - began:.1f} s on {service.address}"


def _have_kafka(workspace: Workspace, addresses: Addresses, say: Say) -> str:
    if addresses.own_kafka:
        return _start(Kafka(workspace, addresses.kafka_port), say)
    created = _greet_kafka(addresses.kafka_servers)
    new = f", created {', '.join(created)}" if created else ""
    return f"used at {addresses.kafka_servers} (KAFKA_SERVERS){new}"


def _have_redis(workspace: Workspace, addresses: Addresses, say: Say) -> str:
    if addresses.own_redis:
        return _start(Redis(workspace, addresses.redis_port), say)
    _greet_redis(addresses.redis_host, addresses.redis_port)
    return f"used at {addresses.redis_host}:{addresses.redis_port} (REDIS_HOST)"


def _have_flink(workspace: Workspace, addresses: Addresses, say: Say) -> str:
    return _start(FlinkCluster(workspace, addresses.flink_port, addresses.metrics_port), say)


def _greet_kafka(servers: str) -> list[str]:
    from kafka.errors import KafkaError  # noqa: PLC0415 - slow to load, and rarely needed

    from studykit.services.topics import create_topics  # noqa: PLC0415

    try:
        return create_topics(servers)
    except (KafkaError, OSError, ValueError):
        raise StudyError(
            f"nothing answers at KAFKA_SERVERS={servers}: start that broker, "
            "or unset KAFKA_SERVERS and one is started here"
        ) from None


def _greet_redis(host: str, port: int) -> None:
    if (settings := Settings.load(os.environ)).redis_url:  # which may hold a login
        from flink_jobs.connectors.redis import open_answering  # noqa: PLC0415 - slow to load

        open_answering(settings).close()
        return
    if redis_answers(host, port):
        return
    raise StudyError(
        f"no Redis answers at REDIS_HOST={host}, REDIS_PORT={port}: start that server, "
        "or unset REDIS_HOST and one is started here"
    )
