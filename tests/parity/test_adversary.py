"""A thousand logs on boundaries through the production job: every row and every letter."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import pytest

from flink_jobs import feature_job
from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.events import TRANSACTIONS
from studykit.adversary.logs import draw
from studykit.adversary.truth import Tally, difference, expected
from studykit.trace.steps import Policy
from tests.support.inputs.logs import T, payment
from tests.support.worlds.executions import ResultFiles

pytestmark = pytest.mark.jvm

POLICY: Final = Policy(size_ms=300_000, slide_ms=60_000, bound_ms=30_000)
"""The production job's own windows and bound."""

SPAN_MS: Final = 30 * 60_000
"""From the start of a log to the next: a whole number of windows, and longer than any log."""


def test_production_job_is_right_on_a_thousand_logs(tmp_path: Path) -> None:
    rng = Random(7)
    logs = [draw(rng, POLICY, restarts=False) for _ in range(1_000)]
    records, log_of = [], []
    for number, log in enumerate(logs):
        for event in log.events:
            event_ms = event.event_ms + number * SPAN_MS
            card = f"{number}:{event.key}"
            value = msgspec.json.encode(payment(event_ms, card, amount_cents=event.value))
            records.append(
                LogRecord(TRANSACTIONS, 0, len(records), T + event_ms, card.encode(), value)
            )
            log_of.append(number)
    write_log(tmp_path / "log.jsonl", records)
    feature_job.replay_file(tmp_path / "log.jsonl", tmp_path / "out", Settings(), 1)
    for log, said in zip(logs, results(ResultFiles.read(tmp_path / "out"), log_of), strict=True):
        assert difference(log, said, expected(log, POLICY)) is None, str(log)


def results(written: ResultFiles, log_of: list[int]) -> list[Tally]:
    """Return what was written, log by log; letters say which events are in no window."""
    sums: list[dict[tuple[str, int, int], int]] = [{} for _ in range(log_of[-1] + 1)]
    missed: dict[int, list[int]] = defaultdict(list)
    for row in map(json.loads, written.rows):
        log, _, key = row["key"].partition(":")
        start_ms = row["window_start"] - T - int(log) * SPAN_MS
        sums[int(log)][key, start_ms, start_ms + POLICY.size_ms] = row["features"][
            "amount_sum_cents"
        ]
    for letter in map(json.loads, written.letters):
        if letter["reason"] == "late":
            log = log_of[letter["offset"]]
            missed[log].append(letter["offset"] - log_of.index(log) + 1)
    return [Tally(found, tuple(sorted(missed[log]))) for log, found in enumerate(sums)]
