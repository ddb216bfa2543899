"""How a lab finds its exercises: every module `eN_name` of its package defines `EXERCISE`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from studykit.exercises.definition import Lab


def collect(package: str, path: Iterable[str], title: str) -> Lab:
    """Return the lab of a package, its exercises in the order of their numbers.

    Args:
        package: The package's `__name__`.
        path: The package's `__path__`.
        title: What the lab is about, in a few words.
    """
    names = [module.name for module in pkgutil.iter_modules(path) if _is_exercise(module.name)]
    names.sort(key=lambda name: int(name.partition("_")[0][1:]))
    exercises = tuple(import_module(f"{package}.{name}").EXERCISE for name in names)
    return Lab(name=package.rpartition(".")[2], title=title, exercises=exercises)


def _is_exercise(name: str) -> bool:
    return name.startswith("e") and name.partition("_")[0][1:].isdigit()
