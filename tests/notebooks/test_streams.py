"""The learner's own stream in a trace: read from a file and from a broker, judged as the system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord, read_log, write_log
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.partition import Partition
from flink_jobs.simulator.disorder import Disorder
from studykit.errors import StudyError
from studykit.seed import Plan, append, seed_file, seed_kafka
from studykit.services.ports import free_port
from studykit.streams import as_stream, from_kafka, from_log
from studykit.trace import Policy, simulate

DISORDER = Disorder(offline_share=0.05, malformed_share=0.01, future_share=0.01)
FUTURE = {"future_timestamp": 1}
PLAN = Plan(events=3_000, cards=30, users=30, disorder=DISORDER)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    seed_file(PLAN, path)
    return path


def records_of(log: Path, partition: int) -> list[LogRecord]:
    return [r for r in read_log(log) if (r.topic, r.partition) == (TRANSACTIONS, partition)]


@pytest.mark.parametrize("lateness", [0, 120])
@pytest.mark.parametrize("partition", [0, 1, 2, 3])
def test_trace_of_a_partition_agrees_with_the_development_processor(
    log: Path, partition: int, lateness: int
) -> None:
    settings = Settings(allowed_lateness_seconds=lateness)
    stream = from_log(log, TRANSACTIONS, partition=partition, limit=10_000)
    policy = Policy(
        bound_ms=settings.bound_ms,
        lateness_ms=settings.lateness_ms,
        size_ms=settings.size_ms,
        slide_ms=settings.slide_ms,
        keyed=True,
        bounded=True,
    )
    trace = simulate(stream.events, policy)
    system = Partition(TRANSACTIONS, settings)
    output = system.process(records_of(log, partition))
    output += system.finish()
    ours = sorted(
        (c.key, c.start_ms + stream.start_ms, c.revision, c.count, c.total)
        for step in trace.steps
        for c in step.changes
        if c.kind in ("fired", "re-fired")
    )
    theirs = sorted(
        (r.key, r.window_start, r.revision, r.features.tx_count, r.features.amount_sum_cents)
        for r in output.rows
    )
    assert ours == theirs
    ledger = system.lanes[0].ledger
    counts = trace.counts()
    assert counts["dropped"] == ledger.late > 0
    assert counts["partial"] == ledger.partial_late
    assert sum(counts.values()) == ledger.accepted + ledger.late
    assert stream.refused == {"malformed": ledger.malformed, "future_timestamp": ledger.future}


def test_every_record_is_an_event_or_counted_as_refused(log: Path) -> None:
    total = sum(record.topic == CLICKSTREAM for record in read_log(log))
    stream = from_log(log, CLICKSTREAM, limit=10_000)
    assert len(stream.events) + sum(stream.refused.values()) == total
    assert set(stream.refused) <= {"malformed", "future_timestamp"}


def test_times_begin_near_0_and_windows_keep_their_places(log: Path) -> None:
    stream = from_log(log, TRANSACTIONS)
    assert stream.start_ms % 300_000 == 0
    assert 0 <= min(event.event_ms for event in stream.events) < 300_000


def test_limit_is_kept(log: Path) -> None:
    stream = from_log(log, TRANSACTIONS, limit=7)
    assert len(stream.events) + sum(stream.refused.values()) == 7


def test_arrivals_of_an_old_log_are_moved_back() -> None:
    records = [r for r in append(PLAN.arrivals(now_ms=0)) if r.topic == TRANSACTIONS][:50]
    year_ms = 365 * 86_400_000
    moved = [
        LogRecord(r.topic, r.partition, r.offset, r.timestamp + year_ms, r.key, r.value)
        for r in records
    ]
    stream = as_stream(moved, TRANSACTIONS)
    assert min(event.skew_ms for event in stream.events) == 0


@pytest.mark.parametrize(("ahead_ms", "refused"), [(300_000, {}), (300_001, FUTURE)])
def test_future_is_refused_from_1_ms_beyond_5_minutes(
    ahead_ms: int, refused: dict[str, int]
) -> None:
    record = next(r for r in append(PLAN.arrivals(now_ms=0)) if r.topic == TRANSACTIONS)
    event_ms = json.loads(record.value or b"")["event_time"]
    early = LogRecord(TRANSACTIONS, 0, 0, event_ms - ahead_ms, record.key, record.value)
    assert as_stream([early], TRANSACTIONS).refused == refused


def test_log_without_events_is_an_empty_stream(tmp_path: Path) -> None:
    write_log(tmp_path / "empty.jsonl", [])
    assert from_log(tmp_path / "empty.jsonl", TRANSACTIONS).events == ()


def test_file_that_is_not_there_is_named() -> None:
    with pytest.raises(StudyError, match=r"cannot read the log file nowhere\.jsonl"):
        from_log(Path("nowhere.jsonl"), TRANSACTIONS)


def test_topic_without_events_is_named(log: Path) -> None:
    with pytest.raises(StudyError, match="'dead-letter' holds no events: choose transactions or"):
        from_log(log, "dead-letter")


def test_broker_that_is_not_there_is_named() -> None:
    servers = f"127.0.0.1:{free_port()}"
    with pytest.raises(StudyError, match=f"cannot read transactions from {servers}"):
        from_kafka(servers, TRANSACTIONS)


@pytest.fixture(scope="module")
def servers(kafka_servers: str) -> str:
    """A broker that has events."""
    seed_kafka(PLAN, kafka_servers)
    return kafka_servers


@pytest.mark.services
class TestLiveTopic:
    def test_newest_records_are_read_up_to_the_end(self, servers: str) -> None:
        stream = from_kafka(servers, TRANSACTIONS, limit=400)
        assert len(stream.events) + sum(stream.refused.values()) == 400
        assert {event.source for event in stream.events} == {"p0", "p1", "p2", "p3"}
        assert simulate(stream.events, Policy(bound_ms=30_000, size_ms=300_000)).results()

    def test_one_partition_is_read_alone(self, servers: str) -> None:
        stream = from_kafka(servers, TRANSACTIONS, partition=2, limit=50)
        assert {event.source for event in stream.events} == {"p2"}

    def test_unknown_partition_is_an_error(self, servers: str) -> None:
        with pytest.raises(StudyError, match="cannot read transactions"):
            from_kafka(servers, TRANSACTIONS, partition=99)
