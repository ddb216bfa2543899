"""What every test folder may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from flink_jobs.runtime.java import QUICK
from studykit.services.supervision.leash import hold_leash

if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker carries the leash of the run
    hold_leash(firm=True)

pytest_plugins = [
    "tests.support.services.shared",
    "tests.support.services.mini_cluster",
    "tests.support.minutes",
]

# How hard property tests look. No deadline: the machine may be busy.
settings.register_profile(
    "suite", deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

_NOTHING_MAY_BE_SKIPPED = os.environ.get("CI") == "true"
"""Continuous integration installs every component, so a skipped test there is a hole in it."""

_LET_GO_BY_PYFLINK = (r"<function Popen\.__del__", r"<_io\.FileIO name=\d+ mode=.[rw]b")
"""The process that it starts Java with, and its pipes. Elsewhere such a leak is ours."""

_LONGEST_FIRST = ("jvm", "browser", "services", "slow")
"""The marks of tests, by how long a file with them takes."""

os.environ.setdefault("JVM_ARGS", " ".join(["-Xmx1g", *QUICK]))  # before a test looks at them


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", action="store_true", help="keep a picture of every lesson in the browser"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "claim(*ids): proves what the course says, by its ids")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files that take longest begin first: several processes then end at the same time.

    What starts Java is not blamed for what PyFlink leaves open.
    """
    ranks: dict[Path, int] = {}
    for item in items:
        ranks[item.path] = min(_rank(item), ranks.get(item.path, len(_LONGEST_FIRST)))
    items.sort(key=lambda item: ranks[item.path])  # which keeps the order in each file
    for item in items:
        if item.get_closest_marker("jvm"):
            for what in _LET_GO_BY_PYFLINK:
                item.add_marker(_unraisable_ignored(what))


def _rank(item: pytest.Item) -> int:
    marks = (item.get_closest_marker(name) for name in _LONGEST_FIRST)
    return next((rank for rank, mark in enumerate(marks) if mark), len(_LONGEST_FIRST))


def _unraisable_ignored(what: str) -> pytest.MarkDecorator:
    return pytest.mark.filterwarnings(
        f"ignore:Exception ignored in. {what}:pytest.PytestUnraisableExceptionWarning"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    return _skips_fail((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    return _skips_fail((yield))


def _skips_fail(report):
    if _NOTHING_MAY_BE_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing may be skipped: install what this needs ({reason})"
    return report
