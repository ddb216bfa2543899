"""Write the handbook's payments and their features, for each bound, into a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from flink_jobs.simulator.handbook import (
    DAY_SECONDS,
    customers,
    payments,
    plant_frauds,
    reachable,
    terminals,
)
from flink_jobs.simulator.handbook_features import features

BOUNDS = (0, 1, 30, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 259_200)
"""Seconds: none, one, the course's, an hour, 3, 6 and 12 hours, a day, two days, three days."""

FIRST_DAY, LAST_DAY = 115, 135
"""From the first day of training to the last one of the test."""


def main(folder: Path) -> None:
    """Write `payments.npz` and a `bound_N.npy` for each bound."""
    folder.mkdir(parents=True, exist_ok=True)
    people = customers()
    labelled = plant_frauds(payments(people, reachable(people, terminals())))
    day = labelled.payments.seconds // DAY_SECONDS
    used = (day >= FIRST_DAY) & (day <= LAST_DAY)
    np.savez(
        folder / "payments.npz",
        day=day[used],
        customer=labelled.payments.customer[used],
        fraud=(labelled.scenario[used] > 0).astype(np.int64),
    )
    for bound in BOUNDS:
        np.save(folder / f"bound_{bound}.npy", features(labelled, bound)[used])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
