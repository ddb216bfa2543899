"""Three readers of a sink: what each has got, whatever kills the job, and wherever."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studykit.trace.operators.sinks import RunningTotal, adding, guarded, overwriting, sunk

AMOUNTS = [5, 9, 3, 4, 7, 8]
ORDER_AGAIN = [5, 9, 4, 3, 7, 8]

amounts = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def totals(results: tuple[RunningTotal, ...]) -> list[int]:
    return [result.total for result in results]


def test_without_trouble_all_readers_end_alike():
    last = sunk(AMOUNTS).steps[-1]
    assert totals(last.uncommitted) == totals(last.committed) == [5, 14, 17, 21, 28, 36]
    assert last.held == RunningTotal(6, 36)


def test_before_the_checkpoint_a_kill_takes_back_what_was_not_committed():
    run = sunk(AMOUNTS, ORDER_AGAIN, killed_after=4)
    last = run.steps[-1]
    assert totals(last.uncommitted) == [5, 14, 17, 21, 18, 21, 28, 36]
    assert totals(last.committed) == [5, 14, 18, 21, 28, 36]
    assert [record.result.total for record in last.log if record.fate == "aborted"] == [17, 21]
    assert run.lost == []


def test_after_the_checkpoint_the_restart_commits_what_was_prepared():
    run = sunk(AMOUNTS, killed_after=4, before="commit", away_s=10, timeout_s=10)
    assert totals(run.steps[-1].uncommitted) == [5, 14, 17, 21, 28, 36]
    assert run.lost == []


def test_a_prepared_transaction_that_has_timed_out_is_lost():
    run = sunk(AMOUNTS, killed_after=4, before="commit", away_s=11, timeout_s=10)
    assert totals(run.steps[-1].committed) == [5, 14, 28, 36]
    assert run.lost == [3, 4]


@pytest.mark.parametrize(
    ("store", "held"),
    [
        (guarded, [5, 14, 17, 21, 21, 21, 28, 36]),
        (overwriting, [5, 14, 17, 21, 18, 21, 28, 36]),
        (adding, [5, 14, 17, 21, 25, 28, 35, 43]),
    ],
)
def test_a_store_holds_what_its_rule_makes_of_both_lives(store, held):
    run = sunk(AMOUNTS, ORDER_AGAIN, killed_after=4, store=store)
    assert [step.held.total for step in run.steps if step.held and step.kind == "write"] == held


@given(amounts, st.integers(1, 4), st.integers(0, 8), st.sampled_from(["checkpoint", "commit"]))
def test_careful_readers_get_every_revision_once_and_in_order(values, every, killed, before):
    run = sunk(values, every=every, killed_after=killed, before=before)
    last = run.steps[-1]
    assert totals(last.committed) == list(accumulate(values))
    assert set(last.committed) <= set(last.uncommitted)
    assert last.held == RunningTotal(len(values), sum(values))


@given(amounts, st.integers(1, 4), st.integers(0, 8))
def test_no_reader_is_given_less_later_on(values, every, killed):
    steps = sunk(values, every=every, killed_after=killed).steps
    for before, after in pairwise(steps):
        assert after.uncommitted[: len(before.uncommitted)] == before.uncommitted
        assert after.committed[: len(before.committed)] == before.committed
        assert before.held is None or before.held.revision <= after.held.revision
