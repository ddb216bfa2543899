"""Recordings of a running Flink job: what each operator said of itself, second by second.

They are taken from Flink's own REST interface, and kept as JSON, so that a lesson can show a job
without a cluster.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from studykit.errors import StudyError

_METRICS: Final = ("busyTimeMsPerSecond", "backPressuredTimeMsPerSecond")
_TIMEOUT_S: Final = 5


class OperatorState(Struct, frozen=True):
    """What one operator said of itself at one moment.

    Attributes:
        name: Name of the operator, as Flink shows it.
        inputs: Places in the list of operators from which it reads.
        watermark_ms: Smallest watermark that its subtasks have received; None before the first.
        busy: Share of the time in which the busiest subtask worked, from 0 to 1.
        held_up: Share of the time in which its most hindered subtask waited for those after it.
        records: Number of records that it has received, or sent if it is a source.
    """

    name: str
    inputs: tuple[int, ...]
    watermark_ms: int | None
    busy: float
    held_up: float
    records: int


class Moment(Struct, frozen=True):
    """A job at one moment: milliseconds since the recording began, and its operators."""

    at_ms: int
    operators: tuple[OperatorState, ...]


class JobRecording(Struct, frozen=True):
    """A job over some time. `flink` is the version that ran it."""

    job: str
    flink: str
    moments: tuple[Moment, ...]


def load(path: Path) -> JobRecording:
    """Read a recording.

    Raises:
        StudyError: There is none, or it is no recording.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=JobRecording)
    except (OSError, msgspec.MsgspecError) as error:
        raise StudyError(f"cannot read the recording {path} ({error}): make one anew") from None


def record(
    url: str,
    moments: int,
    every_s: float = 1.0,
    wait: Callable[[float], None] = time.sleep,
) -> JobRecording:
    """Watch the first running job of a cluster.

    Args:
        url: The cluster's REST interface, such as `http://127.0.0.1:8081`.
        moments: How many times to look.
        every_s: Seconds between two looks.
        wait: What lets that time pass.

    Raises:
        StudyError: The cluster does not answer, or runs no job.
    """
    running = [job for job in _get(f"{url}/jobs")["jobs"] if job["status"] == "RUNNING"]
    if not running:
        raise StudyError(f"no job runs at {url}: start one with `make run-flink`")
    job_url = f"{url}/jobs/{running[0]['id']}"
    seen = []
    began = time.monotonic()
    for number in range(moments):
        if number:
            wait(every_s)
        at_ms = round((time.monotonic() - began) * 1_000)
        seen.append(Moment(at_ms, _operators(job_url)))
    name = _get(job_url)["name"]
    return JobRecording(name, _get(f"{url}/overview")["flink-version"], tuple(seen))


def _operators(job_url: str) -> tuple[OperatorState, ...]:
    job = _get(job_url)
    places = {vertex["id"]: number for number, vertex in enumerate(job["vertices"])}
    plan = {node["id"]: node.get("inputs", []) for node in job["plan"]["nodes"]}
    return tuple(
        _state(job_url, vertex, tuple(places[source["id"]] for source in plan[vertex["id"]]))
        for vertex in job["vertices"]
    )


def _state(job_url: str, vertex: dict[str, Any], inputs: tuple[int, ...]) -> OperatorState:
    url = f"{job_url}/vertices/{vertex['id']}"
    shares = {
        metric["id"]: float(metric.get("max") or 0) / 1_000
        for metric in _get(f"{url}/subtasks/metrics?get={','.join(_METRICS)}&agg=max")
    }
    received = [int(watermark["value"]) for watermark in _get(f"{url}/watermarks")]
    counts = vertex["metrics"]
    return OperatorState(
        vertex["name"],
        inputs,
        min(received) if received and min(received) > -(2**62) else None,
        _share(shares.get(_METRICS[0], 0.0)),
        _share(shares.get(_METRICS[1], 0.0)),
        int(counts["read-records"] if inputs else counts["write-records"]),
    )


def _share(value: float) -> float:
    """Return a share from 0 to 1; a source that does not know how busy it is says NaN."""
    return round(min(value, 1.0), 3) if value == value else 0.0  # noqa: PLR0124


def _get(url: str) -> Any:  # noqa: ANN401 - JSON
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise StudyError(f"no Flink answers at {url} ({error}): see `make doctor`") from None
