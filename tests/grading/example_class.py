"""An example class: thirty submissions of lab 01, as they come from a course.

    python -m tests.grading.example_class FOLDER

writes it, for trying `study grade` out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests.grading.hostile import CASES
from tests.grading.kit import LAB, as_bytes, misled, solved, untouched

SLOPPY = 'def to_ms(stamp):\n    """Convert."""\n    return int(stamp * 1e3)  # hope'
SPLIT = """
def digits(stamp):
    return len(str(stamp))


def to_ms(stamp):
    if digits(stamp) == 10:
        return stamp * 1_000
    return stamp if digits(stamp) == 13 else stamp // 1_000
"""
RANDOM = "import random\n\n\ndef to_ms(stamp):\n    return random.choice([stamp, stamp * 1_000])"


def _wrong(*chosen: tuple[int, int]) -> bytes:
    """Return a solution with misconceptions: (exercise, misconception), counted from 0."""
    answers = {}
    for number, which in chosen:
        exercise = LAB.exercises[number]
        bad = exercise.misconceptions[which % len(exercise.misconceptions)]
        answers[exercise.name] = misled(exercise, bad.name)
    return as_bytes(solved(answers))


def _half_done() -> bytes:
    notebook = untouched()
    done = {cell["id"]: cell for cell in solved()["cells"]}
    for cell in notebook["cells"][: len(notebook["cells"]) // 2]:
        cell["source"] = done[cell["id"]]["source"]
    return as_bytes(notebook)


NOTEBOOKS: dict[str, bytes] = {
    "abebe": as_bytes(solved()),
    "baker": as_bytes(solved({"to_ms": SPLIT})),
    "castro": as_bytes(untouched()),
    "dubois": _half_done(),
    "eriksson": _wrong((0, 0)),
    "fofana": _wrong((0, 1), (1, 0)),
    "garcia": _wrong((1, 1)),
    "haddad": _wrong((1, 1), (3, 0)),
    "ivanova": _wrong((2, 0)),
    "jansen": _wrong((2, 0), (4, 0)),
    "kimura": _wrong((2, 1), (3, 1)),
    "lopez": _wrong((3, 0)),
    "murphy": _wrong((3, 0), (4, 1)),
    "nguyen": _wrong((4, 0)),
    "okafor": _wrong((0, 2), (1, 2), (3, 2), (4, 2)),
    "petrov": _wrong((0, 3), (1, 3), (2, 3), (3, 3), (4, 3)),
    "quinn": as_bytes(solved({"to_ms": SLOPPY})),
    "rossi": as_bytes(solved({"to_ms": "def to_ms(stamp:\n    return stamp"})),
    "singh": as_bytes(solved({"to_ms": RANDOM})),
    "tanaka": as_bytes(solved({"to_ms": SPLIT.replace("digits", "n_digits")})),
    "ueda": as_bytes(solved())[:5_000],
    "valdez": b"",
}
"""By student."""

HOSTILE = {
    "weber": "edited-check",
    "xu": "exits-in-a-cell",
    "yilmaz": "endless-loop-in-a-call",
    "zuma": "memory-in-a-call",
    "mallory": "prints-without-end",
    "trudy": "link-to-a-file",
    "oscar": "zip-that-escapes",
    "eve": "patched-runner",
}
"""By student, the name of a case."""


def write_class(folder: Path) -> None:
    """Write the class to `folder`, one folder for each student."""
    cases = {case.name: case for case in CASES}
    makers: dict[str, Callable[[Path], None]] = {
        **{name: _writer(data) for name, data in NOTEBOOKS.items()},
        **{name: cases[case].make for name, case in HOSTILE.items()},
    }
    for name, make in makers.items():
        (folder / name).mkdir(parents=True)
        make(folder / name)


def _writer(data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / "lab01_clocks.ipynb").write_bytes(data) and None


if __name__ == "__main__":
    write_class(Path(sys.argv[1]))
