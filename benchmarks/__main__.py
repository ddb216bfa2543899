"""`make bench`: print the table and write it as JSON. PEERS=1 runs other engines beside ours."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import core, flink, grading, labs, memory, pipeline, recovery
from benchmarks import figures as drawing
from benchmarks.measure import Figure

RESULT = Path(".study") / "bench.json"


def main() -> None:
    """Run every section; the numbers are those of this machine, the ratios hold elsewhere."""
    console = Console()
    sections = [
        core.measure,
        memory.measure,
        drawing.measure,
        labs.measure,
        pipeline.measure,
        flink.measure,
        recovery.measure,
        grading.measure,
    ]
    if os.environ.get("PEERS"):
        from benchmarks import peers  # noqa: PLC0415 - it installs other engines

        sections.append(peers.measure)
    figures: list[Figure] = []
    for measure in sections:
        with console.status(f"measuring {measure.__module__.split('.')[-1]}"):
            figures += measure()
    console.print(_table(figures))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(figures_as_objects(figures))))
    console.print(f"written to {RESULT}")


def figures_as_objects(figures: list[Figure]) -> list[dict[str, object]]:
    """Return the figures as JSON objects."""
    return [figure._asdict() for figure in figures]


def _table(figures: list[Figure]) -> Table:
    table = Table("section", "what", "rate", "unit", "ratio", "to", "goal")
    for figure in figures:
        table.add_row(
            figure.section,
            figure.name,
            f"{figure.rate:,.0f}",
            figure.unit,
            f"{figure.ratio:.2f}",
            figure.baseline,
            figure.goal,
        )
    return table


if __name__ == "__main__":
    main()
