"""What the lessons say about late events in Flink, and about queries that are no windows."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter
from typing import Any

import pytest
from pyflink.datastream.window import TumblingEventTimeWindows

from studykit.flink.in_process import at
from studykit.services.network.ports import free_port
from studykit.trace.stories import STORY
from tests.support.services.flink import Flink, seconds

pytestmark = pytest.mark.jvm

TEN = TumblingEventTimeWindows.of(seconds(10))
PATIENCE_S = 120


def tumble(table: str) -> str:
    return f"TUMBLE(TABLE {table}, DESCRIPTOR(rt), INTERVAL '10' SECOND)"


@pytest.mark.claim(
    "flink-refire-accumulates",
    "flink-late-side-output",
    "flink-window-hands-over-arrivals-in-order",
)
def test_the_story_fires_21_then_22_and_hands_over_the_last_event(flink: Flink):
    windowed = flink.stream(STORY).key_by(lambda event: 0).window(TEN).allowed_lateness(3_000)
    assert flink.told(windowed) == [
        "0 [0,10000) 5+9+3+4 at 9999",
        "0 [0,10000) 5+9+3+4+1 at 9999",
        "0 [10000,20000) 7+8+3+8 at 9223372036854775807",
        "late b 6000",
    ]


@pytest.mark.claim("flink-sql-windows-drop-late-without-output")
def test_a_late_row_is_in_no_window_of_sql(flink: Flink):
    table = flink.named([at(2_000, 5), at(14_000, 8), at(3_000, 4)])
    assert flink.windows(tumble(table)) == [(0, 10_000, 5), (10_000, 20_000, 8)]


@pytest.mark.claim("flink-late-records-dropped-counter")
def test_a_dropped_row_is_counted():
    port = free_port()
    options = {"rest.port": str(port), "metrics.fetcher.update-interval": "100"}
    watched = Flink(options)
    table = watched.named([at(2_000), at(14_000), at(3_000), at(24_000)])
    watched.tables.execute_sql(
        f"CREATE TEMPORARY TABLE endless WITH ('source.monitor-interval'='1 h') LIKE {table}"
    )
    watched.tables.execute_sql(
        "CREATE TEMPORARY TABLE nowhere (n BIGINT) WITH ('connector'='blackhole')"
    )
    query = f"SELECT COUNT(*) FROM TABLE({tumble('endless')}) GROUP BY window_start, window_end"
    job = watched.tables.execute_sql(f"INSERT INTO nowhere {query}").get_job_client()
    try:
        assert dropped(f"http://127.0.0.1:{port}/jobs/{job.get_job_id()}") == 1
    finally:
        job.cancel().result()


def dropped(job: str) -> int:
    """Return how many late records a job says that it has dropped, once there are any."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for vertex in asked(job)["vertices"]:
            metrics = f"{job}/vertices/{vertex['id']}/metrics"
            names = [
                metric["id"] for metric in asked(metrics) if "numLateRecordsDropped" in metric["id"]
            ]
            values = asked(f"{metrics}?get={','.join(names)}") if names else []
            if total := sum(int(metric["value"]) for metric in values):
                return total
        time.sleep(0.1)
    raise AssertionError(f"{job} has dropped nothing within {PATIENCE_S} s")


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.claim(
    "flink-window-start-only-is-no-window-aggregation", "flink-group-by-keeps-every-group"
)
def test_grouping_by_window_start_alone_sends_an_update_for_each_event(flink: Flink):
    query = f"SELECT window_start, SUM(amount) FROM TABLE({tumble(flink.named(STORY))}) GROUP BY "
    assert "WindowAggregate" in flink.tables.explain_sql(f"{query} window_start, window_end")
    plan = flink.tables.explain_sql(f"{query} window_start")
    assert "GroupAggregate" in plan
    assert "WindowAggregate" not in plan
    rows = flink.rows(f"{query} window_start")
    assert Counter(str(row.get_row_kind()) for row in rows) == {"+I": 2, "-U": 8, "+U": 8}
    assert rows[-1][1] == 5 + 9 + 3 + 4 + 1 + 2  # the event at 6 s, too late for any window, counts
