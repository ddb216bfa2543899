"""The static site in Chromium: a lab with no server, no installation and no network."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from studykit.site.pages import build
from tests.support.browser import CHECK, SCREENSHOTS, answer, code_cell, run_all

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAB = "lab05_lateness.ipynb"
PATIENCE_MS = 400_000
"""A browser compiles Python first, which a busy machine is slow at."""
RIGHT = "event_ms // SIZE_MS * SIZE_MS + SIZE_MS - 1"


class Files(SimpleHTTPRequestHandler):
    """What any host of static files does."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site, which this builds and serves."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def refused() -> list[str]:
    """The addresses elsewhere that a page asked for, in vain."""
    return []


@pytest.fixture
def offline(browser: Browser, site: str, refused: list[str]) -> Iterator[BrowserContext]:
    """A browser for which nothing exists but the site."""

    def elsewhere(route: Route) -> None:
        refused.append(route.request.url)
        route.abort()

    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    context.route(lambda url: not url.startswith((site, "data:", "blob:")), elsewhere)
    yield context
    context.close()


def opened(context: BrowserContext, site: str) -> Page:
    page = context.new_page()
    page.goto(f"{site}/lab/index.html?path=labs/{LAB}")
    page.locator(".jp-NotebookPanel h1").first.wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    return page


def test_a_lab_is_worked_on_kept_and_downloaded_with_no_network(
    offline: BrowserContext, site: str, refused: list[str], tmp_path: Path
) -> None:
    page = opened(offline, site)
    output = code_cell(page, CHECK).locator(".jp-OutputArea")
    run_all(page)
    expect(output).to_contain_text("not attempted yet", timeout=PATIENCE_MS)

    answer(page, "event_ms")
    expect(output).to_contain_text("[late-by-event]")
    expect(output).to_contain_text("The window's end decides lateness, not the event.")
    answer(page, RIGHT)
    expect(output).to_contain_text("L05.1 done.")
    expect(output).to_contain_text("x....  1 of 5 done")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "static_site.png")

    page.keyboard.press("Control+s")
    page.get_by_role("menuitem", name="File", exact=True).click()
    with page.expect_download() as download:
        page.locator("[data-command='docmanager:download']").first.click()
    download.value.save_as(tmp_path / LAB)
    cells = json.loads((tmp_path / LAB).read_text("utf-8"))["cells"]
    assert any(RIGHT in "".join(cell["source"]) for cell in cells)

    again = opened(offline, site)
    run_all(again)
    output = code_cell(again, CHECK).locator(".jp-OutputArea")
    expect(output).to_contain_text("L05.1 done.", timeout=PATIENCE_MS)
    other = code_cell(again, 'lab.check("L05.2")')
    expect(other.locator(".jp-OutputArea")).to_contain_text("not attempted yet")
    expect(output).to_contain_text("x....  1 of 5 done")
    assert refused == []
