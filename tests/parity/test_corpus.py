"""A hundred thousand records, most of them mutated: both executions judge them the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import EVENT_TYPES
from tests.support.inputs.records import mutated
from tests.support.worlds.executions import Executions

CORPUS = 100_000


def corpus() -> Iterator[LogRecord]:
    """Yield as many records of each topic, as they are or mutated up to twice."""
    for topic in EVENT_TYPES:
        draw = random.Random(f"corpus/{topic}")
        for batch in mutated(topic, CORPUS // len(EVENT_TYPES), draw):
            yield from batch


@pytest.mark.jvm
@pytest.mark.slow
def test_a_hundred_thousand_mutated_records_get_the_same_verdicts(tmp_path):
    executions = Executions.of(corpus(), Settings(), tmp_path, parallelism=1)
    executions.assert_equal()
    reasons = Counter(msgspec.json.decode(line)["reason"] for line in executions.job.letters)
    assert min(reasons[reason] for reason in ("malformed", "future_timestamp", "late")) > 1_000, (
        reasons
    )
    assert reasons["partial_late"] > 100, reasons
