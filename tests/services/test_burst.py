"""The late burst of lab 14: what is dead is a fact of the log, and the processor agrees."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from flink_jobs.config import Settings
from flink_jobs.connectors.log_file import LogRecord
from flink_jobs.events import TRANSACTIONS
from flink_jobs.processor.replay import replay
from flink_jobs.simulator.golden import START_MS
from studykit.exercises.lab14_troubles.e5_settings_for import EXERCISE
from studykit.services import burst
from studykit.services.burst import BurstRig


def _misconception(name: str) -> object:
    answers = {wrong.name: wrong.answer for wrong in EXERCISE.misconceptions}
    asked = (burst.CHOICES_MS, burst.DEAD_BELOW_PERCENT, burst.P95_BELOW_MS)
    return answers[name](burst.burst_delays(), *asked)


@pytest.mark.parametrize(
    ("bound_ms", "lateness_ms"),
    [(2_000, 0), (4_000, 8_000), (12_000, 0), (8_000, 2_000), (0, 1_000)],
)
def test_who_is_dead_is_who_exceeds_bound_and_lateness(bound_ms: int, lateness_ms: int) -> None:
    delays_ms = burst.burst_delays()
    records = [
        LogRecord(
            TRANSACTIONS, 0, offset, START_MS + 10_000_000_000,
            payment.card_id.encode(), msgspec.json.encode(payment),
        )
        for offset, payment in enumerate(burst.burst_payments(delays_ms))
    ]  # fmt: skip
    settings = Settings(
        window_size_minutes=1,
        window_slide_seconds=60,
        max_out_of_orderness_seconds=bound_ms // 1_000,
        allowed_lateness_seconds=lateness_ms // 1_000,
    )
    letters = replay(records, settings)[0].letters
    late = {2 * place + 1 for place, d in enumerate(delays_ms) if d > bound_ms + lateness_ms}
    assert {letter.offset for letter in letters} == late


def test_the_right_pair_reaches_both_numbers_and_three_misconceptions_do_not() -> None:
    delays_ms = burst.burst_delays()
    asked = (burst.CHOICES_MS, burst.DEAD_BELOW_PERCENT, burst.P95_BELOW_MS)

    def reached(pair: list[int]) -> bool:
        dead = {place for place, delay in enumerate(delays_ms) if delay > sum(pair)}
        return "\nreached" in burst.verdict(delays_ms, dead, *pair)

    right = EXERCISE.reference(delays_ms, *asked)
    assert reached(right)
    assert not reached(_misconception("bound-from-the-mean"))  # type: ignore[arg-type]
    assert not reached([12_000, 0])
    assert _misconception("bound-alone") is None


@pytest.mark.parametrize("answer", [None, [2_000], [1_500, 0], "no", [[2_000], 0]])
def test_settings_that_cannot_be_tried_start_nothing(
    answer: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = BurstRig(home=tmp_path / "rig")
    rig.show(lambda *_: answer)
    said = capsys.readouterr().out
    assert "your settings_for returns" in said
    assert "nothing was running" in said
    assert not (tmp_path / "rig").exists()


@pytest.mark.services
@pytest.mark.slow
def test_the_cell_counts_the_dead_letters_of_a_real_broker_and_stops_all(tmp_path, capsys) -> None:
    BurstRig(home=tmp_path / "burst").show(lambda *_: [2_000, 0])
    *_, told, reached, stopped = capsys.readouterr().out.splitlines()
    assert told.startswith("bound 2000, lateness 0: 12 of 300 dead (4.0 %)")
    assert reached.startswith("not reached: ")
    assert stopped == "stopped and removed"


@pytest.mark.services
@pytest.mark.slow
def test_a_processor_that_reads_nothing_leaves_no_success(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(burst, "environment", lambda *_: {"WINDOW_SIZE_MINUTES": "none"})
    BurstRig(home=tmp_path / "burst").show(lambda *_: [4_000, 8_000])
    *_, told, stopped = capsys.readouterr().out.splitlines()
    assert told.startswith("the processor has not read the log to its end: ")
    assert "WINDOW_SIZE_MINUTES" in told
    assert stopped == "stopped and removed"


def test_a_function_that_fails_is_a_sentence_before_anything_starts(tmp_path, capsys) -> None:
    BurstRig(home=tmp_path / "burst").show(lambda *_: 1 / 0)
    assert capsys.readouterr().out.splitlines() == [
        "your function stops with ZeroDivisionError: division by zero. Let its check pass first.",
        "nothing was running",
    ]
