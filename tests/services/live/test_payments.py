"""The pipeline of a lesson's button, in a real kernel: interrupted, started twice, restarted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil
import pytest
from jupyter_client import BlockingKernelClient, KernelManager
from jupyter_client.manager import start_new_kernel

from studykit.services.supervision.leash import VARIABLE
from studykit.services.supervision.process import BackgroundProcess
from studykit.services.supervision.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.jvm]
PATIENCE_S: Final = 120
CELL: Final = """
import os
from studykit import LivePayment
shown = LivePayment(last_s=600)
"""


class Notebook:
    """A kernel, and what a person does with it."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self._client = client

    def run(self, code: str) -> str:
        """Run a cell; return what it prints."""
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            assert message["msg_type"] != "error", message["content"]
            printed.append(message["content"].get("text", ""))

        self._client.execute_interactive(code, output_hook=hear, timeout=PATIENCE_S)
        return "".join(printed)

    def says(self, name: str, words: str) -> bool:
        """Tell whether the buttons of that name say something."""
        return words in self.run(f"print({name}.said.value)")

    def folder(self) -> Path:
        """Return the folder of what runs."""
        leash = self.run(f"print(os.environ[{VARIABLE!r}])").strip().split(os.pathsep)[-1]
        (folder,) = Path(leash).glob("live-payments-*")
        return folder


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    environ = {**os.environ, "STUDY_HOME": str(tmp_path)}
    manager, client = start_new_kernel(env=environ, cwd=str(tmp_path))
    yield Notebook(manager, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def eventually(holds: Callable[[], bool]) -> None:
    assert wait_until(holds, PATIENCE_S, 0.3)


def services(folder: Path) -> dict[str, psutil.Process]:
    """Return what runs there, by name."""
    records = {
        path.stem: msgspec.json.decode(path.read_bytes(), type=BackgroundProcess)
        for path in (folder / "run").glob("*.json")
    }
    found = {name: record.process() for name, record in records.items()}
    return {name: process for name, process in found.items() if process}


def test_a_payment_becomes_a_feature_and_a_restarted_kernel_leaves_nothing(
    notebook: Notebook,
) -> None:
    notebook.run(f"{CELL}\nshown.start.click()")
    notebook.manager.interrupt_kernel()  # while it starts: the thread does not hear of it
    eventually(lambda: notebook.says("shown", "Now pay with yours"))
    folder = notebook.folder()
    running = services(folder)
    assert running.keys() == {"kafka", "redis", "program"}

    notebook.run("shown.pay.click(); shown.ago.value = 600_000; shown.pay.click()")
    notebook.manager.interrupt_kernel()
    eventually(lambda: notebook.says("shown", "your card has paid once, 12.00 euros"))
    eventually(lambda: "missed all 12 of its minutes" in notebook.run("print(shown.image.value)"))

    notebook.manager.restart_kernel(now=True)
    eventually(lambda: not any(process.is_running() for process in running.values()))
    eventually(lambda: not folder.parent.exists())
