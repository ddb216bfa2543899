"""The development processor without services: settings, restarts, and what a stop keeps.

    python tests/processor/test_stream_processor.py

runs these tests and those of the replay. The log is held in memory; nothing needs Kafka.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.connectors.topics import TopicState
from flink_jobs.events import CLICKSTREAM, TRANSACTIONS
from flink_jobs.processor.group.commits import (
    ForeignCommit,
    check_log,
    commit_of,
    delivered_until,
    resume_from,
    topic_of,
)
from flink_jobs.processor.lane import Ledger
from flink_jobs.processor.partition import Output, Partition, ResumePoint
from flink_jobs.stream_processor import main
from tests.support.inputs.payment_logs import (
    BASE_MS,
    MINUTE,
    Life,
    canonical,
    click_log,
    payment_log,
    rules,
)

ENTRY_POINT = Path(__file__).parents[2] / "flink_jobs" / "stream_processor.py"

thorough = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow], database=None
)

lives = st.lists(
    st.builds(Life, st.integers(0, 40), st.integers(1, 12), st.integers(0, 10)), max_size=6
)


# --- a log that is cut anywhere and resumed ---


@thorough
@given(payment_log(), rules(), lives)
def test_restarts_change_no_payment_feature(
    log: list[LogRecord], settings: Settings, lives: list[Life]
) -> None:
    assert_same_as_undisturbed(TRANSACTIONS, log, settings, lives)


@thorough
@given(click_log(), rules(), lives)
def test_restarts_change_no_click_feature_and_no_session(
    log: list[LogRecord], settings: Settings, lives: list[Life]
) -> None:
    assert_same_as_undisturbed(CLICKSTREAM, log, settings, lives)


@thorough
@given(click_log(), rules(), lives)
def test_crash_after_the_commit_repeats_only_what_was_there(
    log: list[LogRecord], settings: Settings, lives: list[Life]
) -> None:
    """What a crash loses of the commit comes again, the same to the last bit."""
    whole, _ = undisturbed(CLICKSTREAM, log, settings)
    output, _ = survive(CLICKSTREAM, log, settings, lives, crash=True)
    assert set(canonical(output)) == set(canonical(whole))


def assert_same_as_undisturbed(
    topic: str, log: list[LogRecord], settings: Settings, lives: list[Life]
) -> None:
    """Nothing twice, nothing missing, and no record counted in two lives."""
    whole, ledgers = undisturbed(topic, log, settings)
    output, others = survive(topic, log, settings, lives)
    assert canonical(output) == canonical(whole)
    assert others == ledgers
    for ledger in ledgers:
        assert ledger.consumed == len(log)


def undisturbed(
    topic: str, log: Sequence[LogRecord], settings: Settings
) -> tuple[Output, list[Ledger]]:
    partition = Partition(topic, settings)
    output = partition.process(log)
    output += partition.finish()
    return output, [lane.ledger for lane in partition.lanes]


def survive(
    topic: str,
    log: Sequence[LogRecord],
    settings: Settings,
    lives: Sequence[Life],
    *,
    crash: bool = False,
) -> tuple[Output, list[Ledger]]:
    """Process a log in several lives, each resumed from the commit of the one before.

    With `crash` a life processes some more after its commit, whose output is delivered.
    """
    output = Output()
    ledgers = [Ledger() for _ in Partition(topic, settings).lanes]
    committed: OffsetAndMetadata | None = None
    for life in (*lives, Life(len(log), len(log) or 1, 0)):
        resume = resume_from(committed, 0, settings)
        partition = Partition(topic, settings, resume)
        ahead = [record for record in log if record.offset >= resume.offset]
        for batch in in_batches(ahead[: life.records], life.batch):
            output += partition.process(batch)
        committed = commit_of(partition.resume_point(), settings)
        if crash:
            output += partition.process(ahead[life.records : life.records + life.after_commit])
        for total, lane in zip(ledgers, partition.lanes, strict=True):
            add(total, lane.ledger)
    output += partition.finish()
    return output, ledgers


def in_batches(records: Sequence[LogRecord], size: int) -> Iterator[Sequence[LogRecord]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]


def add(total: Ledger, more: Ledger) -> None:
    for column in Ledger.__slots__:
        setattr(total, column, getattr(total, column) + getattr(more, column))


def test_bridged_session_is_rebuilt_from_the_first_of_its_parts() -> None:
    """The part that starts first is the younger in the log; both are needed again."""
    settings = Settings(max_out_of_orderness_seconds=3_600)
    log = [click(offset, minute) for offset, minute in enumerate([40, 0, 20])]
    log.append(click(3, 110, user="other"))  # no window needs the first three any more
    output, _ = survive(CLICKSTREAM, log, settings, [Life(4, 4, 0)])
    session, _ = [row for row in output.rows if row.feature_set == "session"]
    assert session.features.session_length_ms == 40 * MINUTE  # type: ignore[union-attr]


def click(offset: int, minute: int, user: str = "user") -> LogRecord:
    at = BASE_MS + minute * MINUTE
    value = (
        f'{{"event_id":"e","user_id":"{user}","event_type":"click","item_id":"i",'
        f'"event_time":{at}}}'
    )
    return LogRecord(CLICKSTREAM, 0, offset, at, user.encode(), value.encode())


# --- commits ---


def test_commit_of_a_partition_without_events() -> None:
    settings = Settings()
    assert resume_from(commit_of(ResumePoint(7, None, 7), settings), 0, settings) == ResumePoint(
        7, None, 7
    )


def test_commit_names_its_topic_and_an_older_one_does_not() -> None:
    settings, topic = Settings(), TopicState("an-id", 4)
    commit = commit_of(ResumePoint(7, 9, 8), settings, topic)
    assert (resume_from(commit, 0, settings), topic_of(commit)) == (ResumePoint(7, 9, 8), topic)
    assert topic_of(commit_of(ResumePoint(7, 9, 8), settings)) is None
    assert topic_of(None) is None
    place = TopicPartition(TRANSACTIONS, 0)
    check_log(place, ResumePoint(7, 9, 8), 8, settings, topic, TopicState("an-id", 5))
    with pytest.raises(ForeignCommit, match="the topic was created anew"):
        check_log(place, ResumePoint(7, 9, 8), 8, settings, topic, TopicState("another", 4))


def test_group_without_a_commit_begins_where_the_log_does() -> None:
    assert resume_from(None, 12, Settings()) == ResumePoint(12, None, 12)


def test_plain_offset_of_another_tool_is_taken_as_it_is() -> None:
    assert resume_from(OffsetAndMetadata(9, "", -1), 0, Settings()) == ResumePoint(9, None, 9)


def test_what_waits_in_open_windows_counts_as_delivered() -> None:
    assert delivered_until(commit_of(ResumePoint(5, 1, 9), Settings())) == 9
    assert delivered_until(OffsetAndMetadata(7, "", -1)) == 7


@pytest.mark.parametrize("note", ["hello", "|", "1|2", "x|3|windows", "1|2|", "1|2|a b"])
def test_commit_of_another_program_is_refused(note: str) -> None:
    with pytest.raises(ForeignCommit, match="choose another KAFKA_GROUP"):
        resume_from(OffsetAndMetadata(9, note, -1), 0, Settings())


@pytest.mark.parametrize(
    "changed",
    [
        {"window_size_minutes": 10},
        {"window_slide_seconds": 30},
        {"max_out_of_orderness_seconds": 31},
        {"allowed_lateness_seconds": 1},
        {"max_future_seconds": 301},
    ],
)
def test_commit_under_other_rules_is_refused(changed: dict[str, int]) -> None:
    left = commit_of(ResumePoint(5, 1, 9), Settings())
    with pytest.raises(ForeignCommit, match="was left with the windows size=5min"):
        resume_from(left, 0, Settings(**changed))


def test_settings_that_decide_nothing_may_change() -> None:
    left = commit_of(ResumePoint(5, 1, 9), Settings())
    other = Settings(checkpoint_interval_ms=50, metrics_port=1, redis_port=2)
    assert resume_from(left, 0, other) == ResumePoint(5, 1, 9)


def test_log_shorter_than_what_was_delivered_is_another_log() -> None:
    partition, resume = TopicPartition(TRANSACTIONS, 0), ResumePoint(5, 1, 9)
    check_log(partition, resume, 9, Settings())
    with pytest.raises(ForeignCommit, match="created anew"):
        check_log(partition, resume, 8, Settings())


# --- starting ---


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WINDOW_SIZE_MINUTES", "five", "is not a whole number"),
        ("WINDOW_SIZE_MINUTES", "5.0", "is not a whole number"),
        ("WINDOW_SIZE_MINUTES", "0", "from 1 to 1440"),
        ("WINDOW_SIZE_MINUTES", "1441", "from 1 to 1440"),
        ("WINDOW_SLIDE_SECONDS", "7", "does not divide the window of 5 min"),
        ("WINDOW_SLIDE_SECONDS", "0", "at least 1"),
        ("WINDOW_SLIDE_SECONDS", "600", "does not divide the window of 5 min"),
        ("MAX_OUT_OF_ORDERNESS_SECONDS", "-1", "from 0 to 86400"),
        ("ALLOWED_LATENESS_SECONDS", "-1", "from 0 to 86400"),
        ("ALLOWED_LATENESS_SECONDS", "1e3", "is not a whole number"),
        ("MAX_FUTURE_SECONDS", "-5", "at least 0"),
        ("CHECKPOINT_INTERVAL_MS", "0", "at least 10"),
        ("CHECKPOINT_INTERVAL_MS", "soon", "is not a whole number"),
        ("METRICS_PORT", "65536", "from 0 to 65535"),
        ("REDIS_PORT", "0", "from 1 to 65535"),
        ("REDIS_HOST", " ", "is empty"),
        ("KAFKA_SERVERS", " ", "is empty"),
        ("KAFKA_GROUP", " ", "is empty"),
    ],
)
@pytest.mark.parametrize("way", ["environment", "flag"])
def test_bad_value_stops_the_start(
    way: str,
    name: str,
    value: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flag = f"--{name.lower().replace('_', '-')}={value}"
    if way == "environment":
        monkeypatch.setenv(name, value)
    assert main([flag] if way == "flag" else []) == 1
    assert_one_sentence(capsys.readouterr().err, name, says)


def test_flag_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WINDOW_SIZE_MINUTES", "5")
    assert main(["--window-size-minutes", "0"]) == 1
    assert "WINDOW_SIZE_MINUTES=0 is out of range" in capsys.readouterr().err


@pytest.mark.slow  # a broker is given five seconds to answer
def test_no_broker_is_one_sentence() -> None:
    """As a process of its own, so that what a thread or an exit handler prints would show."""
    ended = subprocess.run(
        [sys.executable, str(ENTRY_POINT), "--kafka-servers", "nonsense"],
        env={**os.environ, "METRICS_PORT": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert_one_sentence(ended.stderr, "no Kafka broker answers at nonsense", "KAFKA_SERVERS")


def assert_one_sentence(error: str, *parts: str) -> None:
    (line,) = error.splitlines()
    assert line.startswith("stream_processor: ")
    for part in parts:
        assert part in line


if __name__ == "__main__":
    here = Path(__file__)
    already_imported = "ignore::pytest.PytestAssertRewriteWarning"
    both = [str(here), str(here.with_name("test_replay.py"))]
    sys.exit(pytest.main(["-q", "-W", already_imported, *both]))
