"""What the lesson on features says about Flink SQL's OVER."""

from __future__ import annotations

import pytest

from studykit.flink.in_process import at
from tests.support.services.flink import Flink

pytestmark = pytest.mark.jvm

START_MS = 3_600_000
OVER = (
    "SELECT amount, COUNT(*) OVER (PARTITION BY card ORDER BY rt "
    "RANGE BETWEEN INTERVAL '60' SECOND PRECEDING AND CURRENT ROW) FROM {}"
)


@pytest.mark.claim("flink-over-drops-late-rows", "flink-over-range-has-its-lower-bound-inside")
def test_a_range_has_both_ends_inside_and_a_row_behind_the_watermark_is_gone(flink: Flink):
    payments = flink.named(
        [at(START_MS, 1), at(START_MS + 60_000, 2), at(START_MS + 60_001, 3), at(START_MS, 4)]
    )
    rows = sorted(tuple(row) for row in flink.rows(OVER.format(payments)))
    assert rows == [(1, 1), (2, 2), (3, 2)]
