"""The Python that Flink calls for its Python functions, where Flink runs inside this process.

For every pipeline with Python functions Flink starts a Python, which is to bring up a worker. Where
Flink is in the process of its client, the worker is a thread there (*loopback*), and all that the
new Python does is to ask for it. Flink's own code loads Beam and pandas for that, which takes
seconds; here the same code of Flink's runs with those packages left hollow.

It is installed as the command `flink-worker-boot`, because Flink wants the path of a program that
can be called as Python is.
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
"""Set where a worker is to be a thread of the process that listens there."""


def python_for_workers() -> str:
    """Return the program to name in Flink's option `python.executable`.

    It is the plain Python where this project is not installed beside it, which is only slower.
    """
    command = Path(sys.executable).with_name(COMMAND)
    return str(command) if os.access(command, os.X_OK) else sys.executable


def main() -> None:
    """Ask for a worker in loopback; whatever else Flink wants of Python is left to Python."""
    arguments = sys.argv[1:]
    if _IN_LOOPBACK not in os.environ or arguments[:2] != ["-m", _BOOT]:
        os.execv(sys.executable, [sys.executable, *arguments])
    for name in _HOLLOW:
        _hollow(name)
    sys.argv = [_BOOT, *arguments[2:]]
    runpy.run_module(_BOOT, run_name="__main__")


def _hollow(name: str) -> None:
    """Put a package in place whose modules can be imported, without what it loads by itself."""
    above = sys.modules.get(name.rpartition(".")[0])
    found = PathFinder.find_spec(name, None if above is None else above.__path__)
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError(f"there is no package {name}")
    package = ModuleType(name)
    package.__path__ = list(found.submodule_search_locations)
    sys.modules[name] = package


if __name__ == "__main__":
    main()
