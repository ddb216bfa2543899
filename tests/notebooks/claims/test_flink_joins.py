"""What the lesson on joins says about Flink SQL's."""

from __future__ import annotations

import pytest

from studykit.flink.in_process import at
from tests.support.services.flink import Flink

pytestmark = pytest.mark.jvm

START_MS = 3_600_000


@pytest.mark.claim("flink-sql-interval-join", "flink-regular-join-is-no-interval-join")
def test_a_bound_on_both_sides_makes_an_interval_join_and_nothing_else_does(flink: Flink):
    ads = flink.named([at(START_MS, 1)])
    clicks = flink.named([at(START_MS + second * 1_000, second) for second in (0, 10, 11)])
    query = (
        f"SELECT a.amount, c.amount FROM {ads} AS a JOIN {clicks} AS c "
        "ON a.card = c.card AND c.rt >= a.rt"
    )
    banded = f"{query} AND c.rt <= a.rt + INTERVAL '10' SECOND"
    assert "IntervalJoin(" in flink.tables.explain_sql(banded)
    assert "IntervalJoin(" not in flink.tables.explain_sql(query)
    assert sorted(tuple(row) for row in flink.rows(banded)) == [(1, 0), (1, 10)]


@pytest.mark.claim("flink-sql-temporal-join")
def test_a_temporal_join_takes_the_version_of_the_rows_own_time(flink: Flink):
    purchases = flink.named([at(START_MS + 9_999, 1), at(START_MS + 10_000, 2)])
    rates = flink.named([at(START_MS, 110), at(START_MS + 10_000, 115)])
    flink.tables.execute_sql(
        f"CREATE TEMPORARY TABLE {rates}_history (event_ms BIGINT, card STRING, amount BIGINT, "
        "rt AS TO_TIMESTAMP_LTZ(event_ms, 3), PRIMARY KEY (card) NOT ENFORCED, "
        "WATERMARK FOR rt AS rt - INTERVAL '4.001' SECOND) "
        f"WITH ('connector'='filesystem', 'format'='csv', 'path'='{flink.folder / rates}.csv')"
    )
    rows = flink.rows(
        f"SELECT p.amount, r.amount FROM {purchases} AS p "
        f"JOIN {rates}_history FOR SYSTEM_TIME AS OF p.rt AS r ON p.card = r.card"
    )
    assert sorted(tuple(row) for row in rows) == [(1, 110), (2, 115)]
