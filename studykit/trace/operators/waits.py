"""What a wait costs a model: the average precision of one forest for each bound, and of others."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct


class Wait(Struct, frozen=True):
    """A bound and the average precision, from 0 to 1, of a model whose features wait for it."""

    bound_seconds: int
    precision: float


class Waits(Struct, frozen=True):
    """Models that differ only in how long their features wait.

    Attributes:
        waits: By bound, the smallest first; the seed of every model is the same.
        lowest: The smallest average precision of the seeds, all without a wait.
        highest: The largest one.
    """

    waits: tuple[Wait, ...]
    lowest: float
    highest: float

    def beyond(self, wait: Wait) -> bool:
        """Tell whether a bound costs more than what two seeds differ by: the range of all seeds.

        The cost is counted from the model of the same seed that does not wait.
        """
        return self.waits[0].precision - wait.precision > self.highest - self.lowest


def recorded_waits(path: Path) -> Waits:
    """Return what `benchmarks/handbook/run.sh` has printed: a line of JSON for each forest."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    waits = sorted(
        (Wait(line["bound_seconds"], line["ap"]) for line in lines if line["seed"] == 0),
        key=lambda wait: wait.bound_seconds,
    )
    spread = [line["ap"] for line in lines if line["bound_seconds"] == waits[0].bound_seconds]
    return Waits(tuple(waits), min(spread), max(spread))
