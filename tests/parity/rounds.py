"""`make chaos`: many rounds of chaos, and a table of them at the end.

    python -m tests.parity.rounds --rounds 20 --seed 7

Exit status: 0 where nothing differed from what the log calls for, else 1.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from studykit.services.supervision.leash import hold_leash
from tests.support.worlds.chaos import DISTURBANCES, schedule
from tests.support.worlds.fuzz import fuzz
from tests.support.worlds.stage import Outcome, Stage

_FUZZ_S = 3_600.0
"""How long the job may take for the mutated records, seconds of wall time."""
Recoveries = Mapping[str, Sequence[float]]
"""Seconds until the job worked again, by what was done to it."""


def main() -> int:
    """Play the rounds and print the table."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Disturb the production job.")
    parser.add_argument(
        "--rounds", type=_number, default=20, metavar="20", help="0 for none (default: 20)"
    )
    parser.add_argument(
        "--fuzz",
        type=int,
        default=200_000,
        metavar="200000",
        help="mutated records through both executions, before the rounds; 0 for none",
    )
    parser.add_argument("--seed", type=int, help="decides traffic, order and points of the kills")
    options = parser.parse_args()
    seed = random.randrange(10_000) if options.seed is None else options.seed
    hold_leash()
    console = Console()
    alike = options.fuzz == 0 or _fuzz(options.fuzz, console)
    if options.rounds == 0:
        return 0 if alike else 1
    console.print(f"SEED={seed}: starting broker, store, cluster and job")
    recoveries, outcome = play(seed, options.rounds, console)
    console.print(table(recoveries, outcome))
    for name, (expected, counted) in outcome.ledgers.items():
        console.print(f"{name}: K x accepted - missed = {expected}, the windows count {counted}")
    sent, read, lost = outcome.records
    console.print(f"{sent} records = {read} read, in {outcome.eras} eras, + {lost} known as lost")
    console.print(f"{outcome.rows} rows, {outcome.letters} dead letters, {outcome.differences}")
    console.print("exactly once" if outcome.exactly_once else "NOT exactly once", style="bold")
    return 0 if outcome.exactly_once and alike else 1


def _fuzz(count: int, console: Console) -> bool:
    """Send records of every shape and codec; say and return whether both executions judge alike."""
    console.print(f"{count:,} mutated records in every codec, through both executions")
    found = fuzz(count, _FUZZ_S)
    console.print(
        f"{found.records:,} records: {found.rows.total():,} rows, {found.letters.total():,} dead "
        f"letters, {found.differences:,} of these in one execution only"
    )
    return found.differences == 0


def play(seed: int, rounds: int, console: Console) -> tuple[Recoveries, Outcome]:
    """Play the rounds; say after each how long the recovery took.

    SIGINT (Ctrl-C) lets the round that is being played be the last one.
    """
    recoveries: dict[str, list[float]] = defaultdict(list)
    enough = threading.Event()
    with Stage.open(seed=seed) as stage:
        signal.signal(signal.SIGINT, lambda *_: enough.set())
        for number, kind in enumerate(schedule(random.Random(seed), rounds), start=1):
            if enough.is_set():
                break
            recoveries[kind].append(stage.disturb(DISTURBANCES[kind]))
            console.print(f"{number:>3}/{rounds} {kind:<24} {recoveries[kind][-1]:5.1f} s")
        return recoveries, stage.finish()


def table(recoveries: Recoveries, outcome: Outcome) -> Table:
    """Return the table: what was done, how often, and how long the recoveries took."""
    different = sum(outcome.differences)
    view = Table("what", "times", "median s", "longest s", title="rounds of chaos")
    for kind in DISTURBANCES:
        if took := recoveries.get(kind):
            view.add_row(kind, str(len(took)), f"{median(took):.1f}", f"{max(took):.1f}")
    view.caption = f"differences: {different}, dropped as late by Flink: {outcome.late_dropped}"
    return view


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds: 0 or more, as in 20")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
