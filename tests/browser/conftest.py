"""A JupyterLab of the test's own, and a browser to look at it with."""

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from studykit.services.network.ports import HOST, free_port
from tests.support.browser import (
    PATIENCE_SECONDS,
    SCREENSHOTS,
    JupyterLab,
    SharedJupyterLab,
    home_of_lab,
    labs,
)

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
_NOWHERE = f"http://{HOST}:1"
"""Where nobody listens: the way out for a JupyterLab that must not need one."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A workspace of the test's own."""
    with home_of_lab() as folder:
        yield folder


@pytest.fixture
def internet() -> Iterator[socket.socket]:
    """Stands where JupyterLab would find the way out; nobody should knock."""
    with socket.create_server((HOST, 0)) as door:
        door.setblocking(False)
        yield door


@pytest.fixture
def start_lab(home: Path, internet: socket.socket):
    """Start `study lab` without services; it is stopped after the test."""
    with labs(home, f"http://{HOST}:{internet.getsockname()[1]}") as start:
        yield start


@pytest.fixture
def lab(start_lab) -> JupyterLab:
    """JupyterLab on a free port."""
    lab = start_lab("--port", str(free_port()))
    lab.wait_until_ready()
    return lab


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """A workspace for the tests of a module."""
    with home_of_lab() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_lab(shared_home: Path) -> Iterator[SharedJupyterLab]:
    """One JupyterLab for the tests of a module: to start it takes as long as to read a page."""
    with labs(shared_home, _NOWHERE) as start:
        started = start("--port", str(free_port()))
        started.wait_until_ready()
        yield SharedJupyterLab(started.process, started.output)


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
def blank(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page that shows nothing yet. The last thing seen is kept as a picture."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    visit = Visit(context.new_page())
    context.on("request", lambda asked: visit.requests.append(asked.url))
    visit.page.set_default_timeout(PATIENCE_SECONDS * 1_000)
    yield visit
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    visit.page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def visit(blank: Visit, lab: JupyterLab) -> Visit:
    """The study guide of a JupyterLab of the test's own."""
    blank.page.goto(lab.url)
    return blank
