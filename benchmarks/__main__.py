"""`make bench`: print the table as it grows, and write it as JSON.

ONLY="flink labs" measures these sections alone; PEERS=1 runs other engines beside ours; BEFORE=DIR
starts the production job also as it is in another worktree. What is measured is told on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from benchmarks.measure import Figure
from studykit.services.supervision.leash import hold_leash

RESULT: Final = Path(".study") / "bench.json"

SECTIONS: Final = (
    "core", "memory", "figures", "labs", "pipeline", "stages", "flink", "recovery", "grading"
)  # fmt: skip
"""Modules of this package; each has a `measure`, which returns its figures or yields them."""


def main(chosen: list[str]) -> None:
    """Measure the sections; the numbers are those of this machine, the ratios hold elsewhere."""
    console = Console(highlight=False, soft_wrap=True)
    known = [*SECTIONS, "peers"]
    if unknown := set(chosen) - set(known):
        sys.exit(
            f"there is no section {', '.join(sorted(unknown))}: choose from {', '.join(known)}"
        )
    sections = chosen or (known if os.environ.get("PEERS") else SECTIONS)
    hold_leash()
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # or it tells in the table of every fork
    # All before the first of them runs Flink, which leaves addresses of its own in the environment.
    measures: dict[str, Callable[[], Iterable[Figure]]] = {
        section: import_module(f"benchmarks.{section}").measure for section in sections
    }
    figures: list[Figure] = []
    console.print(_line("section", "what", "rate", "unit", "ratio", "of", "goal"), style="bold")
    for measure in measures.values():
        for figure in measure():
            figures.append(figure)
            rate, ratio = f"{figure.rate:,.0f}", f"{figure.ratio:.2f}"
            console.print(
                _line(
                    figure.section,
                    figure.name,
                    rate,
                    figure.unit,
                    ratio,
                    figure.baseline,
                    figure.goal,
                )
            )
    RESULT.parent.mkdir(exist_ok=True)
    objects = [figure._asdict() for figure in figures]
    RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(objects)))
    console.print(f"written to {RESULT}")


def _line(section: str, what: str, rate: str, unit: str, ratio: str, of: str, goal: str) -> str:
    return f"{section:9} {what:52} {rate:>10} {unit:13} {ratio:>7}  {of:36} {goal}"


if __name__ == "__main__":
    main(sys.argv[1:])
