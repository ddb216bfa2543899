"""A JupyterLab of the test's own, and a browser to look at it with."""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from studykit.services.ports import HOST, free_port
from tests.support.browser import SCREENSHOTS, STUDY
from tests.support.services import INHERITED

CLONE = Path(__file__).parents[2]
PATIENCE_SECONDS = 60

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Lab:
    """A running `study lab`. What it says is in `output`."""

    process: subprocess.Popen
    output: Path

    @property
    def url(self) -> str:
        """The address that it printed."""
        found = re.search(r"http://\S+", self.output.read_text())
        return found[0] if found else ""

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.url:
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def home() -> Iterator[Path]:
    """A workspace of the test's own."""
    folder = CLONE / ".study" / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="lab-") as name:
        yield Path(name)


@pytest.fixture
def internet() -> Iterator[socket.socket]:
    """Stands where JupyterLab would find the way out; nobody should knock."""
    with socket.create_server((HOST, 0)) as door:
        door.setblocking(False)
        yield door


@pytest.fixture
def start_lab(home: Path, internet: socket.socket):
    """Start `study lab` without services; it is stopped after the test."""
    way_out = f"http://{HOST}:{internet.getsockname()[1]}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
    environ = {**INHERITED, "STUDY_HOME": str(home), **dict.fromkeys(names, way_out)}
    labs = []

    def start(*options: str) -> Lab:
        output = home / f"output-{len(labs)}.txt"
        with output.open("w") as file:
            process = subprocess.Popen(
                [STUDY, "lab", "--no-services", "--no-browser", *options],
                env=environ, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        labs.append(Lab(process, output))
        return labs[-1]

    yield start
    for lab in labs:
        if lab.process.poll() is None:
            lab.stop()


@pytest.fixture
def lab(start_lab) -> Lab:
    """JupyterLab on a free port."""
    lab = start_lab("--port", str(free_port()))
    lab.wait_until_ready()
    return lab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window.

    For one module: Playwright keeps an event loop running, which tests elsewhere cannot bear.
    """
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} is on the PATH")
    expect.set_options(timeout=PATIENCE_SECONDS * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page, the addresses that it asked for, and the errors in it."""

    page: Page
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """JupyterLab in the browser. The last thing seen is kept as a picture."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    visit = Visit(context.new_page())
    context.on("request", lambda asked: visit.requests.append(asked.url))
    visit.page.set_default_timeout(PATIENCE_SECONDS * 1_000)
    visit.page.goto(lab.url)
    yield visit
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    visit.page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()
