"""What lab 11 takes a text of SQL to mean is what the real Flink makes of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyflink.common import Types
from pyflink.datastream.window import TumblingEventTimeWindows
from pyflink.util.exceptions import TableException

from studykit.exercises.definition import Exercise
from studykit.exercises.lab11_pyflink import (
    e1_watermark_sql,
    e2_predict_counts,
    e3_sums_sql,
    e4_verdict_sql,
    e5_late_in_bundles,
    meaning,
)
from studykit.flink.in_process import at
from studykit.trace.steps import Event
from studykit.widgets.query_run import QueryRun
from tests.support.services.flink import Flink, ms, seconds, told

pytestmark = pytest.mark.jvm

KINDS = {"INSERT": "+I", "UPDATE_BEFORE": "-U", "UPDATE_AFTER": "+U"}
REFUSALS = (Py4JJavaError, TableException)


@pytest.fixture(scope="module")
def flink() -> Flink:
    return Flink()


def texts(exercise: Exercise, *others: str) -> list[str]:
    """Return the texts that an exercise knows for its first case, and others."""
    answers = [exercise.reference, *(bad.answer for bad in exercise.misconceptions)]
    return [*(str(answer(*exercise.cases[0])) for answer in answers), *others]


WATERMARKS = texts(
    e1_watermark_sql.EXERCISE,
    "rt - INTERVAL '0.001' SECOND",
    "rt - interval '1' Minute",
    "rt - INTERVAL '4' SECOND - INTERVAL '0.001' SECOND",
    "rt - INTERVAL '120.001' SECOND(3)",
    "rt - INTERVAL '120.001' SECOND",
)


@pytest.mark.parametrize("text", WATERMARKS)
def test_a_watermark_is_as_far_behind_as_the_lab_says(flink: Flink, text: str) -> None:
    supposed = meaning.delay(text)

    def behind() -> int:
        flink.table("payments", [at(700_000), at(700_001)], text)
        rows = flink.rows(f"SELECT {ms('CURRENT_WATERMARK(rt)')} FROM payments")
        return 700_000 - int(rows[1][0])

    if meaning.problem(supposed):
        with pytest.raises(REFUSALS):
            behind()
    else:
        assert behind() == supposed


QUERIES = texts(
    e3_sums_sql.EXERCISE,
    """select card, window_start, count(amount) AS n, Sum(amount) total -- in other words
    from table(hop(DATA => table payments, TIMECOL => descriptor(rt),
      SLIDE => interval '5' seconds, SIZE => interval '10' second))
    group by window_end, `card`, window_start""",
    "SELECT card, MAX(event_ms), MIN(amount) FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(rt), "
    "INTERVAL '10' SECOND)) AS w WHERE amount > 1 AND NOT card = 'b' OR amount < 0 "
    "GROUP BY card, window_start, window_end",
)


@pytest.mark.parametrize("text", QUERIES)
def test_a_query_gives_the_changes_that_the_lab_says(flink: Flink, text: str) -> None:
    supposed = meaning.rows(text)
    log = [Event(event_ms, 0, card, amount) for event_ms, card, amount in meaning.LOG]
    flink.table("payments", log, "rt - INTERVAL '4.001' SECOND")
    if meaning.problem(supposed):
        with pytest.raises(REFUSALS):
            flink.changes(text)
        return
    changes = [[KINDS[kind], *map(value_of, row)] for kind, *row in flink.changes(text)]
    assert Counter(map(str, changes)) == Counter(map(str, supposed))


def value_of(text: str) -> Any:
    """Return a column's text as a number, a time of the log's minute as its milliseconds."""
    if text.startswith("19"):
        day, _, clock = text.partition(" ")
        seconds_of_day = sum(
            int(part) * unit for part, unit in zip(clock[:8].split(":"), (3600, 60, 1), strict=True)
        )
        return (seconds_of_day - (86_400 if day == "1969-12-31" else 0)) * 1_000
    return int(text) if text.lstrip("-").isdigit() else text


EXPRESSIONS = texts(
    e4_verdict_sql.EXERCISE,
    "CASE WHEN NOT (event_ms % 7 > 3 OR seen / 1000 <> 15) AND seen IS NOT NULL THEN 'late' END",
    "CASE WHEN GREATEST(event_ms, 9000) - -1 >= ABS(LEAST(seen, 12000)) THEN 'late' "
    "WHEN COALESCE(event_ms, 1) = 0 THEN 'on time' ELSE 'late' END",
    "IF(CAST(FLOOR(event_ms / 5000) AS BIGINT) * 5000 + 4999 <= seen - 4001, 'late', 'on time')",
    "CASE WHEN MOD(0 - event_ms, 7) < -3 THEN 'late' ELSE 'on time' END",
)


def test_expressions_have_the_values_that_the_lab_says(flink: Flink) -> None:
    pairs = ", ".join(f"(CAST({e} AS BIGINT), CAST({seen} AS BIGINT))" for e, seen in meaning.EDGES)
    columns = ", ".join(EXPRESSIONS)
    found = flink.rows(
        f"SELECT {columns}, event_ms, seen FROM (VALUES {pairs}) AS t(event_ms, seen)"
    )
    by_edge = {tuple(row)[-2:]: tuple(row)[:-2] for row in found}
    supposed = [meaning.verdicts(text) for text in EXPRESSIONS]
    assert by_edge == dict(zip(meaning.EDGES, zip(*supposed, strict=True), strict=True))


def late_places(times_ms: list[int], bound_ms: int, size_ms: int, bundle: int) -> list[int]:
    options = {"python.fn-execution.bundle.size": f"{bundle}"}
    options["python.fn-execution.bundle.time"] = "600000"
    flink = Flink(options)
    log = [Event(time_ms, 0, f"{place}", 1) for place, time_ms in enumerate(times_ms)]
    stream = flink.stream(log, bound_ms)
    windows = TumblingEventTimeWindows.of(seconds(size_ms // 1_000))
    lines = flink.run(*told(stream.key_by(lambda event: event[1], Types.STRING()).window(windows)))
    return sorted(int(line.split()[1]) for line in lines if line.startswith("late"))


@pytest.mark.parametrize("place", [2, 3, 7])
def test_a_bundle_holds_the_watermark_as_the_lab_says(place: int) -> None:
    args = e5_late_in_bundles.EXERCISE.public_cases()[place]
    assert late_places(*args) == e5_late_in_bundles.reference(*args)


def test_the_four_forms_count_what_is_to_be_predicted(flink: Flink) -> None:
    log = [at(event_ms) for event_ms in e2_predict_counts.TIMES_MS]
    name = flink.named(log)
    ten = f"TUMBLE(TABLE {name}, DESCRIPTOR(rt), INTERVAL '10' SECOND)"
    by_sql = sum(total for _, _, total in flink.windows(ten))
    windows = TumblingEventTimeWindows.of(seconds(10))

    def counted(form: Flink) -> int:
        windowed = form.keyed(log).window(windows)
        late = sum(line.startswith("late") for line in form.told(windowed.allowed_lateness(3_000)))
        return len(log) - late

    bundled = Flink({"python.fn-execution.bundle.size": "1000"})
    changes = flink.changes(f"SELECT card, SUM(amount) FROM {name} GROUP BY card")
    numbers = [by_sql, counted(flink), counted(bundled), len(changes)]
    assert numbers == e2_predict_counts.reference()


def test_the_button_runs_a_query_when_it_is_pressed(flink: Flink) -> None:
    starts: list[Flink] = []

    def start() -> Flink:
        starts.append(flink)
        return flink

    run = QueryRun(e3_sums_sql.reference, start, size_s=10, slide_s=5)
    assert starts == []
    run.button.click()
    run.button.click()
    assert starts == [flink]
    assert "No row is ever taken back" in run.said.value
    assert "<td>INSERT</td>" in run.rows.value
    found = QueryRun(e3_sums_sql.start_only, start, size_s=10, slide_s=5)
    found.button.click()
    assert "UPDATE_BEFORE" in found.rows.value
    refused = QueryRun(e3_sums_sql.size_first, start, size_s=10, slide_s=5)
    refused.button.click()
    assert "integral multiple of slide" in refused.said.value
    assert not refused.button.disabled
