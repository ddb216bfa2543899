"""Cells in a shell like Jupyter's, in a process of their own; and what their functions answer."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from studykit.checks.judging import cases_of, judge
from studykit.checks.running import run_cases
from studykit.exercises.definition import Lab

_fork = multiprocessing.get_context("fork")
Shell = Callable[[], Any]


def plain_shell() -> Any:
    """Return a shell as in Jupyter, where commands work and print nothing, and plots are shown."""
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    config = Config()
    config.HistoryManager.enabled = False  # it has a thread, and forks would share it
    shell = InteractiveShell.instance(config=config)
    shell.showtraceback = shell.showsyntaxerror = lambda *_args, **_more: None
    shell.system = lambda *_: None
    shell.getoutput = lambda *_args, **_more: []
    nothing = dict.fromkeys(("pip", "matplotlib", "config"), lambda *_: None)
    shell.magics_manager.magics["line"].update(nothing)
    return shell


class Warm:
    """A process that holds a fresh shell and forks a copy of itself for each notebook."""

    def __init__(self, lab: Lab, make: Shell) -> None:
        """Start it; `make` makes the shell, and exercises of `lab` are asked for."""
        self._lab = lab
        self._pipe, theirs = _fork.Pipe()
        self._process = _fork.Process(target=_serve, args=(theirs, self._pipe, lab, make))
        self._process.start()
        theirs.close()

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.join()

    def verdicts(
        self, cells: Sequence[str], folder: Path, files: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Run cells in `folder`, with `files` in it; return each exercise's status or `missing`."""
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        self._pipe.send((list(cells), folder))
        found = json.loads(self._pipe.recv())
        return {
            exercise.id: judge(exercise, cases_of(exercise), found[exercise.id]).status
            if found[exercise.id]
            else "missing"
            for exercise in self._lab.exercises
        }


def _serve(pipe: Connection, other: Connection, lab: Lab, make: Shell) -> None:
    other.close()
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.path.insert(0, "")
    shell = make()
    cases = {exercise.name: cases_of(exercise) for exercise in lab.exercises}
    while True:
        try:
            cells, folder = pipe.recv()
        except EOFError:
            os._exit(0)
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            for cell in cells:
                shell.run_cell(cell, store_history=False)
            found = {}
            for exercise in lab.exercises:
                function = shell.user_ns.get(exercise.name)
                there = callable(function)
                found[exercise.id] = run_cases(function, cases[exercise.name]) if there else None
            pipe.send(json.dumps(found))
            os._exit(0)
        os.waitpid(child, 0)
