"""The recorded figures of the handbook's forest are the published ones, within a hundredth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RECORD = Path(__file__).resolve().parents[2] / "benchmarks" / "handbook" / "recorded.jsonl"


def test_without_a_wait_the_figures_are_those_of_the_book() -> None:
    plain = json.loads(RECORD.read_text().splitlines()[0])
    assert plain["bound_seconds"] == 0
    assert (plain["train"], plain["test"], plain["frauds"]) == (67_240, 58_264, 385)
    assert plain["auc"] == pytest.approx(0.867, abs=0.01)
    assert plain["ap"] == pytest.approx(0.658, abs=0.01)
    assert plain["cp_100"] == pytest.approx(0.287, abs=0.01)
