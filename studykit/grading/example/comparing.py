"""Whether the example class got the gradebook that it must get."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

GRADEBOOK: Final = Path(__file__).with_name("gradebook.csv")
"""What the class must get on every machine; how a machine isolates is not compared."""


def differences(gradebook: Path) -> list[str]:
    """Return a sentence for each mark that is not the committed one."""
    return list(_differing(_rows(GRADEBOOK), _rows(gradebook)))


def _differing(
    wanted: dict[str, dict[str, str]], found: dict[str, dict[str, str]]
) -> Iterator[str]:
    for student in sorted(wanted.keys() | found.keys()):
        if student not in found or student not in wanted:
            yield f"{student}: only in {'the committed one' if student in wanted else 'this one'}"
            continue
        for name, value in wanted[student].items():
            given = found[student].get(name, "")
            if given != value:
                yield f"{student}, {name}: {given or 'nothing'} in place of {value or 'nothing'}"


def _rows(path: Path) -> dict[str, dict[str, str]]:
    """Return the lines of a gradebook by student, without how the machine isolates."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["student"]: {name: text for name, text in row.items() if name != "isolation"}
        for row in rows
    }
