"""The labs: how long a learner waits for a check, in a notebook and on the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from benchmarks.measure import Figure, take_turns
from studykit.course.builder.cells import load
from studykit.course.layout import Course
from studykit.exercises.catalog import find_lab, labs
from studykit.exercises.definition import Lab

CLONE = Course.of_clone()
CHECKED = find_lab("03")

COMMAND = "from studykit.cli.app import app; app()"

BARE_NOTEBOOK = """
import studykit
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
NotebookClient(new_notebook(cells=[new_code_cell("pass")])).execute()
"""
"""The least that a notebook in a kernel of its own costs."""


def measure() -> list[Figure]:
    """Measure the slowest check cell of all labs, and the command for a whole lab."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        return [slowest_check(home), command(home)]


def slowest_check(home: Path) -> Figure:
    """Measure every check cell of every solution beside an empty cell; return the slowest."""
    slowest = Figure("labs", "", 0, "ms", 0, "an empty cell", "<= 300")
    for lab in labs():
        with solved(lab, home) as client:
            cells = {
                exercise.id: partial(run, client, f'lab.check("{exercise.id}")')
                for exercise in lab.exercises
            }
            times = take_turns({**cells, "empty": partial(run, client, "pass")})
        for name in cells:
            taken_s = times[name].wall_s
            if taken_s * 1_000 > slowest.rate:
                slowest = slowest._replace(
                    name=f"slowest check cell: {name}",
                    rate=taken_s * 1_000,
                    ratio=taken_s / times["empty"].wall_s,
                )
    return slowest


def command(home: Path) -> Figure:
    """Measure `study check` of a solved lab beside a bare notebook of one empty cell."""
    clone = home / "clone"
    shutil.copytree(CLONE.root / "studykit", clone / "studykit")
    (clone / "labs").mkdir()
    name = CHECKED.name
    shutil.copyfile(CLONE.solutions / f"{name}.ipynb", clone / "labs" / f"my_{name[:5]}.ipynb")
    check = partial(python, home, clone, COMMAND, "check", name[:5])
    times = take_turns({"check": check, "bare": partial(python, home, clone, BARE_NOTEBOOK)})
    taken_s, bare_s = times["check"].wall_s, times["bare"].wall_s
    return Figure("labs", f"study check {name[:5]}", taken_s * 1_000, "ms", taken_s / bare_s,
                  "a notebook of one empty cell", "<= 3,000")  # fmt: skip


@contextmanager
def solved(lab: Lab, home: Path) -> Iterator[BlockingKernelClient]:
    """Start a kernel in which the code of a solution has run, checks left out."""
    manager, client = start_new_kernel(
        env=environment(home), cwd=str(CLONE.solutions), stderr=subprocess.DEVNULL
    )
    try:
        for cell in load(CLONE.solutions / f"{lab.name}.ipynb")["cells"]:
            if cell["cell_type"] == "code" and "check" not in cell["metadata"].get("tags", ()):
                run(client, cell["source"])
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, code: str) -> None:
    """Run a cell to its end.

    Raises:
        AssertionError: It failed.
    """
    reply = client.execute_interactive(code, output_hook=lambda _message: None, timeout=60)
    assert reply["content"]["status"] == "ok", reply["content"]


def python(home: Path, clone: Path, code: str, *words: str) -> None:
    """Run a program of its own with the teaching tools of `clone`."""
    environ = {**environment(home), "PYTHONPATH": str(clone)}
    subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environ, cwd=clone, check=True, capture_output=True,
    )  # fmt: skip


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing counts as anybody's progress."""
    return {**os.environ, "STUDY_HOME": str(home), "STUDY_PROGRESS": str(home / "progress.json")}
