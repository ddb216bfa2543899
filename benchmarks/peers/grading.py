"""nbgrader and otter-grader beside ours, each in an environment of its own: the same answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.grading import LAB, MAKER, UNIT, graded_rate
from benchmarks.measure import Figure
from benchmarks.peers.environment import environment, run
from studykit.grading.example.maker import answer_cell

GRADERS: Final = {
    "nbgrader==0.9.6": ("nbgrader_class.py", ()),
    "otter-grader==7.0.0": ("otter_class.py", ("ipykernel",)),
}
"""By package: the script that grades a class with it, and what it does not install itself."""
COUNT: Final = 12
"""Enough for a rate: one submission after the other, as they do it."""

_PREAMBLE: Final = """
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
""".strip()


def measure() -> list[Figure]:
    """Let each grade the same right answers, with its checks in the notebook's own kernel.

    Raises:
        AssertionError: One of them did not give all points.
    """
    rates = {}
    for package, (script, more) in GRADERS.items():
        python = environment(package.partition("=")[0], (package, *more))
        with TemporaryDirectory(prefix="study-") as room:
            lab = Path(room, "lab.json")
            lab.write_text(json.dumps(as_plain_lab()), "utf-8")
            found = run(python, script, str(lab), str(COUNT), f"{room}/class")
        if found["rows"] != [[len(LAB.exercises)] * COUNT]:
            raise AssertionError(f"{package} gives other points: {found['rows']}")
        rates[package] = 60 * COUNT / float(found["wall_s"])
    ours, level = graded_rate("fork", len(os.sched_getaffinity(0)))
    best = max(rates, key=lambda package: rates[package])
    return [
        Figure("peers", f"grading: ours, isolation {level}", ours, UNIT, ours / rates[best], best),
        *(
            Figure("peers", f"grading: {package}, not isolated", rate, UNIT, 1, "itself")
            for package, rate in rates.items()
        ),
    ]


def as_plain_lab() -> dict[str, Any]:
    """Return the lab without our checks: right answers, and a test of each on its public cases."""
    solved = MAKER.solved()
    exercises = [
        {
            "name": exercise.name,
            "answer": answer_cell(solved, exercise.name)["source"],
            "tests": "\n".join(
                f"assert {exercise.name}(*{case!r}) == {exercise.expected(case)!r}"
                for case in exercise.cases
            ),
        }
        for exercise in LAB.exercises
    ]
    return {"preamble": _PREAMBLE, "exercises": exercises}
