"""The Python that Flink calls for its Python functions, where Flink runs inside this process.

For every pipeline with Python functions Flink starts a Python, whose task is to bring up a worker.
Where Flink runs in the process of its client, the worker is a thread of that process (*loopback*),
and the new Python only asks for that thread. Flink's code for asking loads Beam and pandas, which
takes seconds. Here the same code runs while those packages are hollow: empty modules whose
submodules can be imported.

This module is installed as the command `flink-worker-boot`, because Flink wants the path of a
program that takes Python's arguments.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

COMMAND: Final = "flink-worker-boot"
_BOOT: Final = "pyflink.fn_execution.beam.beam_boot"
_HOLLOW: Final = ("apache_beam", "pyflink", "pyflink.fn_execution", "pyflink.fn_execution.beam")
_IN_LOOPBACK: Final = "PYTHON_LOOPBACK_SERVER_ADDRESS"
"""The variable by which Flink names the address of the process that makes a thread the worker."""


def python_for_workers() -> str:
    """Return the program to name in Flink's option `python.executable`.

    Where this project is not installed beside Python, the program is Python itself: slower by
    seconds a pipeline, and otherwise the same.
    """
    command = Path(sys.executable).with_name(COMMAND)
    return str(command) if os.access(command, os.X_OK) else sys.executable


def main() -> None:
    """Ask for a worker in loopback; pass every other call on to Python, with its arguments."""
    arguments = sys.argv[1:]
    if _IN_LOOPBACK not in os.environ or arguments[:2] != ["-m", _BOOT]:
        # In this process's place: Flink waits for, and kills, the process that it has started.
        os.execv(sys.executable, [sys.executable, *arguments])
    for name in _HOLLOW:
        _hollow(name)
    sys.argv = [_BOOT, *arguments[2:]]
    runpy.run_module(_BOOT, run_name="__main__")


def _hollow(name: str) -> None:
    """Put an empty module in the package's place: submodules load, its own `__init__` does not."""
    above = sys.modules.get(name.rpartition(".")[0])
    found = PathFinder.find_spec(name, None if above is None else above.__path__)
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError(f"there is no package {name}")
    package = ModuleType(name)
    package.__path__ = list(found.submodule_search_locations)
    sys.modules[name] = package


if __name__ == "__main__":
    main()
