"""What a wait costs is read from the record, and set against the range of the seeds."""

from __future__ import annotations

import json
from pathlib import Path

from studykit.trace.operators.waits import Wait, Waits, recorded_waits

RECORD = Path(__file__).resolve().parents[3] / "benchmarks" / "handbook" / "recorded.jsonl"


def test_other_seeds_are_the_spread_and_no_wait(tmp_path: Path) -> None:
    lines = [(0, 0, 0.66), (30, 0, 0.65), (1, 0, 0.64), (0, 1, 0.67), (0, 2, 0.655)]
    record = tmp_path / "record.jsonl"
    record.write_text(
        "\n".join(
            json.dumps({"bound_seconds": bound, "seed": seed, "ap": precision})
            for bound, seed, precision in lines
        )
    )
    waits = recorded_waits(record)
    assert waits == Waits((Wait(0, 0.66), Wait(1, 0.64), Wait(30, 0.65)), 0.655, 0.67)


def test_a_loss_as_large_as_the_range_of_the_seeds_is_not_beyond_it() -> None:
    waits = Waits((Wait(0, 0.75), Wait(1, 0.5), Wait(2, 0.25)), 0.5, 0.75)
    assert [waits.beyond(wait) for wait in waits.waits] == [False, False, True]


def test_the_record_has_a_curve_and_a_spread() -> None:
    waits = recorded_waits(RECORD)
    assert len(waits.waits) >= 8
    assert waits.waits[0].bound_seconds == 0
    assert waits.lowest < waits.highest
    assert not waits.beyond(waits.waits[2])
    assert waits.beyond(waits.waits[-1])
