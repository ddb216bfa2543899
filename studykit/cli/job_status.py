"""What a running feature job says of itself on its metrics port: the processor's or Flink's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from flink_jobs.monitoring.page import MetricsPage
from flink_jobs.monitoring.symptoms import LATE_DROPPED
from studykit.services.network.http import get

TROUBLE: Final = "trouble with"
"""The first words of a line about a trouble, which is printed red."""

Line = tuple[str, str]
"""A subject, and what the job says of it."""


def job_lines(port: int) -> list[Line]:
    """Return what the job that serves `port` says; an empty list where no job serves it."""
    try:
        health = json.loads(_read(port, "healthz"))
        page = metrics_page(port)
        job, troubles = str(health["job"]), dict(health["troubles"])
    except (OSError, ValueError, KeyError, TypeError):  # nobody is there, or somebody else
        return []
    figures = _of_processor(page) if page.of("features_consumed_total") else _of_flink(page)
    return [("feature job", job), *_well_being(troubles), *figures]


def metrics_page(port: int) -> MetricsPage:
    """Return the metrics that a job serves on `port`.

    Raises:
        OSError: Nothing answers at the port.
        ValueError: What answers is no feature job.
    """
    return MetricsPage.read(_read(port, "metrics").decode())


def _read(port: int, name: str) -> bytes:
    return get(port, name).content  # whatever its status: the page says what is wrong


def _well_being(troubles: Mapping[str, str]) -> Iterator[Line]:
    for component, text in troubles.items():
        yield f"{TROUBLE} {component}", text
    if not troubles:
        yield "health", "well"


def _of_processor(page: MetricsPage) -> Iterator[Line]:
    for name in page.by("features_consumed_total", "feature_set"):
        consumed = page.total("features_consumed_total", feature_set=name)
        verdicts = page.by("features_records_total", "verdict", feature_set=name)
        yield f"{name} records", f"{consumed:,.0f}: {_listed(verdicts)}"
    yield "rows", _listed(page.by("features_windows_emitted_total", "feature_set"))
    behind_s = page.largest("features_watermark_lag_seconds")
    yield from _watermark(behind_s, "the newest records")


def _of_flink(page: MetricsPage) -> Iterator[Line]:
    pending = page.total("pendingRecords")
    yield "records", f"{_listed(page.by('consumed', 'topic'))}; {pending:,.0f} to come"
    yield "rows", _listed(page.by("rows", "feature_set"))
    yield "dead letters", _listed(page.by("dead_letters", "reason"))
    # Verdicts are given before the windows: a record that Flink's own windows drop is unaccounted.
    yield "dropped by windows", f"{page.total(LATE_DROPPED):,.0f}, and must be 0"
    behind_ms = page.largest("watermarkLag")
    yield from _watermark(None if behind_ms is None else behind_ms / 1_000, "the clock")
    took_ms = page.total("lastCheckpointDuration")
    took = f", the last in {took_ms:,.0f} ms" if took_ms > 0 else ""
    yield "checkpoints", f"{page.total('numberOfCompletedCheckpoints'):,.0f}{took}"
    yield "restarts", f"{page.total('numRestarts'):,.0f}"


def _watermark(behind_s: float | None, what: str) -> Iterator[Line]:
    if behind_s is not None:
        yield "watermark", f"{timedelta(seconds=round(behind_s))} behind {what}"


def _listed(counts: Mapping[str, int]) -> str:
    """Write counts in a row.

    >>> _listed({"late": 1_200, "malformed": 7})
    'late 1,200, malformed 7'
    """
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none yet"
