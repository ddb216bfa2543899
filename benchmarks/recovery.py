"""How long the production job is away after a kill -9: until it has committed newer output.

Checkpoints are a second apart here. The job reads, computes and commits events that were sent after
the kill before the clock stops; what was killed is started again at once.

The cluster is that of the tests: its TaskManager compiles less than the one that `make up FLINK=1`
starts, and so begins sooner.
"""

from __future__ import annotations

from typing import Final

from benchmarks.measure import Figure
from tests.support.worlds.chaos import DISTURBANCES
from tests.support.worlds.stage import Stage

KILLS: Final = ("kill TaskManager", "kill Python worker", "kill JobManager", "kill broker")


def measure() -> list[Figure]:
    """Kill each part once while events flow, and time the recoveries.

    Raises:
        AssertionError: The job did not recover, or what it wrote is not exactly once.
    """
    with Stage.open(seed=5) as stage:
        seconds = {kind: stage.disturb(DISTURBANCES[kind]) for kind in KILLS}
        assert stage.finish().exactly_once
    first = seconds[KILLS[0]]
    return [
        Figure("recovery", kind.replace("kill", "kill -9 the"), took, "s", took / first, KILLS[0])
        for kind, took in seconds.items()
    ]
