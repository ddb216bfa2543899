"""What tests in the browser share: a JupyterLab, where it is, and when its pages are ready."""

import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Locator, Page, TimeoutError

from studykit.services.network.ports import accepts
from studykit.services.supervision.waiting import wait_until
from tests.support.services.shared import INHERITED

CLONE = Path(__file__).parents[2]
CHECK = 'lab.check("L05.1")'
"""The cell that checks `answer`, in lab 05."""
_VERDICT = """def verdict(event_ms: int, watermark_ms: int, lateness_ms: int) -> str:
    closes_ms = {closes}
    if watermark_ms >= closes_ms + lateness_ms:
        return "dropped"
    return "on time" if watermark_ms < closes_ms else "late"
"""
STUDY = Path(sys.prefix) / "bin" / "study"
SCREENSHOTS = CLONE / ".study" / "tests" / "screenshots"
PATIENCE_SECONDS = 180
_UNHEARD_SECONDS = 5
_BEGUN = re.compile(r"\[(\*|\d+)\]")

_CONNECTED = """async path => {
    const sessions = await (await fetch('/api/sessions')).json();
    return sessions.some(session => session.path === path && session.kernel.connections > 0);
}"""


@dataclass
class JupyterLab:
    """A running `study lab`; the file `output` has what the command prints."""

    process: subprocess.Popen
    output: Path

    @property
    def url(self) -> str:
        """The address that the command has printed; empty before it has."""
        found = re.search(r"http://\S+", self.output.read_text())
        return found[0] if found else ""

    def wait_until_ready(self) -> None:
        """Wait for the address, and then for the server, which listens a moment later."""
        wait_until(lambda: self.url or self.process.poll() is not None, PATIENCE_SECONDS)
        assert self.url, self.output.read_text()
        address = urlsplit(self.url)
        assert wait_until(lambda: accepts(address.hostname, address.port), PATIENCE_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class SharedJupyterLab(JupyterLab):
    """A JupyterLab for page after page: each forgets the tabs of those before."""

    @property
    def url(self) -> str:
        return f"{super().url}&reset" if super().url else ""

    def end_kernels(self) -> None:
        """End what the last page has run: a lesson starts afresh, and gigabytes are free again."""
        address = urlsplit(self.url)
        api = f"{address.scheme}://{address.netloc}/api/kernels"
        token = {"Authorization": f"token {parse_qs(address.query)['token'][0]}"}
        with httpx.Client(headers=token, trust_env=False, timeout=60) as client:
            for kernel in client.get(api).json():
                client.delete(f"{api}/{kernel['id']}")


@contextmanager
def home_of_lab() -> Iterator[Path]:
    """Give a workspace for a JupyterLab; it is removed at the end."""
    folder = CLONE / ".study" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="lab-") as name:
        yield Path(name)


@contextmanager
def labs(home: Path, way_out: str) -> Iterator[Callable[..., JupyterLab]]:
    """Give a function that starts `study lab` without services; all are stopped at the end.

    Args:
        home: Their workspace.
        way_out: The address of the proxy by which they would reach the internet.
    """
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    environ = {**INHERITED, "STUDY_HOME": str(home), **dict.fromkeys(names, way_out)}
    started: list[JupyterLab] = []

    def start(*options: str) -> JupyterLab:
        output = home / f"output-{len(started)}.txt"
        with output.open("w") as file:
            process = subprocess.Popen(
                [STUDY, "lab", "--no-services", "--no-browser", *options],
                env=environ, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        started.append(JupyterLab(process, output))
        return started[-1]

    yield start
    for lab in started:
        if lab.process.poll() is None:
            lab.stop()


def open_notebook(page: Page) -> Locator:
    """Return the notebook that is in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")


def wait_for_kernel(page: Page, path: str) -> None:
    """Wait until the notebook at that path, from the root, can run cells.

    JupyterLab shows "idle" also before a page has a kernel, and drops the cells that it is then
    told to run, without a word. So the server is asked first whether the page is connected.
    """
    page.wait_for_function(_CONNECTED, arg=path)
    open_notebook(page).locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()


def menu(page: Page, name: str, command: str) -> None:
    """Choose a command of the main menu."""
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.locator(f".lm-Menu-item[data-command='{command}']").click()


def run_all(page: Page) -> None:
    """Clear what the notebook in front has saved, and run all of its cells.

    JupyterLab drops the command without a word while the page has no kernel. So the command is
    given until a cell waits for its turn, which its prompt says at once, or has run.
    """
    menu(page, "Edit", "editmenu:clear-all")
    begun = open_notebook(page).locator(".jp-InputPrompt", has_text=_BEGUN)
    for _ in range(PATIENCE_SECONDS // _UNHEARD_SECONDS):
        if begun.count():
            return
        menu(page, "Run", "runmenu:run-all")
        with suppress(TimeoutError):
            begun.first.wait_for(state="attached", timeout=_UNHEARD_SECONDS * 1_000)
    assert begun.count(), "no cell has begun to run"


def code_cell(page: Page, text: str) -> Locator:
    """Return the first code cell that has this text."""
    return page.locator(".jp-NotebookPanel .jp-CodeCell").filter(has_text=text).first


def answer(page: Page, closes: str) -> None:
    """Write the function of L05.1 with this last millisecond, run it, and run its check."""
    cell = code_cell(page, "def verdict")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(_VERDICT.format(closes=closes))
    for ran in (cell, code_cell(page, CHECK)):
        ran.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
