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
from nbformat.v4 import new_code_cell

from benchmarks.measure import Figure, take_turns
from studykit.course.builder.cells import dump, load
from studykit.course.layout import Course
from studykit.exercises.catalog import find_lab, labs
from studykit.exercises.definition import Lab

CLONE = Course.of_clone()
CHECKED = find_lab("03")
SPOILT = find_lab("05")
"""The lab whose wrong answers take longest."""

SPOIL = """
def spoilt(answer):
    def wrong(*args):
        value = answer(*args)
        return other(value) if len(repr(args)) % 3 or not args else value
    return wrong

def other(value):
    if isinstance(value, list):
        return value[1:] or [7]
    if isinstance(value, dict):
        return {**value, min(value, default="x"): other(value.get(min(value, default="x"), 0))}
    return value[1:] if isinstance(value, str) else 7 if value is None else value + 7

"""
"""Makes answers wrong in two cases of three, each in a way of its own: no slip gives that."""

COMMAND = "from studykit.cli.app import app; app()"

BARE_NOTEBOOK = """
import studykit
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
NotebookClient(new_notebook(cells=[new_code_cell("pass")])).execute()
"""
"""The least that a notebook in a kernel of its own costs."""


def measure() -> list[Figure]:
    """Measure the slowest check cells of all labs, and the command for a whole lab.

    Both are measured of right answers, and of wrong ones that no name fits, which take longest.
    """
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        passing, failing = slowest_check(home, ""), slowest_check(home, SPOIL)
        return [passing, failing, command(home, CHECKED), command(home, SPOILT, SPOIL)]


def slowest_check(home: Path, spoil: str) -> Figure:
    """Measure every check cell of every solution beside an empty cell; return the slowest.

    Args:
        home: Where progress is kept.
        spoil: Code that makes the answers of a lab wrong; empty to leave them right.
    """
    what = "failing" if spoil else "passing"
    slowest = Figure("labs", "", 0, "ms", 0, "an empty cell", "<= 300")
    for lab in labs():
        with solved(lab, home) as client:
            if spoil:
                run(client, spoil + spoiling(lab))
            cells = {
                exercise.id: partial(run, client, f'lab.check("{exercise.id}")')
                for exercise in lab.exercises
            }
            times = take_turns({**cells, "empty": partial(run, client, "pass")})
        for name in cells:
            taken_s = times[name].wall_s
            if taken_s * 1_000 > slowest.rate:
                slowest = slowest._replace(
                    name=f"slowest {what} check cell: {name}",
                    rate=taken_s * 1_000,
                    ratio=taken_s / times["empty"].wall_s,
                )
    return slowest


def command(home: Path, lab: Lab, spoil: str = "") -> Figure:
    """Measure `study check` of a solved lab beside a bare notebook of one empty cell."""
    clone = home / ("spoilt" if spoil else "clone")
    shutil.copytree(CLONE.root / "studykit", clone / "studykit")
    (clone / "labs").mkdir()
    notebook = load(CLONE.solutions / f"{lab.name}.ipynb")
    if spoil:
        notebook["cells"].append(new_code_cell(spoil + spoiling(lab)))
    (clone / "labs" / f"my_{lab.name[:5]}.ipynb").write_text(dump(notebook))
    check = partial(python, home, clone, COMMAND, "check", lab.name[:5])
    times = take_turns({"check": check, "bare": partial(python, home, clone, BARE_NOTEBOOK)})
    taken_s, bare_s = times["check"].wall_s, times["bare"].wall_s
    what = "study check {}, all wrong" if spoil else "study check {}"
    return Figure("labs", what.format(lab.name[:5]), taken_s * 1_000, "ms", taken_s / bare_s,
                  "a notebook of one empty cell", "<= 3,000")  # fmt: skip


def spoiling(lab: Lab) -> str:
    """Return code that makes every answer of a lab wrong in some cases."""
    names = [exercise.name for exercise in lab.exercises]
    return "\n".join(f"{name} = spoilt({name})" for name in names)


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
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environ, cwd=clone, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr  # 1: some answer is wrong


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing counts as anybody's progress."""
    return {**os.environ, "STUDY_HOME": str(home), "STUDY_PROGRESS": str(home / "progress.json")}
