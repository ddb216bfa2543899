"""The production job's graph: what it is made of, and what it refuses to be built for."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from flink_jobs.config import Settings, SettingsError
from flink_jobs.connectors.log_file import LogRecord, write_log
from flink_jobs.events import CLICKSTREAM
from flink_jobs.feature_job import main, replay_file
from flink_jobs.features.catalog import SESSION
from flink_jobs.job.edges.files import FileEdges
from flink_jobs.job.graph import build, check_settings, interval, statement
from flink_jobs.processor import replay as processor
from flink_jobs.runtime.environment import table_environment
from tests.support.inputs import logs


@pytest.fixture(scope="module")
def operators(tmp_path_factory) -> Counter[str]:
    env, table_env = table_environment(1)
    edges = FileEdges(tmp_path_factory.mktemp("edges"), Settings())
    build(env, table_env, Settings(), edges)
    nodes = json.loads(env.get_execution_plan())["nodes"]
    return Counter(node["type"].partition("[")[0] for node in nodes)


@pytest.mark.jvm
def test_each_topic_is_read_once(operators):
    assert operators["Source: transactions"] == 1
    assert operators["Source: clickstream"] == 1


@pytest.mark.jvm
def test_hop_keeps_an_event_once_in_a_pane_and_not_once_for_each_window(operators):
    assert operators["WindowTableFunction"] == 0
    assert operators["LocalWindowAggregate"] == 2  # HOP, of fraud and personalization
    assert operators["GlobalWindowAggregate"] == 2
    assert operators["WindowAggregate"] == 1  # SESSION


@pytest.mark.jvm
def test_python_decodes_each_topic_once_finishes_each_set_once_and_writes_letters_once(operators):
    assert operators["PythonCalc"] == 2 + 3 + 1


def _swapped(name: str, /, **values: str | int) -> str:
    """Return a statement; that of the sessions with two columns in each other's place."""
    text = statement(name, **values)
    if name == SESSION.name:
        for first, second in (("page_views", "clicks"), ("first_ms", "last_ms")):
            lines = text.splitlines(keepends=True)
            here, there = (
                next(at for at, line in enumerate(lines) if f" AS {column},\n" in line)
                for column in (first, second)
            )
            lines[here], lines[there] = lines[there], lines[here]
            text = "".join(lines)
        assert text != statement(name, **values)
    return text


@pytest.mark.jvm
def test_columns_meet_python_by_name_wherever_they_stand(tmp_path):
    records = [
        LogRecord(CLICKSTREAM, 0, offset, logs.T, b"u", msgspec.json.encode(click))
        for offset, click in enumerate(
            [
                logs.click(0, "u"),
                logs.click(20_000, "u", event_type="click"),
                logs.click(40_000, "u", event_type="click"),
            ]
        )
    ]
    log = tmp_path / "log.jsonl"
    write_log(log, records)
    replay_file(log, tmp_path / "job", Settings(), statements=_swapped)
    processor.replay_file(log, tmp_path / "processor", Settings())
    written = [(tmp_path / who / "features.jsonl").read_text() for who in ("job", "processor")]
    assert written[0] == written[1]
    assert '"session"' in written[0]


def test_allowed_lateness_is_refused_with_the_reason():
    with pytest.raises(SettingsError, match=r"^ALLOWED_LATENESS_SECONDS=3 works in the dev.*once"):
        check_settings(Settings(allowed_lateness_seconds=3))


def test_a_refusal_is_one_sentence_and_starts_no_java(capsys):
    assert main(["--replay", "x", "--allowed-lateness-seconds", "3"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("feature_job: ALLOWED_LATENESS_SECONDS=3")


def test_a_log_that_is_not_there_is_one_sentence(capsys, tmp_path: Path):
    assert main(["--replay", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
    assert "cannot read the log file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([("unknown", 0)], "topic 'unknown' is unknown: a log holds transactions and clickstream"),
        ([("transactions", 5), ("transactions", 5)], "offset 5 comes after 5"),
    ],
)
def test_a_log_that_no_broker_wrote_is_one_sentence(capsys, tmp_path: Path, records, said):
    log = tmp_path / "log.jsonl"
    write_log(log, [LogRecord(topic, 0, offset, 0, None, None) for topic, offset in records])
    assert main(["--replay", str(log), "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_an_interval_of_more_than_a_day_is_a_literal_that_flink_reads():
    assert interval(86_400_000 + 60_000) == "INTERVAL '1 00:01:00' DAY TO SECOND"


@pytest.mark.parametrize(
    "path", sorted((files("flink_jobs") / "sql").iterdir()), ids=lambda path: path.name
)
def test_a_statement_says_what_it_guarantees(path):
    lines = path.read_text().splitlines()
    head = [line for line in lines if line.startswith("--")]
    assert head == lines[: len(head)]
    assert any(line.startswith("-- Guarantees: ") for line in head)
    assert sum(line.startswith(("CREATE", "INSERT")) for line in lines) == 1
