"""Seeding without a broker: log files, real-time pacing, and mistakes that a person can make."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice

import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, read_log
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS, EventDecoder, Malformed
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.golden import START_MS
from flink_jobs.simulator.partitions import partition_of
from studykit.errors import StudyError
from studykit.services.seed import Seeding, append, paced, seed_file, seed_kafka
from studykit.services.topics import PARTITIONS

GAP_MS = 30 * 60_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[LogRecord]:
    """The log file of a plain `study seed --to FILE`."""
    path = tmp_path_factory.mktemp("seed") / "log.jsonl"
    assert seed_file(Seeding(), path) == 100_000
    return list(read_log(path))


def last_good_events(log: list[LogRecord]) -> dict[tuple[int, bytes], int]:
    """Return the largest event time of each user, by partition and key."""
    decode = EventDecoder(CLICKSTREAM).decode
    last: dict[tuple[int, bytes], int] = defaultdict(int)
    for record in log:
        if record.topic != CLICKSTREAM:
            continue
        try:
            event = decode(record.key, record.value)
        except Malformed:
            continue
        if event.event_time <= record.timestamp + Settings().max_future_ms:
            place = (record.partition, record.key)
            last[place] = max(last[place], event.event_time)
    return last


def test_offsets_of_each_partition_count_from_0(log):
    offsets: Counter[tuple[str, int]] = Counter()
    for record in log:
        assert record.offset == offsets[record.topic, record.partition]
        offsets[record.topic, record.partition] += 1
    assert set(offsets) == {(t, p) for t in (TRANSACTIONS, CLICKSTREAM) for p in range(PARTITIONS)}


def test_partition_is_the_key_s_and_append_times_never_go_back(log):
    arrived = START_MS
    for record in log:
        assert record.partition == partition_of(record.key, PARTITIONS)
        assert record.timestamp >= arrived
        arrived = record.timestamp


def test_every_reason_for_a_dead_letter_occurs(log):
    known = Counter()
    largest: Counter[tuple[str, int]] = Counter()
    for record in log:
        try:
            event = EventDecoder(record.topic).decode(record.key, record.value)
        except Malformed:
            known["malformed"] += 1
            continue
        if event.event_time > record.timestamp + Settings().max_future_ms:
            known["future"] += 1
            continue
        place = (record.topic, record.partition)
        behind = largest[place] - event.event_time
        known["late"] += behind > Settings().bound_ms + Settings().size_ms
        largest[place] = max(largest[place], event.event_time)
    assert min(known[reason] for reason in ("malformed", "future", "late")) > 5


def test_sessions_close_in_every_partition(log):
    last = last_good_events(log)
    for partition in range(PARTITIONS):
        times = [time for (place, _), time in last.items() if place == partition]
        watermark = max(times) - Settings().bound_ms - 1
        assert sum(time + GAP_MS - 1 <= watermark for time in times) > 50


def test_event_times_cover_three_hours_from_the_fixed_base(log):
    assert START_MS <= log[0].timestamp < START_MS + 1_000
    assert log[-1].timestamp - START_MS == pytest.approx(3 * 3_600_000, rel=0.05)


def test_same_seed_same_file(tmp_path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    seed_file(Seeding(events=2_000, seed=3), first)
    seed_file(Seeding(events=2_000, seed=3), second)
    seed_file(Seeding(events=2_000, seed=4), third)
    assert first.read_bytes() == second.read_bytes() != third.read_bytes()


def test_duplicates_have_the_same_id_and_other_offsets():
    seeding = Seeding(events=5_000, disorder=Disorder(duplicate_share=0.2, malformed_share=0))
    places = defaultdict(set)
    for record in append(seeding.arrivals(now_ms=0)):
        places[record.topic, record.partition, record.value].add(record.offset)
    assert Counter(map(len, places.values())).keys() == {1, 2}


def test_at_a_rate_the_events_are_of_now_and_at_full_speed_of_the_base():
    now = 2_000_000_000_000
    first = next(Seeding(rate=50).arrivals(now))
    assert now <= first.at < now + 60_000
    assert START_MS <= next(Seeding().arrivals(now)).at < START_MS + 60_000


def test_pace_is_the_rate():
    """Played on a clock that only sleeping moves, 2,000 records at 100 a second take 20 s."""
    clock = [1_760_000_000_000.0]

    def sleep(seconds: float) -> None:
        assert seconds > 0
        clock[0] += seconds * 1_000

    begin = int(clock[0])
    stream = Seeding(events=2_000, rate=100).arrivals(begin)
    for arrival in paced(stream, now_ms=lambda: int(clock[0]), sleep=sleep):
        assert abs(arrival.at - clock[0]) <= 1
    assert (clock[0] - begin) / 1_000 == pytest.approx(20, rel=0.15)


def test_pace_catches_up_without_sleeping_after_a_standstill():
    stream = islice(Seeding(rate=100).arrivals(0), 100)
    slept: list[float] = []
    assert len(list(paced(stream, now_ms=lambda: 10**15, sleep=slept.append))) == 100
    assert not slept


def test_rate_of_a_file_is_refused(tmp_path):
    with pytest.raises(StudyError, match="leave the rate out"):
        seed_file(Seeding(rate=5), tmp_path / "log")


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_rate_is_refused(rate):
    with pytest.raises(StudyError, match="above 0"):
        Seeding(rate=rate)


def test_file_in_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(StudyError, match="--to"):
        seed_file(Seeding(events=10), tmp_path / "missing" / "log")


@pytest.mark.parametrize("servers", ["127.0.0.1:1", "nonsense", "localhost:port,127.0.0.1:1", ""])
def test_no_broker_is_one_sentence_with_the_remedy(servers):
    with pytest.raises(StudyError, match="make up"):
        seed_kafka(Seeding(events=10), servers)
