"""The demo: alive for its seconds, and nothing of it left behind."""

from __future__ import annotations

import io
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from studykit.cli.demo import demo
from studykit.workspace import Workspace

pytestmark = pytest.mark.services


@pytest.fixture
def workspace(service_home: Path) -> Workspace:
    return Workspace(service_home / "demo-test")


def test_shows_partitions_features_and_dead_letters_then_leaves_nothing(
    workspace: Workspace,
) -> None:
    screen = io.StringIO()
    demo(workspace, Console(file=screen, width=140), seconds=20)
    shown = screen.getvalue()
    assert "transactions/3" in shown
    assert "clickstream/0" in shown
    assert "card_0" in shown, "no features after 20 s of windows that slide by 5 s"
    assert "malformed" in shown or "late" in shown
    assert not (workspace.home / "demo").exists()
    assert _mentioning(workspace.home) == []


def _mentioning(folder: Path) -> list[str]:
    """Return the command lines of live processes that name `folder`, this test's own left out."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(folder) in command or str(folder) in (process.info["cwd"] or ""):
            found.append(command)
    return found
