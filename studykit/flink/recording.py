"""Recordings of a running Flink job: what each operator said of itself, second by second.

`record` asks Flink's REST interface. A recording is kept as JSON, so that a lesson can show a job
without a cluster.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from studykit.errors import StudyError
from studykit.services.network.http import get
from studykit.services.network.ports import HOST

_METRICS: Final = ("busyTimeMsPerSecond", "backPressuredTimeMsPerSecond")


class OperatorState(Struct, frozen=True):
    """What one operator said of itself at one moment.

    Attributes:
        name: Name of the operator, as Flink shows it.
        inputs: The operators that it reads from: their places in `JobMoment.operators`.
        watermark_ms: Smallest watermark that its subtasks have received, epoch milliseconds; None
            before the first.
        busy: Share of the last second in which the busiest subtask worked, from 0 to 1.
        held_up: Share of the last second in which the most hindered subtask waited for the
            operators after it (backpressure), from 0 to 1.
        records: How many records the operator has received, or has sent if it is a source.
    """

    name: str
    inputs: tuple[int, ...]
    watermark_ms: int | None
    busy: float
    held_up: float
    records: int


class JobMoment(Struct, frozen=True):
    """A job at one moment: milliseconds since the recording began, and its operators."""

    at_ms: int
    operators: tuple[OperatorState, ...]


class JobRecording(Struct, frozen=True):
    """A job over some time. `flink` is the version that ran it."""

    job: str
    flink: str
    moments: tuple[JobMoment, ...]


def load(path: Path) -> JobRecording:
    """Read a recording.

    Raises:
        StudyError: There is no such file, or the file is no recording.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=JobRecording)
    except (OSError, msgspec.MsgspecError) as error:
        raise StudyError(f"cannot read the recording {path} ({error}): make one anew") from None


def record(
    port: int,
    moments: int,
    every_s: float = 1.0,
    wait: Callable[[float], None] = time.sleep,
) -> JobRecording:
    """Watch the first running job of a cluster on this machine.

    Args:
        port: The port of the cluster's REST interface, such as 8081.
        moments: How many moments the recording has.
        every_s: Wall time between two moments, seconds.
        wait: The function that lets that time pass.

    Raises:
        StudyError: No cluster answers at the port, or it runs no job.
    """
    running = [job for job in _get(port, "jobs")["jobs"] if job["status"] == "RUNNING"]
    if not running:
        raise StudyError(f"no job runs at {HOST}:{port}: start one with `make run-flink`")
    job_path = f"jobs/{running[0]['id']}"
    seen = []
    began = time.monotonic()
    for number in range(moments):
        if number:
            wait(every_s)
        at_ms = round((time.monotonic() - began) * 1_000)
        seen.append(JobMoment(at_ms, _operators(port, job_path)))
    name, version = _get(port, job_path)["name"], _get(port, "overview")["flink-version"]
    return JobRecording(name, version, tuple(seen))


def _operators(port: int, job_path: str) -> tuple[OperatorState, ...]:
    job = _get(port, job_path)
    places = {vertex["id"]: number for number, vertex in enumerate(job["vertices"])}
    plan = {node["id"]: node.get("inputs", []) for node in job["plan"]["nodes"]}
    return tuple(
        _state(port, job_path, vertex, tuple(places[source["id"]] for source in plan[vertex["id"]]))
        for vertex in job["vertices"]
    )


def _state(
    port: int, job_path: str, vertex: dict[str, Any], inputs: tuple[int, ...]
) -> OperatorState:
    path = f"{job_path}/vertices/{vertex['id']}"
    shares = {
        metric["id"]: float(metric.get("max") or 0) / 1_000
        for metric in _get(port, f"{path}/subtasks/metrics?get={','.join(_METRICS)}&agg=max")
    }
    received = [int(watermark["value"]) for watermark in _get(port, f"{path}/watermarks")]
    counts = vertex["metrics"]
    return OperatorState(
        vertex["name"],
        inputs,
        # Before the first watermark Flink reports Long.MIN_VALUE, which is no time.
        min(received) if received and min(received) > -(2**62) else None,
        _share(shares.get(_METRICS[0], 0.0)),
        _share(shares.get(_METRICS[1], 0.0)),
        int(counts["read-records"] if inputs else counts["write-records"]),
    )


def _share(value: float) -> float:
    """Return a share from 0 to 1; a source that does not know how busy it is says NaN."""
    return 0.0 if math.isnan(value) else round(min(value, 1.0), 3)


def _get(port: int, path: str) -> Any:  # noqa: ANN401 - JSON
    try:
        reply = get(port, path)
        if reply.is_success:
            return reply.json()
        reason = f"status {reply.status_code}"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise StudyError(f"no Flink answers at {HOST}:{port}/{path} ({reason}): see `make doctor`")
