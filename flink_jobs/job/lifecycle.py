"""The life of the production job: a run, a stop with a savepoint, and why a job has failed.

A start without a checkpoint reads the log from its beginning, and writes again what the topics hold
already. So a job's state folder belongs to the job as its topics do.
"""

from __future__ import annotations

import logging
import re
import signal
import threading
from pathlib import Path
from typing import Final

from pyflink.common import JobClient
from pyflink.java_gateway import get_gateway
from pyflink.table import StatementSet

from flink_jobs.job.state import JobUnusable

_POLL_S: Final = 0.2
_NO_ANSWER: Final = "Number of retries has been exhausted"
"""Words of Flink's error where a cluster cannot be reached."""

_UNFIT: Final = (
    "the checkpoint or savepoint does not fit this job, whose statements have changed since: go "
    "back to those, or choose another --state to start from the beginning of the log"
)
_OVERTAKEN: Final = (
    "the log has lost records before the job read them: it was created anew, or its retention is "
    "shorter than the job was away; choose another --state to start from what is left"
)
_KNOWN: Final = {
    "Failed to rollback to checkpoint/savepoint": _UNFIT,
    "StateMigrationException": _UNFIT,
    "OffsetOutOfRangeException": _OVERTAKEN,
    "NoOffsetForPartitionException": _OVERTAKEN,
}
"""Our sentence for an error of Java, by a word of the error."""

log = logging.getLogger("features")


def run(job: StatementSet, savepoints: Path | None, cluster: str | None = None) -> None:
    """Run a job until it ends by itself, or until SIGTERM or SIGINT stops it with a savepoint.

    Args:
        job: What to run.
        savepoints: The folder for the savepoint; None leaves stopping to others, such as a
            Kubernetes operator, and the signals as they are.
        cluster: Host and port of the cluster that runs the job; None for this process.

    Raises:
        JobUnusable: The job has failed for good, or its cluster is gone.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT) if savepoints else ():
        signal.signal(number, lambda *_: stop.set())
    try:
        client = job.execute().get_job_client()
        log.info("started", extra={"context": {"flink-job-id": str(client.get_job_id())}})
        # The result is asked for now. A job in this process takes its cluster along when it ends,
        # and nobody could then be asked for its status.
        result = client.get_job_execution_result()
        while not result.done():
            if stop.wait(_POLL_S) and savepoints:
                _stop(client, savepoints)
                return
        result.result()
    except Exception as error:  # whatever Java says
        raise JobUnusable(_reason(str(error), cluster)) from error


def _reason(error: str, cluster: str | None) -> str:
    """Return why a job has ended, from the text of Java's error."""
    if cluster is not None and _NO_ANSWER in error:
        return (
            f"the cluster at {cluster} no longer answers, and its jobs are gone with it: start it "
            "with `make up FLINK=1` and this job again, which goes on from its newest checkpoint"
        )
    causes = re.findall(r"Caused by: (.*)", error) or error.strip().splitlines() or ["no cause"]
    for sign, sentence in _KNOWN.items():
        if sign in error:
            return sentence
    return f"the job has failed: {causes[-1]}"


def _stop(client: JobClient, savepoints: Path) -> None:
    """Stop a job with a savepoint, or, while the job cannot make one, without; no window fires.

    PyFlink's own method does not work in 2.2.1: it leaves out the savepoint's format.
    """
    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    java_client = client._j_job_client
    try:
        # False: do not send the last watermark. It would fire every open window, and a stop is no
        # end of the stream.
        savepoint = java_client.stopWithSavepoint(False, savepoints.as_uri(), formats.DEFAULT).get()
        log.info("stopped", extra={"context": {"savepoint": str(savepoint)}})
    except Exception as error:
        if _NO_ANSWER in str(error):
            raise
        # Not every task of the job runs yet; the next start goes on from a checkpoint.
        client.cancel().result()
        log.info("stopped without a savepoint")
