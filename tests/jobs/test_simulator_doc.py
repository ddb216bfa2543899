"""The examples in the simulator's documentation are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import flink_jobs.simulator

MODULES = [
    f"flink_jobs.simulator.{module.name}" for module in iter_modules(flink_jobs.simulator.__path__)
]


@pytest.mark.parametrize("name", [*MODULES, "studykit.seed"])
def test_examples(name):
    assert doctest.testmod(import_module(name)).failed == 0
