"""Partitions: a log in, rows and dead letters out, the same whatever happens on the way."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, encode_line, write_log
from flink_jobs.dead_letter import DeadLetter
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.features.row import FeatureRow
from flink_jobs.processor.partition import Output, Partition
from flink_jobs.processor.replay import replay, replay_file
from flink_jobs.simulator.cards import CardHabits
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.partitions import partition_of
from flink_jobs.simulator.traffic import traffic
from flink_jobs.simulator.visits import VisitHabits
from tests.support.oracles import log as oracle_log

START_MS = 1_760_000_400_000
SECOND = 1_000
ROUGH = Disorder(
    offline_share=0.02,
    duplicate_share=0.02,
    malformed_share=0.05,
    wrong_unit_share=0.01,
    future_share=0.02,
)
examples = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def simulated(count: int, *, rate: float, seed: int = 1) -> list[LogRecord]:
    """Return a log of two topics with two partitions each, in which much goes wrong."""
    stream = traffic(
        seed=seed,
        start_ms=START_MS,
        rate=rate,
        card_habits=CardHabits(cards=40),
        visit_habits=VisitHabits(users=40),
        disorder=ROUGH,
    )
    offsets: Counter[tuple[str, int]] = Counter()
    records = []
    for arrival in islice(stream, count):
        place = arrival.topic, partition_of(arrival.key, 2)
        offset = offsets[place]
        offsets[place] += 1
        records.append(LogRecord(*place, offset, arrival.at, arrival.key, arrival.value))
    return records


def payment(offset: int, after_ms: int, *, card: str = "card", lag_ms: int = 0) -> LogRecord:
    """Return a payment `after_ms` after the start that is appended `lag_ms` after its time."""
    event = {
        "event_id": f"e{offset}",
        "card_id": card,
        "merchant_id": f"m{offset % 3}",
        "amount_cents": offset,
        "country": "FR",
        "lat": float(offset % 90),
        "lon": 0.0,
        "event_time": START_MS + after_ms,
    }
    append_ms = START_MS + after_ms + lag_ms
    return LogRecord(TRANSACTIONS, 0, offset, append_ms, card.encode(), json.dumps(event).encode())


def click(offset: int, after_ms: int, *, user: str = "user", kind: str = "page_view") -> LogRecord:
    event = {
        "event_id": f"e{offset}",
        "user_id": user,
        "event_type": kind,
        "item_id": f"i{offset % 2}",
        "event_time": START_MS + after_ms,
    }
    return LogRecord(
        CLICKSTREAM, 0, offset, START_MS + after_ms, user.encode(), json.dumps(event).encode()
    )


@st.composite
def small_logs(draw: st.DrawFn) -> list[LogRecord]:
    """Draw the log of one partition: around the edges of panes, now and then a broken record."""
    make = draw(st.sampled_from([payment, click]))
    edges = st.integers(0, 25).map(lambda n: 30 * SECOND * n)
    at = st.one_of(
        st.tuples(edges, st.integers(-1, 1)).map(sum), st.integers(0, 45).map(lambda n: n * 60_000)
    )
    records = []
    for offset, after_ms in enumerate(draw(st.lists(at, min_size=1, max_size=40))):
        name = draw(st.sampled_from("ab"))
        record = (
            payment(offset, after_ms, card=name)
            if make is payment
            else (click(offset, after_ms, user=name))
        )
        broken = draw(st.sampled_from([False] * 9 + [True]))
        early = draw(st.sampled_from([0] * 9 + [300_000, 300_001]))
        records.append(
            LogRecord(
                record.topic,
                0,
                offset,
                record.timestamp - early,
                record.key,
                b"broken" if broken else record.value,
            )
        )
    return records


minutes = st.integers(1, 6)
some_settings = st.builds(
    lambda size, slides, bound, lateness: Settings(
        window_size_minutes=size,
        window_slide_seconds=60 * size // slides,
        max_out_of_orderness_seconds=bound,
        allowed_lateness_seconds=lateness,
    ),
    minutes,
    st.sampled_from([1, 2, 3, 4, 5, 6, 10, 20]).filter(lambda n: 60 % n == 0),
    st.sampled_from([0, 1, 30, 90]),
    st.sampled_from([0, 0, 1, 45, 60, 600]),
)


def rules(config: Settings) -> oracle_log.Rules:
    return oracle_log.Rules(
        size=config.size_ms,
        slide=config.slide_ms,
        bound=config.bound_ms,
        lateness=config.lateness_ms,
        max_future=config.max_future_ms,
    )


def written(records: Sequence[LogRecord], config: Settings, folder: Path) -> oracle_log.Results:
    """Replay a log file; return what stands in the files."""
    write_log(folder / "log.jsonl", records)
    replay_file(folder / "log.jsonl", folder / "out", config)
    return oracle_log.Results(
        lines(folder / "out" / "features.jsonl"), lines(folder / "out" / "dead-letter.jsonl")
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_as_expected(records: Sequence[LogRecord], config: Settings, folder: Path) -> None:
    found = written(records, config, folder)
    expected = oracle_log.replay([encode_line(record) for record in records], rules(config))
    assert found.letters == expected.letters
    assert len(found.rows) == len(expected.rows)
    for row, other in zip(found.rows, expected.rows, strict=True):
        assert oracle_log.same(row, other), (row, other)


def run(
    records: Sequence[LogRecord], config: Settings, batches: Iterator[int] | None = None
) -> Output:
    """Process the log of one partition, in batches, to its end."""
    partition = Partition(records[0].topic, config)
    output = Output()
    rest = list(records)
    while rest:
        size = len(rest) if batches is None else next(batches)
        output += partition.process(rest[:size])
        rest = rest[size:]
    output += partition.finish()
    return output


def ordered(output: Output) -> tuple[list[FeatureRow], list[DeadLetter]]:
    """Put the rows of several feature sets into one order; those of one set keep theirs."""
    return sorted(output.rows, key=lambda row: row.feature_set), output.letters


# A whole log, against the second opinion.


@pytest.mark.parametrize(
    ("rate", "config"),
    [
        (2.0, Settings()),
        (2.0, Settings(allowed_lateness_seconds=60, max_out_of_orderness_seconds=5)),
        (0.2, Settings(window_slide_seconds=10, allowed_lateness_seconds=7)),
        (0.1, Settings(window_size_minutes=60, window_slide_seconds=3_600)),
    ],
    ids=["defaults", "lateness", "narrow slides", "tumbling hours"],
)
def test_replay_equals_the_second_opinion(rate: float, config: Settings, tmp_path: Path) -> None:
    assert_as_expected(simulated(1_200, rate=rate), config, tmp_path)


@given(small_logs(), some_settings)
@examples
def test_replay_of_a_small_log_equals_the_second_opinion(
    tmp_path_factory: pytest.TempPathFactory, records: list[LogRecord], config: Settings
) -> None:
    assert_as_expected(records, config, tmp_path_factory.mktemp("replay"))


def test_simulated_log_has_every_reason_and_every_set() -> None:
    """Otherwise the comparisons above would prove little."""
    output, _ = replay(simulated(1_200, rate=2.0), Settings(allowed_lateness_seconds=60))
    assert {row.feature_set for row in output.rows} == {"fraud", "personalization", "session"}
    assert {(letter.reason, letter.feature_set) for letter in output.letters} == {
        ("malformed", None),
        ("future_timestamp", None),
        ("late", "fraud"),
        ("late", "personalization"),
        ("late", "session"),
        ("partial_late", "fraud"),
        ("partial_late", "personalization"),
    }
    assert max(row.revision for row in output.rows) > 1


# Independence of everything but the log.


@given(small_logs(), some_settings, st.data())
@examples
def test_any_batches_same_output(
    records: list[LogRecord], config: Settings, data: st.DataObject
) -> None:
    sizes = iter(lambda: data.draw(st.integers(1, 10)), None)
    assert ordered(run(records, config, sizes)) == ordered(run(records, config))


def test_batch_1_vs_500_same_revisions() -> None:
    config = Settings(allowed_lateness_seconds=60)
    log = simulated(2_000, rate=2.0)
    for place in {(record.topic, record.partition) for record in log}:
        own = [record for record in log if (record.topic, record.partition) == place]
        one_by_one, many = (run(own, config, iter([n] * len(own))) for n in (1, 500))
        assert ordered(one_by_one) == ordered(many)


def test_any_interleaving_of_partitions_same_files(tmp_path: Path) -> None:
    log = simulated(1_200, rate=2.0)
    by_place = sorted(log, key=lambda record: (record.topic, record.partition))
    files = []
    for number, records in enumerate((log, by_place)):
        folder = tmp_path / str(number)
        folder.mkdir()
        written(records, Settings(), folder)
        out = folder / "out"
        files.append(
            [(out / name).read_bytes() for name in ("features.jsonl", "dead-letter.jsonl")]
        )
    assert files[0] == files[1]


def test_slow_run_equals_fast_run() -> None:
    """A log that was appended an hour later, or at one moment, has the same results."""
    log = [record for record in simulated(1_200, rate=2.0) if record.topic == TRANSACTIONS]
    own = [record for record in log if record.partition == 0]
    tame = [record for record in own if _reason(record) is None]
    outputs = []
    for append_ms in (None, START_MS + 10**9):
        moved = [
            LogRecord(r.topic, 0, r.offset, append_ms or r.timestamp, r.key, r.value) for r in tame
        ]
        outputs.append(ordered(run(moved, Settings())))
    assert outputs[0] == outputs[1]


def _reason(record: LogRecord) -> str | None:
    letters = Partition(record.topic, Settings()).process([record]).letters
    return letters[0].reason if letters else None


# Restarts.


@given(small_logs(), some_settings, st.data())
@examples
def test_successor_goes_on_as_if_nothing_had_happened(
    records: list[LogRecord], config: Settings, data: st.DataObject
) -> None:
    """A partition is handed over again and again; every output comes once, and none is missing."""
    topic = records[0].topic
    partition = Partition(topic, config)
    output = Output()
    while partition.next_offset < len(records):
        upto = partition.next_offset + data.draw(st.integers(1, 15))
        output += partition.process(records[partition.next_offset : upto])
        if data.draw(st.booleans()):
            resume = partition.resume_point()
            assert resume.offset <= partition.next_offset <= resume.delivered
            partition = Partition(topic, config, resume)
    output += partition.finish()
    assert ordered(output) == ordered(run(records, config))


@given(small_logs(), some_settings, st.data())
@examples
def test_crash_repeats_output_and_invents_none(
    records: list[LogRecord], config: Settings, data: st.DataObject
) -> None:
    """What was delivered after the last commit comes again, to the byte; nothing else does."""
    topic = records[0].topic
    committed = data.draw(st.integers(0, len(records)))
    crashed = data.draw(st.integers(committed, len(records)))
    first = Partition(topic, config)
    before = first.process(records[:committed])
    resume = first.resume_point()
    lost = first.process(records[committed:crashed])
    second = Partition(topic, config, resume)
    after = second.process(records[resume.offset :])
    after += second.finish()
    before += after
    assert ordered(before) == ordered(run(records, config))
    assert all(row in after.rows for row in lost.rows)
    assert all(letter in after.letters for letter in lost.letters)


def test_rows_of_a_window_come_in_the_same_order_after_a_restart() -> None:
    """The card of an older window has no place of its own that a successor could not know of."""
    config = Settings(window_size_minutes=1, max_out_of_orderness_seconds=0)
    records = [
        payment(n, after, card=card)
        for n, after, card in ((0, 0, "a"), (1, 60_000, "b"), (2, 60_000, "a"))
    ]
    first = Partition(TRANSACTIONS, config)
    output = first.process(records[:2])
    resume = first.resume_point()
    assert resume.offset == 1
    second = Partition(TRANSACTIONS, config, resume)
    output += second.process(records[resume.offset :])
    output += second.finish()
    assert [row.key for row in output.rows] == ["a", "b", "a"]
    assert output == run(records, config)


def test_restart_does_not_readmit_late() -> None:
    """The watermark comes back with the log: who was late stays late, with the same letter."""
    records = [payment(0, 0), payment(1, 600_000), payment(2, 1_000)]
    first = Partition(TRANSACTIONS, Settings())
    first.process(records[:2])
    resume = first.resume_point()
    assert resume.offset == 1  # the first payment is not needed any more, its time is
    second = Partition(TRANSACTIONS, Settings(), resume)
    (letter,) = second.process(records[resume.offset :]).letters
    assert (letter.reason, letter.watermark) == ("late", START_MS + 600_000 - 30_001)
    whole = run(records, Settings())
    assert whole.letters == [letter]


def test_resume_point_of_a_fresh_partition_is_the_beginning() -> None:
    assert Partition(TRANSACTIONS, Settings()).resume_point() == (0, None, 0)


def test_commit_follows_the_oldest_open_window_and_not_the_log() -> None:
    partition = Partition(TRANSACTIONS, Settings())
    partition.process([payment(n, 60_000 * n) for n in range(60)])
    resume = partition.resume_point()
    # watermark 58:29.999: the window [54, 59) is open, and its first event is number 54
    assert resume == (54, START_MS + 53 * 60_000, 60)


def test_replay_of_what_was_delivered_is_silent_and_uncounted() -> None:
    records = [payment(n, 60_000 * n) for n in range(20)]
    first = Partition(TRANSACTIONS, Settings())
    first.process(records)
    resume = first.resume_point()
    second = Partition(TRANSACTIONS, Settings(), resume)
    assert second.process(records[resume.offset :]) == Output()
    assert second.lanes[0].ledger.consumed == 0
    assert second.clock.watermark_ms == first.clock.watermark_ms


def test_stop_emits_nothing() -> None:
    """A partition that is no longer fed keeps its open windows to itself."""
    partition = Partition(TRANSACTIONS, Settings())
    assert partition.process([payment(0, 0), payment(1, 1_000)]) == Output()
    assert partition.process([]) == Output()
    assert partition.resume_point().offset == 0


# Verdicts.


def test_future_at_limit_ok_plus_1ms_dlq() -> None:
    limit_ms = Settings().max_future_ms
    partition = Partition(TRANSACTIONS, Settings())
    at_limit, beyond = payment(0, 0, lag_ms=-limit_ms), payment(1, 0, lag_ms=-limit_ms - 1)
    assert partition.process([at_limit]).letters == []
    (letter,) = partition.process([beyond]).letters
    assert (letter.reason, letter.feature_set) == ("future_timestamp", None)
    assert (letter.event_time, letter.watermark) == (START_MS, None)
    assert letter.original == beyond.value


def test_future_never_moves_wm() -> None:
    partition = Partition(TRANSACTIONS, Settings())
    partition.process([payment(0, 0)])
    before = partition.clock.watermark_ms
    partition.process([payment(1, 86_400_000, lag_ms=-86_400_000)])
    assert partition.clock.watermark_ms == before
    assert partition.process([payment(2, 1), payment(3, 2)]).letters == []


def test_malformed_never_moves_wm() -> None:
    partition = Partition(TRANSACTIONS, Settings())
    event = payment(0, 10**9)
    (letter,) = partition.process([replace_value(event, event.value + b"!")]).letters  # type: ignore[operator]
    assert (letter.reason, letter.event_time) == ("malformed", None)
    assert partition.clock.max_seen_ms is None


def replace_value(record: LogRecord, value: bytes | None) -> LogRecord:
    return LogRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.key, value
    )


def test_partial_late_lists_missed_only() -> None:
    partition = Partition(TRANSACTIONS, Settings(max_out_of_orderness_seconds=0))
    letters = partition.process([payment(0, 420_000), payment(1, 240_000)]).letters
    (letter,) = letters
    assert letter.reason == "partial_late"
    assert letter.late_by_ms == 179_999
    assert letter.missed_windows == tuple(START_MS + n * 60_000 for n in (0, 1, 2))
    assert partition.lanes[0].ledger.accepted == 2
    assert partition.lanes[0].ledger.partial_late == 1


def test_all_missed_is_late_once() -> None:
    partition = Partition(TRANSACTIONS, Settings(max_out_of_orderness_seconds=0))
    (letter,) = partition.process([payment(0, 600_000), payment(1, 0)]).letters
    assert letter.reason == "late"
    assert letter.missed_windows is not None
    assert len(letter.missed_windows) == 5
    assert partition.lanes[0].ledger.late == 1


def test_late_by_ms_0_at_ts_equals_wm() -> None:
    """Behind the watermark by nothing: no window of five minutes is missed, but a session is."""
    partition = Partition(CLICKSTREAM, Settings(max_out_of_orderness_seconds=0))
    letters = partition.process([click(0, 1_000), click(1, 999), click(2, 1_000)]).letters
    assert [(letter.reason, letter.feature_set, letter.late_by_ms) for letter in letters] == [
        ("late", "session", 1),
        ("late", "session", 0),
    ]
    assert letters[0].missed_windows is None


def test_ledger_balances_all_reasons() -> None:
    log = simulated(2_000, rate=2.0)
    config = Settings(allowed_lateness_seconds=60)
    output, ledgers = replay(log, config)
    records = Counter((record.topic, record.partition) for record in log)
    counted: dict[tuple[str, str | None], int] = defaultdict(int)
    for (topic, number, name), ledger in ledgers.items():
        assert ledger.consumed == records[topic, number]
        assert 0 < ledger.accepted < ledger.consumed
        assert ledger.partial_late <= ledger.accepted
        counted["late", name] += ledger.late
        counted["partial_late", name] += ledger.partial_late
        if name != "session":  # the other set of the topic counts the same records
            counted["malformed", None] += ledger.malformed
            counted["future_timestamp", None] += ledger.future
    letters = Counter((letter.reason, letter.feature_set) for letter in output.letters)
    assert letters == Counter(counted)


def test_windows_and_misses_add_up() -> None:
    """The events in the last editions are K per accepted event, less the windows missed."""
    config = Settings(allowed_lateness_seconds=60)
    output, ledgers = replay(simulated(2_000, rate=2.0), config)
    last = {
        (row.key, row.window_start): row.features.tx_count  # type: ignore[union-attr]
        for row in output.rows
        if row.feature_set == "fraud"
    }
    accepted = sum(ledger.accepted for (_, _, name), ledger in ledgers.items() if name == "fraud")
    missed = sum(
        len(letter.missed_windows or ())
        for letter in output.letters
        if (letter.reason, letter.feature_set) == ("partial_late", "fraud")
    )
    assert sum(last.values()) == 5 * accepted - missed


def test_dead_letters_have_one_key_each() -> None:
    output, _ = replay(simulated(2_000, rate=2.0), Settings())
    keys = [letter.key for letter in output.letters]
    assert len(set(keys)) == len(keys)
