"""How long each folder of tests takes: what the last column of `tests/README.md` is read from.

PYTEST_ADDOPTS=--minutes make test
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--minutes", action="store_true", help="print at the end how long each folder took"
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("--minutes"):
        reports = [each for some in terminalreporter.stats.values() for each in some]
        terminalreporter.section("minutes of one worker")
        for line in lines(reports):
            terminalreporter.write_line(line)


def lines(reports: Iterable[object]) -> list[str]:
    """Return a line for each folder, the longest first; what is no report of a test is left out."""
    spent: Counter[str] = Counter()
    for report in reports:
        if isinstance(report, pytest.TestReport):
            spent[_folder(report.nodeid)] += report.duration
    return [f"{seconds / 60:6.1f}  {folder}" for folder, seconds in spent.most_common()]


def _folder(test: str) -> str:
    first, *others = test.partition("::")[0].split("/")
    return f"{first}/{others[0]}" if len(others) > 1 and first == "tests" else first
