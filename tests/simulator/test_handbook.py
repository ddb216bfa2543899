"""The handbook's data set: the published numbers come out exactly, from a full run."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from flink_jobs.simulator.cards import handbook_transactions
from flink_jobs.simulator.geography import TOWNS
from flink_jobs.simulator.handbook import (
    CUSTOMERS,
    TERMINALS,
    LabelledPayments,
    Payments,
    customers,
    drawn_on,
    payments,
    plant_frauds,
    reachable,
    terminals,
)

FIRST_DAY = datetime(2018, 4, 1, tzinfo=timezone.utc)


pytestmark = pytest.mark.slow  # half a year of payments, labelled


@pytest.fixture(scope="module")
def labelled() -> LabelledPayments:
    people = customers()
    return plant_frauds(payments(people, reachable(people, terminals())))


@pytest.fixture(scope="module")
def honest() -> Payments:
    """The first ten customers, before any fraud: enough for what needs no published number."""
    people = customers(10)
    return payments(people, reachable(people, terminals()))


def row(labelled: LabelledPayments, number: int) -> tuple[str, int, int, int]:
    rows = labelled.payments
    time = FIRST_DAY + timedelta(seconds=int(rows.seconds[number]))
    columns = (rows.customer, rows.terminal, rows.cents)
    customer, terminal, cents = (int(column[number]) for column in columns)
    return time.strftime("%Y-%m-%d %H:%M:%S"), customer, terminal, cents


def test_customer_0():
    people = customers()
    x, y, mean, rate = (round(column[0], 6) for column in people)
    assert (x, y, mean, rate) == (54.881350, 71.518937, 62.262521, 2.179533)


def test_victims_of_day_0():
    assert drawn_on(0, TERMINALS, 2) == [9394, 898]
    assert drawn_on(0, CUSTOMERS, 3) == [398, 3833, 4836]


def test_transactions_and_customers(labelled):
    assert len(labelled.payments.seconds) == 1_754_155
    assert len(np.unique(labelled.payments.customer)) == 4_990


def test_first_row(labelled):
    assert row(labelled, 0) == ("2018-04-01 00:00:31", 596, 3156, 57_16)


def test_last_row(labelled):
    assert row(labelled, -1) == ("2018-09-30 23:59:57", 3542, 9849, 23_59)


def test_first_fraud(labelled):
    first = int(np.flatnonzero(labelled.scenario)[0])
    assert first == 3527
    assert row(labelled, first) == ("2018-04-01 10:17:43", 3774, 3059, 225_41)


def test_frauds_added_by_scenario(labelled):
    assert labelled.added == (978, 9_099, 4_604)
    assert sum(labelled.added) == np.count_nonzero(labelled.scenario) == 14_681
    assert 14_681 / len(labelled.scenario) == 0.008369271814634397


def test_final_labels(labelled):
    assert np.bincount(labelled.scenario)[1:].tolist() == [973, 9_077, 4_631]


def test_sum_of_final_amounts(labelled):
    assert int(labelled.payments.cents.sum()) == 9_407_937_008


def test_terminals_are_nearer_than_the_radius():
    people, places = customers(50), terminals(3_000)
    for customer, near in enumerate(reachable(people, places, radius=7.0)):
        distance = np.hypot(
            places.x - people.x[customer], places.y - people.y[customer]
        )  # all of them, one customer at a time: no shortcut by sorting
        assert near.tolist() == np.flatnonzero(distance < 7.0).tolist()


def test_more_customers_do_not_change_the_first():
    assert customers(3).rate.tolist() == customers(7).rate[:3].tolist()


def test_planting_frauds_leaves_the_honest_payments_alone(honest):
    before = honest.cents.copy()
    plant_frauds(honest, people=10)
    assert (honest.cents == before).all()


def test_rows_become_events_of_their_day_and_place(honest):
    events = list(handbook_transactions(honest))
    assert len(events) == len(honest.seconds)
    first = events[0]
    assert first.event_time == FIRST_DAY.timestamp() * 1_000 + honest.seconds[0] * 1_000
    assert first.card_id == f"card_{honest.customer[0]:05d}"
    assert first.amount_cents == honest.cents[0]
    assert {event.country for event in events} <= {town.country for town in TOWNS}
