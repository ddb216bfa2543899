"""The life of the production job: a run, a stop with a savepoint, and an end that nothing mends.

A start without a checkpoint reads the log from its beginning, and writes again what the topics hold
already. So a job's state folder belongs to the job as its topics do.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pyflink.common import JobClient, JobStatus
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.util.java_utils import get_field_value

from flink_jobs.job.failures import NO_ANSWER, hopeless, reason
from flink_jobs.job.state import JobUnusable, State
from flink_jobs.runtime.cluster import newest_failure
from flink_jobs.runtime.environment import configuration_of

_POLL_S: Final = 0.2
_ASK_POLLS: Final = 5
"""After how many polls the topics, and Flink's failures, are looked at: once a second."""

log = logging.getLogger("features")


def run(
    env: StreamExecutionEnvironment,
    name: str,
    state: State,
    cluster: str | None,
    look: Callable[[], None] = lambda: None,
) -> None:
    """Run a job until it ends by itself, or until SIGTERM or SIGINT stops it with a savepoint.

    Args:
        env: The environment that holds the job.
        name: The job's name.
        state: The place of the job's state. Without a folder for savepoints stopping is left to
            others, such as a Kubernetes operator, and the signals stay as they are.
        cluster: Host and port of the cluster that runs the job; None for this process.
        look: Is called once a second; a `JobUnusable` that it raises ends the job.

    Raises:
        JobUnusable: The job has failed for good, its state does not fit it, its log has lost
            records, or its cluster is gone.
    """
    stop, savepoints = threading.Event(), state.savepoints
    for number in (signal.SIGTERM, signal.SIGINT) if savepoints else ():
        signal.signal(number, lambda *_: stop.set())
    try:
        client = env.execute_async(name)
        log.info("started", extra={"context": {"flink-job-id": str(client.get_job_id())}})
        # The result is asked for now. A job in this process takes its cluster along when it ends,
        # and nobody could then be asked for its status.
        result = client.get_job_execution_result()
        polls = 0
        while not result.done():
            if stop.wait(_POLL_S) and savepoints:
                if savepoint := _stop(client, savepoints):
                    state.sign(savepoint)
                return
            polls += 1
            if polls % _ASK_POLLS == 0:
                _examine(env, client, look)
        result.result()
    except JobUnusable:
        raise
    except Exception as error:  # whatever Java says
        raise JobUnusable(reason(str(error), cluster)) from error


def _examine(env: StreamExecutionEnvironment, client: JobClient, look: Callable[[], None]) -> None:
    """Cancel a job that can do nothing right any more.

    Raises:
        JobUnusable: The topics are others, or Flink restarts the job in vain.
    """
    try:
        look()
        if sentence := _in_vain(env, client):
            raise JobUnusable(sentence)
    except JobUnusable:
        client.cancel().result()
        raise


def _in_vain(env: StreamExecutionEnvironment, client: JobClient) -> str | None:
    """Return why the job restarts, where a restart cannot help: Flink would go on for ever.

    Flink compares the types of state where state is first used, and asks for records where a task
    reads them: to Flink this is a failure like any other.
    """
    try:
        if client.get_job_status().result() == JobStatus.RUNNING:
            return None
        address = _rest_address(env, client)
    except Exception:  # whatever Java says: the job has just ended, and its cluster with it
        return None  # the job's result tells how it ended
    return hopeless(newest_failure(address, str(client.get_job_id())))


def _rest_address(env: StreamExecutionEnvironment, client: JobClient) -> str:
    """Return host and port of the REST interface of the cluster that runs the job."""
    java_client = client._j_job_client
    if java_client.getClass().getSimpleName() == "MiniClusterJobClient":  # in this process
        address = get_field_value(java_client, "miniCluster").getRestAddress().get()
        return f"{address.getHost()}:{address.getPort()}"
    options = configuration_of(env)
    return f"{options.get('rest.address', 'localhost')}:{options.get('rest.port', '8081')}"


def _stop(client: JobClient, savepoints: Path) -> Path | None:
    """Stop a job with a savepoint, or, while the job cannot make one, without; no window fires.

    Returns:
        The folder of the savepoint; None without one.

    PyFlink's own method does not work in 2.2.1: it leaves out the savepoint's format.
    """
    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    java_client = client._j_job_client
    try:
        # False: do not send the last watermark. It would fire every open window, and a stop is no
        # end of the stream.
        savepoint = java_client.stopWithSavepoint(False, savepoints.as_uri(), formats.DEFAULT).get()
        log.info("stopped", extra={"context": {"savepoint": str(savepoint)}})
        return Path(urlsplit(str(savepoint)).path)
    except Exception as error:
        if NO_ANSWER in str(error):
            raise
        # Not every task of the job runs yet; the next start goes on from a checkpoint.
        client.cancel().result()
        log.info("stopped without a savepoint")
        return None
