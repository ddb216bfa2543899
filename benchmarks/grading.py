"""Grading: clean submissions of a five-exercise lab a minute, by each engine and by testbook."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from testbook import testbook

from benchmarks.measure import Figure
from studykit.course.layout import Course
from studykit.exercises.catalog import find_lab
from studykit.grading.example.maker import Maker, as_bytes
from studykit.grading.example.students import SECRET
from studykit.grading.run import EngineName, Order, Run, grade_all

LAB: Final = find_lab("01")
MAKER: Final = Maker(LAB, Course.of_clone())
CLASS: Final[dict[EngineName, int]] = {"fork": 400, "testbook": 40}
"""How many submissions each engine grades: enough that its start no longer counts."""
PLAIN: Final = 6
QUIET: Final = "--IPKernelApp.log_level=ERROR"
"""A kernel warns that others on this machine could listen; it would do so in the table."""
UNIT: Final = "submissions/min"


def measure() -> list[Figure]:
    """Grade clean submissions with full isolation, and run some with testbook and without any."""
    workers = len(os.sched_getaffinity(0))
    plain = plain_rate()
    figures = [
        Figure("grading", "plain testbook, not isolated, no marks", plain, UNIT, 1, "itself")
    ]
    for engine, goal in (("fork", ">= 1,000"), ("testbook", ">= 150")):
        rate, level = graded_rate("fork" if engine == "fork" else "testbook", workers)
        name = f"{engine} engine, {workers} workers, isolation {level}"
        figures.append(Figure("grading", name, rate, UNIT, rate / plain, "plain testbook", goal))
    return figures


def graded_rate(engine: EngineName, workers: int) -> tuple[float, str]:
    """Return submissions a minute from the command to the gradebook, and the level of isolation.

    Raises:
        AssertionError: One of them did not get all points.
    """
    count = CLASS[engine]
    with class_of(count) as folder:
        order = Order(
            submissions=folder / "in",
            lab=LAB,
            out=folder / "out",
            secret=SECRET,
            workers=workers,
            engine=engine,
        )
        runs: list[Run] = []
        begun = time.perf_counter()
        marks = grade_all(order, Course.of_clone(), runs.append, _ignore, _ignore)
        seconds = time.perf_counter() - begun
    everything = sum(exercise.points for exercise in LAB.exercises)
    wrong = [mark.student for mark in marks if mark.total != everything]
    if wrong:
        raise AssertionError(f"{wrong[0]} and {len(wrong) - 1} others did not get all points")
    return 60 * count / seconds, runs[0].findings.level


def plain_rate() -> float:
    """Return submissions a minute where testbook runs them and asks for each public case.

    Raises:
        AssertionError: A value is not as expected.
    """
    with class_of(PLAIN) as folder:
        os.environ["STUDY_PROGRESS"] = str(folder / "progress.json")
        begun = time.perf_counter()
        for path in sorted((folder / "in").rglob("*.ipynb")):
            with testbook(path, execute=True, extra_arguments=[QUIET]) as book:
                for exercise in LAB.exercises:
                    found = book.value(
                        f"[{exercise.name}(*arguments) for arguments in {exercise.cases!r}]"
                    )
                    wanted = [exercise.expected(case) for case in exercise.cases]
                    if found != wanted:
                        raise AssertionError(f"{exercise.id}: {found} in place of {wanted}")
        seconds = time.perf_counter() - begun
        del os.environ["STUDY_PROGRESS"]
    return 60 * PLAIN / seconds


@contextmanager
def class_of(count: int) -> Iterator[Path]:
    """Write so many solved notebooks below `in`, one folder for each student."""
    data = as_bytes(MAKER.solved())
    with TemporaryDirectory(prefix="study-") as room:
        for number in range(count):
            home = Path(room, "in", f"student-{number:04}")
            home.mkdir(parents=True)
            (home / f"{LAB.name}.ipynb").write_bytes(data)
        yield Path(room)


def _ignore(*_: object) -> None:
    pass
