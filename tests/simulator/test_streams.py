"""Payments and visits: deterministic, in order, at the rate asked for, and plausible."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice, pairwise
from math import asin, cos, radians, sqrt
from statistics import fmean

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.events import Click, EventDecoder, Transaction
from flink_jobs.simulator.arrivals import deliver
from flink_jobs.simulator.cards import CardHabits, payments
from flink_jobs.simulator.visits import LONGEST_DWELL_MS, VisitHabits, visits

START_MS = 1_760_000_400_000
SEEDS = st.integers(0, 2**32 - 1)
MINUTE_MS = 60_000


def cards(count: int, **options) -> list[Transaction]:
    return list(islice(payments(**{"seed": 1, "start_ms": START_MS, "rate": 5.0} | options), count))


def clicks(count: int, **options) -> list[Click]:
    return list(islice(visits(**{"seed": 1, "start_ms": START_MS, "rate": 5.0} | options), count))


def distance_km(left: Transaction, right: Transaction) -> float:
    lat, other_lat = radians(left.lat), radians(right.lat)
    east = radians(right.lon - left.lon)
    half = sin_squared(other_lat - lat) + cos(lat) * cos(other_lat) * sin_squared(east)
    return 2 * 6371.0088 * asin(sqrt(half))


def sin_squared(angle: float) -> float:
    return (1 - cos(angle)) / 2


def is_abroad(event: Transaction) -> bool:
    """Outside the square of the handbook's customers and terminals: only thieves pay there."""
    return not 47 < event.lat < 52


def by_card(events: list[Transaction]) -> dict[str, list[Transaction]]:
    of_card = defaultdict(list)
    for event in events:
        of_card[event.card_id].append(event)
    return of_card


@pytest.mark.parametrize("stream", [cards, clicks])
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_same_seed_same_bytes_in_order(stream, seed):
    events = stream(500, seed=seed)
    assert msgspec.json.encode(events) == msgspec.json.encode(stream(500, seed=seed))
    assert all(earlier.event_time <= later.event_time for earlier, later in pairwise(events))
    assert events[0].event_time >= START_MS


@pytest.mark.parametrize("stream", [cards, clicks])
def test_another_seed_another_stream(stream):
    assert stream(100, seed=1) != stream(100, seed=2)


@pytest.mark.parametrize("stream", [cards, clicks])
def test_every_event_decodes_and_ids_are_unique(stream):
    events = stream(20_000)
    for event, arrival in zip(events, deliver(events), strict=True):
        assert EventDecoder(arrival.topic).decode(arrival.key, arrival.value) == event
    assert len({event.event_id for event in events}) == len(events)


@pytest.mark.parametrize("stream", [cards, clicks])
@pytest.mark.parametrize("rate", [0.5, 20.0])
def test_rate_is_the_one_asked_for(stream, rate):
    events = stream(30_000, rate=rate)
    seconds = (events[-1].event_time - START_MS) / 1_000
    assert 30_000 / seconds == pytest.approx(rate, rel=0.1)


def test_visits_have_their_rate_from_the_first_minute():
    events = clicks(30_000, rate=400.0)
    first_minute = sum(event.event_time < START_MS + MINUTE_MS for event in events)
    assert first_minute == pytest.approx(400 * 60, rel=0.1)


def test_honest_cards_never_travel_100_km():
    for events in by_card(cards(20_000, habits=CardHabits(stolen_cards=0))).values():
        assert max(distance_km(events[0], event) for event in events) < 100


def test_thieves_use_a_card_on_two_continents_within_a_minute():
    thefts = by_card([event for event in cards(20_000) if is_abroad(event)])
    assert len(thefts) == CardHabits().stolen_cards
    for events in thefts.values():
        soon = [(a, b) for a, b in pairwise(events) if b.event_time - a.event_time < MINUTE_MS]
        assert fmean(distance_km(a, b) > 1_000 for a, b in soon) > 0.9


def test_thieves_spend_five_times_what_the_owner_spends():
    events = cards(50_000, habits=CardHabits(cards=1, stolen_cards=1, stolen_share=0.5))
    stolen = [event.amount_cents for event in events if is_abroad(event)]
    own = [event.amount_cents for event in events if not is_abroad(event)]
    assert fmean(stolen) / fmean(own) == pytest.approx(5, rel=0.05)


def test_stolen_share_is_the_one_asked_for():
    events = cards(30_000, habits=CardHabits(stolen_share=0.1))
    assert sum(map(is_abroad, events)) / len(events) == pytest.approx(0.1, abs=0.02)


def test_hot_card_has_its_share_and_leaves_the_rest_to_all_others():
    events = cards(50_000, habits=CardHabits(cards=500, hot_share=0.5, stolen_cards=0))
    count = Counter(event.card_id for event in events)
    assert count["card_00000"] / len(events) == pytest.approx(0.5, abs=0.02)
    assert len(count) > 480


def test_hot_user_has_its_share():
    events = clicks(20_000, habits=VisitHabits(hot_share=0.3))
    assert Counter(e.user_id for e in events)["user_00000"] / 20_000 == pytest.approx(0.3, abs=0.05)


def test_one_card_is_enough():
    assert {event.card_id for event in cards(500, habits=CardHabits(cards=1))} == {"card_00000"}


@pytest.mark.parametrize("rate", [2.0, 100.0])
def test_a_visit_is_a_session(rate):
    """Within a visit no step is as long as the gap, and between two of a user every rest is."""
    of_user = defaultdict(list)
    for event in clicks(60_000, rate=rate):
        of_user[event.user_id].append(event.event_time)
    pauses = [b - a for times in of_user.values() for a, b in pairwise(times)]
    within = [pause for pause in pauses if pause <= 30 * MINUTE_MS]
    assert max(within) <= LONGEST_DWELL_MS
    if rate == 2.0:
        assert len(pauses) - len(within) > 1_000, "users come back"


def test_users_stay_as_many_as_asked_for_while_the_rate_allows_it():
    assert (
        len({event.user_id for event in clicks(60_000, habits=VisitHabits(users=1_500))}) <= 1_500
    )


def test_only_what_a_page_showed_is_clicked():
    shown: dict[str, set[str]] = {}
    clicked = 0
    for event in clicks(30_000, rate=20.0):
        if event.event_type == "page_view":
            shown.setdefault(event.user_id, set())
        elif event.user_id in shown:  # else the user's visit was under way at the start
            if event.event_type == "impression":
                shown[event.user_id].add(event.item_id)
            elif event.event_type == "click":
                clicked += 1
                assert event.item_id in shown[event.user_id]
    assert clicked > 1_000


def test_all_kinds_of_steps_occur_and_each_funnel_stage_is_smaller():
    count = Counter(event.event_type for event in clicks(30_000))
    funnel = ["impression", "page_view", "click", "add_to_cart", "purchase"]
    assert [kind for kind, _ in count.most_common()] == funnel
