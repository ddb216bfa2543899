"""The replay: a bounded log in, sorted files out, and the books closed."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogFileError, LogRecord, write_log
from flink_jobs.connectors.result_files import write_results
from flink_jobs.events import TRANSACTIONS
from flink_jobs.processor.lane import Ledger
from flink_jobs.processor.partition import Output
from flink_jobs.processor.replay import LedgerKey, replay
from flink_jobs.simulator.disorder import Disorder
from flink_jobs.simulator.traffic import traffic
from flink_jobs.stream_processor import main
from studykit.services.seed import append
from tests.support.inputs.payment_logs import BASE_MS, payment_log, rules

ROUGH = Disorder(offline_share=0.02, duplicate_share=0.02, malformed_share=0.01, future_share=0.01)


@pytest.fixture(scope="module")
def log() -> list[LogRecord]:
    """Two topics of four partitions, with every kind of trouble."""
    stream = traffic(seed=5, start_ms=BASE_MS, rate=1.5, disorder=ROUGH)
    return list(append(islice(stream, 8_000)))


@pytest.mark.parametrize("lateness_s", [0, 90])
def test_ledger_balances_all_reasons(log: list[LogRecord], lateness_s: int) -> None:
    settings = Settings(allowed_lateness_seconds=lateness_s)
    output, ledgers = replay(log, settings)
    assert_books_closed(log, settings, output, ledgers)
    for column in ("accepted", "late", "malformed", "future", "partial_late"):
        assert sum(getattr(ledger, column) for ledger in ledgers.values()) > 0, column


def assert_books_closed(
    log: list[LogRecord],
    settings: Settings,
    output: Output,
    ledgers: dict[LedgerKey, Ledger],
) -> None:
    """Every record is in one column, with its dead letter, and in as many windows as it entered."""
    consumed = Counter((record.topic, record.partition) for record in log)
    for (topic, partition, name), ledger in ledgers.items():
        assert ledger.consumed == consumed[topic, partition], name
    reasons = Counter((letter.feature_set, letter.reason) for letter in output.letters)
    overlap = settings.size_ms // settings.slide_ms
    for name, counted in (("fraud", "tx_count"), ("personalization", "events")):
        mine = [ledger for (_, _, other), ledger in ledgers.items() if other == name]
        missed = sum(
            len(letter.missed_windows or ())
            for letter in output.letters
            if letter.feature_set == name and letter.reason == "partial_late"
        )
        final = {(r.key, r.window_end): r for r in output.rows if r.feature_set == name}
        inside = sum(getattr(row.features, counted) for row in final.values())
        assert inside == overlap * sum(ledger.accepted for ledger in mine) - missed
        assert reasons[name, "late"] == sum(ledger.late for ledger in mine)
        assert reasons[name, "partial_late"] == sum(ledger.partial_late for ledger in mine)
    sessions = {(r.key, r.window_start): r for r in output.rows if r.feature_set == "session"}
    accepted = sum(ledger.accepted for (_, _, name), ledger in ledgers.items() if name == "session")
    assert sum(row.features.events for row in sessions.values()) == accepted  # type: ignore[union-attr]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(payment_log(), rules())
def test_books_close_on_any_log(log: list[LogRecord], settings: Settings) -> None:
    output, ledgers = replay(log, settings)
    assert_books_closed(log, settings, output, ledgers)


def test_duplicate_delivery_counts_like_any_other_record() -> None:
    """The same event at another offset: the log is the truth, and it holds two records."""
    first = payment(0)
    once, _ = replay([first], Settings())
    twice, ledgers = replay([first, msgspec.structs.replace(first, offset=1)], Settings())
    assert [row.features.tx_count for row in once.rows] == [1] * 5  # type: ignore[union-attr]
    assert [row.features.tx_count for row in twice.rows] == [2] * 5  # type: ignore[union-attr]
    assert ledgers[TRANSACTIONS, 0, "fraud"].accepted == 2


def test_end_of_the_log_fires_every_open_window() -> None:
    output, _ = replay([payment(0)], Settings())
    assert len(output.rows) == 5
    assert [row.window_end for row in output.rows] == sorted(row.window_end for row in output.rows)


def test_empty_log_gives_nothing() -> None:
    assert replay([], Settings()) == (Output(), {})


def test_holes_between_offsets_are_no_mistake() -> None:
    _, ledgers = replay([payment(3), payment(9)], Settings())
    assert ledgers[TRANSACTIONS, 0, "fraud"].consumed == 2


@pytest.mark.parametrize("offsets", [(1, 1), (5, 4)])
def test_offsets_that_no_broker_writes_are_refused(offsets: tuple[int, int]) -> None:
    with pytest.raises(LogFileError, match="in the order of its offsets"):
        replay([payment(offset) for offset in offsets], Settings())


def test_key_in_two_partitions_is_two_streams(tmp_path: Path) -> None:
    """Each partition tells its own windows of the key, whichever comes first in the file."""
    first, second = payment(0), replace(payment(0), partition=1)
    logs = [first, payment(1), second], [second, first, payment(1)]
    told = []
    for log in logs:
        output, _ = replay(log, Settings())
        write_results(tmp_path, output.rows, [])
        told.append((tmp_path / "features.jsonl").read_bytes())
        assert sorted(row.features.tx_count for row in output.rows) == [1] * 5 + [2] * 5
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("field", "highest"),
    [("partition", 2**31 - 1), ("offset", 2**63 - 2), ("timestamp", 253_402_300_799_999)],
)
def test_numbers_that_no_broker_writes_are_refused(field: str, highest: int) -> None:
    for number in (0, highest):
        replay([replace(payment(0), **{field: number})], Settings())
    for number in (-1, highest + 1, 10**25):
        with pytest.raises(LogFileError, match=f"{field} {number} is none that a broker writes"):
            replay([replace(payment(0), **{field: number})], Settings())


def test_unknown_topic_is_refused() -> None:
    record = LogRecord("payments", 0, 0, BASE_MS, b"c", b"{}")
    with pytest.raises(LogFileError, match="'payments' is unknown: a log holds transactions and"):
        replay([record], Settings())


# --- the command ---


def test_command_writes_sorted_files_twice_the_same(log: list[LogRecord], tmp_path: Path) -> None:
    source = tmp_path / "events.jsonl"
    write_log(source, log)
    for folder in ("one", "two"):
        assert main(["--replay", str(source), "--out", str(tmp_path / folder)]) == 0
    for name in ("features.jsonl", "dead-letter.jsonl"):
        lines = (tmp_path / "one" / name).read_bytes()
        assert lines == (tmp_path / "two" / name).read_bytes()
        assert lines.count(b"\n") > 100
    written = (tmp_path / "one" / "features.jsonl").read_bytes().splitlines()
    rows = [msgspec.json.decode(line) for line in written]
    order = [(r["feature_set"], r["key"], r["window_start"], r["window_end"]) for r in rows]
    assert order == sorted(order)


def test_command_tells_the_ledgers(
    log: list[LogRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(tmp_path / "events.jsonl", log)
    main(["--replay", str(tmp_path / "events.jsonl"), "--out", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 * 1 + 4 * 2
    assert all(" consumed = " in line and " late + " in line for line in lines)


LINE = b'{"topic":"transactions","partition":%d,"offset":%d,"timestamp":%d}\n'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read the log file"),
        (b"not json\n", "line 1"),
        (b'{"topic":"transactions"}\n', "line 1"),
        (b'{"topic":"t","partition":0,"offset":0,"timestamp":0}\n', "'t' is unknown"),
        (b'{"topic":"transactions","partition":0,"offset":0,"timestamp":0,"value_b64":"?"}\n', "1"),
        (b"\xff\n", "line 1"),
        (LINE % (3_000_000_000, 0, 0), "partition 3000000000 is none"),
        (LINE % (0, -1, 0), "offset -1 is none"),
        (LINE % (0, 0, 10**25), "timestamp 10000000000000000000000000 is none"),
        (LINE % (0, 0, 0) + LINE % (0, 0, 0), "in the order of its offsets"),
        (LINE.replace(b"}", b',"key":"c","key_b64":"Yw=="}') % (0, 0, 0), "write one of them"),
    ],
)
def test_log_that_cannot_be_read_is_one_sentence(
    content: bytes | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "events.jsonl"
    if content is not None:
        source.write_bytes(content)
    assert main(["--replay", str(source), "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("stream_processor: ") and says in line


def test_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(tmp_path / "events.jsonl", [payment(0)])
    out = tmp_path / "events.jsonl" / "inside-a-file"
    assert main(["--replay", str(tmp_path / "events.jsonl"), "--out", str(out)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--out" in line


def payment(offset: int) -> LogRecord:
    value = (
        b'{"event_id":"e","card_id":"c","merchant_id":"m","amount_cents":100,"country":"LU",'
        b'"lat":49.6,"lon":6.1,"event_time":%d}' % BASE_MS
    )
    return LogRecord(TRANSACTIONS, 0, offset, BASE_MS, b"c", value)


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", __file__]))
