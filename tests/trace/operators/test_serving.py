"""The parts of the skew add up to the whole, and each is what an independent count says."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.config import Settings
from flink_jobs.events import TRANSACTIONS
from flink_jobs.processor.partition import Partition
from studykit.trace.operators.serving import (
    CARD_STORY,
    START_MS,
    Meter,
    Payment,
    Serving,
    Skew,
    Write,
    _record,
    meter,
    serve,
    stored,
)

MINUTE = 60_000

payments = st.lists(
    st.tuples(st.sampled_from(["c7", "c7", "others"]), st.integers(0, 900), st.integers(0, 200)),
    max_size=25,
).map(lambda rows: [Payment(card, t * 1_000, (t + lag) * 1_000) for card, t, lag in rows])

rules = st.builds(
    Settings,
    max_out_of_orderness_seconds=st.sampled_from([0, 30, 90]),
    allowed_lateness_seconds=st.sampled_from([0, 60, 200]),
)


def served(rows: list[Payment], policy: Settings, write_ms: int, ttl_ms: int) -> Serving:
    return serve(rows, "c7", policy, write_ms=write_ms, ttl_ms=ttl_ms)


@given(
    payments, rules, st.sampled_from([0, 2_000, 90_000]), st.sampled_from([1, 40_000, 400_000]),
    st.integers(0, 1_100_000),
)  # fmt: skip
def test_the_parts_add_up_to_the_whole_at_any_moment(
    rows: list[Payment], policy: Settings, write_ms: int, ttl_ms: int, at_ms: int
) -> None:
    run = served(rows, policy, write_ms, ttl_ms)
    for reading in (*run.readings, run.at(at_ms)):
        assert sum(reading.skew) == reading.recomputed - reading.served == reading.gap


@settings(max_examples=40)
@given(payments, rules)
def test_late_is_what_dead_letters_say(rows: list[Payment], policy: Settings) -> None:
    run = served(rows, policy, 0, 400_000)
    partition = Partition(TRANSACTIONS, policy)
    arrivals = sorted(rows, key=lambda payment: payment.arrives_ms)
    letters = partition.process([_record(n, it) for n, it in enumerate(arrivals)]).letters
    for reading in run.readings:
        start_ms = START_MS + reading.window_end - policy.size_ms
        missed = [
            letter.offset
            for letter in letters
            if start_ms in (letter.missed_windows or ()) and arrivals[letter.offset].card == "c7"
        ]
        assert reading.skew.late == len(missed)


def test_without_disorder_ttl_or_delay_only_the_wait_for_the_row_is_left() -> None:
    rows = [Payment("c7", second * 1_000, second * 1_000) for second in range(0, 900, 7)]
    run = serve(rows, "c7", Settings(max_out_of_orderness_seconds=0), write_ms=0)
    for reading in run.readings:
        assert (reading.skew.late, reading.skew.revision) == (0, 0)
        if reading.row and reading.row.window_end == reading.window_end:
            assert reading.gap == 0


def test_the_story_shows_each_cause_alone_or_with_another() -> None:
    run = serve(CARD_STORY, "c7")
    seen = {
        name for reading in run.readings for name, part in reading.skew._asdict().items() if part
    }
    assert seen == set(Skew._fields)
    assert run.at(283_000).skew == Skew(late=0, ttl=0, revision=1, race=0)
    assert run.at(600_000).skew == Skew(late=0, ttl=-1, revision=0, race=0)


def test_every_change_of_a_value_is_a_reading() -> None:
    run = serve(CARD_STORY, "c7")
    moments = [reading.at_ms for reading in run.readings]
    for before, after in pairwise(moments):
        assert run.at(before).row == run.at(after - 1).row
        assert run.at(before).recomputed == run.at(after - 1).recomputed


def test_a_store_keeps_the_newer_row_and_forgets_with_the_key() -> None:
    newer, older = Write(0, 0, 100, 60, 0, 5), Write(0, 10, 200, 50, 3, 2)
    assert stored([newer, older], 10) == newer
    late = Write(0, 100, 200, 50, 3, 2)
    assert stored([newer, late], 99) == newer
    assert stored([newer, late], 100) == late  # the guard's memory was the key
    assert stored([newer, late], 200) is None


def test_the_meter_counts_reads_by_cause() -> None:
    run = serve(CARD_STORY, "c7")
    assert meter([]) == Meter(0, 0, Skew(0, 0, 0, 0))
    shown = meter([run.at(180_000), run.at(200_000), run.at(300_000)])
    assert shown == Meter(3, 2, Skew(late=2, ttl=0, revision=0, race=2))
