"""Disorder: each part alone keeps its promise, and all together stay deterministic."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from hashlib import sha256
from itertools import islice, pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_jobs.config import Settings
from flink_jobs.events import (
    CLICKSTREAM,
    EVENT_TYPES,
    TRANSACTIONS,
    Click,
    EventDecoder,
    Malformed,
    Transaction,
)
from flink_jobs.simulator.arrivals import Arrival, deliver
from flink_jobs.simulator.cards import payments
from flink_jobs.simulator.defects import FUTURE, MALFORMED, WRONG_UNITS
from flink_jobs.simulator.disorder import (
    Disorder,
    corrupt,
    delay,
    duplicate,
    fall_silent,
    go_offline,
    log_normal,
)
from flink_jobs.simulator.partitions import partition_of
from flink_jobs.simulator.traffic import traffic
from flink_jobs.simulator.visits import visits

START_MS = 1_760_000_400_000
SEEDS = st.integers(0, 2**32 - 1)
NO_DISORDER = Disorder(
    median_delay_ms=0,
    longest_delay_ms=0,
    offline_share=0,
    malformed_share=0,
    wrong_unit_share=0,
    future_share=0,
)


@cache
def sent(count: int = 2_000, topic: str = TRANSACTIONS) -> list[Arrival]:
    """Messages without disorder, ten a second."""
    stream = payments if topic == TRANSACTIONS else visits
    return list(islice(deliver(stream(seed=1, start_ms=START_MS, rate=10.0)), count))


def event_of(arrival: Arrival) -> Transaction | Click:
    return EventDecoder(arrival.topic).decode(arrival.key, arrival.value)


def is_in_order(arrivals: list[Arrival]) -> bool:
    return all(earlier.at <= later.at for earlier, later in pairwise(arrivals))


def payloads(arrivals: list[Arrival]) -> Counter[bytes | None]:
    return Counter(arrival.value for arrival in arrivals)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, bound=st.integers(0, 20_000), spread=st.floats(0, 3))
def test_delays_within_the_bound_never_put_an_event_further_behind_than_the_bound(
    seed, bound, spread
):
    before = sent(500)
    after = list(delay(before, seed=seed, by=log_normal(1_000, spread, bound)))
    assert is_in_order(after)
    assert payloads(after) == payloads(before)
    largest = 0
    for arrival in after:
        event = event_of(arrival)
        assert 0 <= arrival.at - event.event_time <= bound
        largest = max(largest, event.event_time)
        assert largest - event.event_time <= bound


def test_a_delay_of_exactly_the_bound_occurs():
    delays = log_normal(1_000, 2.0, 5_000)
    assert max(a.at - event_of(a).event_time for a in delay(sent(), seed=1, by=delays)) == 5_000


def test_messages_of_one_millisecond_keep_the_order_of_sending():
    together = [Arrival(5, TRANSACTIONS, b"k", str(n).encode()) for n in range(50)]
    assert list(delay(together, seed=1, by=lambda _: 3)) == [a.delayed_until(8) for a in together]


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, share=st.floats(0, 1))
def test_offline_devices_come_back_within_the_limits_and_bring_everything(seed, share):
    before = sent(1_000)
    after = list(go_offline(before, seed=seed, share=share, shortest_ms=60_000, longest_ms=300_000))
    assert is_in_order(after)
    assert payloads(after) == payloads(before)
    assert all(0 <= a.at - event_of(a).event_time <= 300_000 for a in after)


def test_an_offline_device_sends_nothing_until_it_is_back_and_then_all_in_order():
    after = list(go_offline(sent(), seed=1, share=0.05, shortest_ms=60_000, longest_ms=60_000))
    of_key = defaultdict(list)
    for arrival in after:
        of_key[arrival.key].append((arrival.at, event_of(arrival).event_time))
    late = 0
    for times in of_key.values():
        assert [event for _, event in times] == sorted(event for _, event in times)
        late += sum(at > event for at, event in times)
    assert late > 100


def test_offline_at_share_0_changes_nothing():
    after = go_offline(sent(), seed=1, share=0, shortest_ms=1, longest_ms=2)
    assert list(after) == sent()


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_duplicates_are_the_same_bytes_later_in_the_log(seed):
    before = sent()
    after = list(duplicate(before, seed=seed, share=0.3, longest_ms=5_000))
    assert is_in_order(after)
    times = defaultdict(list)
    for arrival in after:
        times[event_of(arrival).event_id].append(arrival.at)
    assert len(times) == len(before)
    assert max(map(len, times.values())) == 2
    assert all(at[-1] - at[0] <= 5_000 for at in times.values())
    assert len(after) - len(before) == pytest.approx(0.3 * len(before), rel=0.2)


def test_no_duplicates_unless_asked_for():
    values = [a.value for a in islice(traffic(seed=1, start_ms=START_MS, rate=10), 5_000)]
    good = [value for value in values if value and b"event_id" in value]
    assert len(set(good)) == len(good)


@pytest.mark.parametrize("topic", [TRANSACTIONS, CLICKSTREAM])
@pytest.mark.parametrize("name", MALFORMED | WRONG_UNITS)
def test_every_defect_makes_a_record_malformed(topic, name):
    defects = {name: (MALFORMED | WRONG_UNITS)[name]}
    for arrival in corrupt(sent(300, topic=topic), seed=2, share=1, defects=defects):
        assert arrival.defect == name
        with pytest.raises(Malformed):
            event_of(arrival)


@pytest.mark.parametrize("topic", [TRANSACTIONS, CLICKSTREAM])
def test_future_events_decode_and_are_ahead_of_the_simulated_and_of_the_real_clock(topic):
    for arrival in corrupt(sent(300, topic=topic), seed=2, share=1, defects=FUTURE):
        year_2050 = 2_524_608_000_000
        assert event_of(arrival).event_time > year_2050 > arrival.at + Settings().max_future_ms


def test_corrupt_leaves_the_share_that_it_is_asked_to_leave():
    before = sent()
    after = list(corrupt(before, seed=1, share=0.25, defects=MALFORMED))
    assert [a.at for a in after] == [a.at for a in before]
    assert [a.key for a in after] == [a.key for a in before]
    bad = sum(a.defect is not None for a in after)
    assert bad / len(after) == pytest.approx(0.25, abs=0.03)
    untouched = [(a, b) for a, b in zip(after, before, strict=True) if a.defect is None]
    assert all(a == b for a, b in untouched)


def test_a_defect_is_never_given_a_second_one():
    once = list(corrupt(sent(), seed=1, share=0.5, defects=MALFORMED))
    twice = list(corrupt(once, seed=2, share=1, defects=WRONG_UNITS))
    assert [b for a, b in zip(once, twice, strict=True) if a.defect] == [
        a for a in once if a.defect
    ]


def test_all_defects_of_the_corpus_occur():
    after = corrupt(sent(5_000), seed=1, share=0.5, defects=MALFORMED)
    assert {a.defect for a in after} == {None, *MALFORMED}


@pytest.mark.parametrize("held_back", [False, True])
def test_an_idle_partition_gets_nothing_from_start_up_to_end(held_back):
    start, end = START_MS + 30_000, START_MS + 90_000
    before = sent(2_000)
    after = list(
        fall_silent(
            before,
            topic=TRANSACTIONS,
            partition=2,
            partitions=4,
            start_ms=start,
            end_ms=end,
            held_back=held_back,
        )
    )
    idle = [a for a in before if partition_of(a.key, 4) == 2 and start <= a.at < end]
    assert idle
    assert not [a for a in after if partition_of(a.key, 4) == 2 and start <= a.at < end]
    assert is_in_order(after)
    assert payloads(before) - payloads(after) == (Counter() if held_back else payloads(idle))
    held = [a for a in after if a.at == end and event_of(a).event_time < end]
    assert [a.value for a in held] == [a.value for a in idle if held_back]


@pytest.mark.parametrize(("at", "silent"), [(99, False), (100, True), (199, True), (200, False)])
def test_silence_lasts_from_its_start_up_to_its_end_exclusive(at, silent):
    message = Arrival(at, TRANSACTIONS, b"k", b"v")
    after = fall_silent(
        [message], topic=TRANSACTIONS, partition=0, partitions=1, start_ms=100, end_ms=200
    )
    assert list(after) == ([] if silent else [message])


def test_silence_of_one_topic_leaves_the_other_alone():
    before = sent(500, topic=CLICKSTREAM)
    after = fall_silent(
        before, topic=TRANSACTIONS, partition=0, partitions=1, start_ms=0, end_ms=2**60
    )
    assert list(after) == before


def test_without_disorder_messages_arrive_at_once_and_all_decode():
    stream = traffic(seed=1, start_ms=START_MS, rate=10, disorder=NO_DISORDER)
    arrivals = list(islice(stream, 5_000))
    assert is_in_order(arrivals)
    assert all(a.at == event_of(a).event_time for a in arrivals)
    assert {a.topic for a in arrivals} == set(EVENT_TYPES)


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_traffic_of_a_seed_is_the_same_bytes(seed):
    first, second = (
        msgspec.msgpack.encode(list(islice(traffic(seed=seed, start_ms=START_MS, rate=10), 2_000)))
        for _ in range(2)
    )
    assert first == second


def test_traffic_of_a_seed_is_what_it_was_on_the_day_this_was_written():
    """Draws come from generators whose streams are frozen, so new versions change nothing."""
    digest = sha256()
    for arrival in islice(traffic(seed=7, start_ms=START_MS, rate=10), 5_000):
        digest.update(msgspec.json.encode(arrival))
    assert digest.hexdigest()[:16] == "4f2bc73c650dea12"


def test_every_arrival_is_an_event_unless_it_was_made_malformed_on_purpose():
    disorder = Disorder(malformed_share=0.1, wrong_unit_share=0.1, future_share=0.1)
    stream = traffic(seed=1, start_ms=START_MS, rate=10, disorder=disorder)
    for arrival in islice(stream, 10_000):
        try:
            event_of(arrival)
        except Malformed:
            assert arrival.defect in MALFORMED | WRONG_UNITS
        else:
            assert arrival.defect is None or arrival.defect in FUTURE


def test_only_what_was_offline_is_further_behind_than_the_longest_delay():
    disorder = Disorder(malformed_share=0, wrong_unit_share=0, future_share=0)
    arrivals = list(islice(traffic(seed=1, start_ms=START_MS, rate=10, disorder=disorder), 20_000))
    late = [a for a in arrivals if a.at - event_of(a).event_time > disorder.longest_delay_ms]
    assert 0 < len(late) < 0.05 * len(arrivals)
    oldest = max(a.at - event_of(a).event_time for a in arrivals)
    assert oldest <= disorder.longest_offline_ms + disorder.longest_delay_ms


@pytest.mark.parametrize("partitions", [1, 3, 4, 12, 2**31])
@pytest.mark.parametrize(
    ("key", "digest"),
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536)],
)
def test_the_partition_of_a_key_is_the_one_of_java(key, digest, partitions):
    assert partition_of(key, partitions) == (digest & 0x7FFFFFFF) % partitions
