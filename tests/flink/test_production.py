"""The payments of lesson 12: enough of every trouble, and nothing of them vanishes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest

from flink_jobs.connectors.log_file import read_log
from flink_jobs.features.row import encode_row
from studykit.errors import StudyError
from studykit.flink import production

PAYMENTS = production.payments(400)
CLOSED = [*PAYMENTS, *production.a_day_later(PAYMENTS)]


def test_the_payments_have_every_kind_of_trouble_and_use_every_partition():
    _, letters = production.by_processor(CLOSED)
    assert {letter.reason for letter in letters} == {
        "late",
        "partial_late",
        "malformed",
        "future_timestamp",
    }
    assert {payment.partition for payment in PAYMENTS} == {0, 1, 2, 3}


def test_a_day_later_every_payment_is_in_its_five_windows_or_in_a_letter():
    rows, letters = production.by_processor(CLOSED)
    counted = sum(row.features.tx_count for row in rows)
    reasons = Counter(letter.reason for letter in letters)
    refused = reasons["late"] + reasons["malformed"] + reasons["future_timestamp"]
    missed = sum(
        len(letter.missed_windows or ()) for letter in letters if letter.reason == "partial_late"
    )
    assert counted == 5 * (len(PAYMENTS) - refused) - missed


def test_a_row_in_a_topic_is_found_by_its_window():
    row = production.by_processor(CLOSED)[0][0]
    record = PAYMENTS[0].__class__("features-fraud", 0, 0, 0, None, encode_row(row))
    assert production.window_of(record) == (row.key, row.window_end)
    assert production.features_of(record) == json.loads(encode_row(row))["features"]


def test_a_file_holds_the_same_payments(tmp_path: Path):
    log = production.write_payments(tmp_path / "log.jsonl", 400)
    assert list(read_log(log)) == PAYMENTS


def test_a_rig_that_never_started_stops_without_ado(tmp_path: Path):
    rig = production.JobRig(tmp_path / "rig")
    for action in (rig.wait_until_read, lambda: rig.send([]), lambda: rig.features("any")):
        with pytest.raises(StudyError, match="run the cell with"):
            action()
    assert rig.stop() == "nothing was running"


def test_a_job_whose_kafka_is_gone_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waited = []
    rig = production.JobRig(tmp_path / "rig")
    monkeypatch.setattr(rig, "_running", lambda: "a job")
    monkeypatch.setattr(production.process, "stop", lambda _, seconds: waited.append(seconds))
    assert rig.stop_program()
    assert waited == [0]


def test_a_cell_that_sends_again_counts_all_that_kafka_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Client:
        """A producer and a consumer of one log."""

        log: ClassVar[list[object]] = []

        def __init__(self, **_: object) -> None:
            self.assign = self.flush = self.close = lambda *_: None

        def send(self, topic: str, *_: object, partition: int) -> None:
            self.log.append(partition)

        def assignment(self) -> set[int]:
            return {0, 1, 2, 3}

        def end_offsets(self, places: list[int]) -> dict[int, int]:
            return {place: self.log.count(place) for place in places}

    for name in ("KafkaProducer", "KafkaConsumer"):
        monkeypatch.setattr(production, name, Client)
    rig = production.JobRig(tmp_path / "rig")
    monkeypatch.setattr(rig, "require_services", lambda: None)
    assert [rig.send(PAYMENTS[:30]) for _ in range(2)] == [30, 60]


@pytest.mark.services
def test_without_a_job_a_cell_says_which_one_to_run(services, kafka_servers, tmp_path: Path):
    rig = production.JobRig(tmp_path / "rig")
    rig.kafka = services.kafka
    with pytest.raises(StudyError, match=r"the job does not run.*run the cell that starts it"):
        rig.records("features-fraud", at_least=1_000_000)
