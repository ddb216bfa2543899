"""A Flink cluster, asked over REST before a job is handed to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx

from flink_jobs.errors import ForeseenError

_ANSWER_S: Final = 5.0
_FREE_S: Final = 10.0
"""How long a cluster is given to clear away a job that was just stopped, seconds."""
_POLL_S: Final = 0.2
_ENDED: Final = ("FINISHED", "CANCELED", "FAILED")
"""The states in which a job is over, as Flink's REST interface writes them."""


class FlinkUnusable(ForeseenError):
    """Something that Flink needs is missing. The text says what, and how to get it."""


def check_connector(environ: Mapping[str, str]) -> None:
    """Make sure that the Flink in `FLINK_HOME` has a Kafka connector in its folder `lib`.

    PyFlink's packages bring none, and without one Flink says `Could not find any factory for
    identifier 'kafka'`, which names no remedy.

    Raises:
        FlinkUnusable: `FLINK_HOME` is unset, or no connector is there.
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
        cluster: Host and port of the cluster's REST interface.
        parallelism: How many slots the job needs.
        job: The job's name; two jobs of that name would write everything twice.

    Raises:
        FlinkUnusable: The cluster does not answer, runs another version of Flink, or, for longer
            than ten seconds, has too few slots or runs the job already.
    """
    deadline = time.monotonic() + _FREE_S
    while obstacle := _obstacle(cluster, parallelism, job):
        if time.monotonic() > deadline:
            raise FlinkUnusable(f"the cluster at {cluster} {obstacle}")
        time.sleep(_POLL_S)


def newest_failure(cluster: str, job_id: str) -> str:
    """Return the stack trace of a job's newest failure; an empty text where there is none.

    Args:
        cluster: Host and port of the REST interface of the cluster that runs the job.
        job_id: The job's id, as Flink writes it.
    """
    try:
        told = _ask(cluster, f"/jobs/{job_id}/exceptions?maxExceptions=1")
        entries = told["exceptionHistory"]["entries"]
        return str(entries[0]["stacktrace"]) if entries else ""
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return ""  # a cluster that is away is seen by whoever waits for the job's end


def _obstacle(cluster: str, parallelism: int, job: str) -> str | None:
    """Return why a cluster cannot take the job now; None where it can.

    Some obstacles pass: a job that was just stopped takes a moment to end.
    """
    try:
        overview, jobs = (_ask(cluster, path) for path in ("/overview", "/jobs/overview"))
        theirs, slots = overview["flink-version"], overview["slots-total"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        raise FlinkUnusable(
            f"no Flink cluster answers at {cluster}: start one with `make up FLINK=1`"
        ) from None
    if theirs != (ours := version("apache-flink")):
        raise FlinkUnusable(
            f"the cluster at {cluster} is Flink {theirs} and the package here is {ours}: their "
            "serialized forms differ, so run the same version on both sides"
        )
    if any(listed["name"] == job and listed["state"] not in _ENDED for listed in jobs["jobs"]):
        return (
            f"runs the job {job!r} already: stop that one first, with Ctrl-C where it was started, "
            "or in the cluster's web interface"
        )
    # A cluster without any slot is still waiting for its TaskManager, and so does Flink itself.
    if 0 < slots < parallelism:
        return f"has {slots} slots and the job needs {parallelism}: lower --parallelism"
    return None


def _ask(cluster: str, path: str) -> Any:  # noqa: ANN401
    # Flink's own client knows no proxy: a cluster that only a proxy reaches could not run the job.
    # Without TLS nobody's certificate is looked at; to load all authorities takes 45 ms a call.
    url = f"http://{cluster}{path}"
    reply = httpx.get(url, timeout=_ANSWER_S, trust_env=False, verify=False)
    return reply.raise_for_status().json()
