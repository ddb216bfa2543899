"""`study lab` shows the study guide, and asks nothing of the internet."""

import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from studykit.cli.jupyter import PORT, has_browser
from studykit.services.network.ports import HOST, free_port, is_taken
from tests.support.browser import PATIENCE_SECONDS

CLONE = Path(__file__).parents[2]
GUIDE = (CLONE / "StudyDoc.md").read_text("utf-8")
TITLE = GUIDE.splitlines()[0].removeprefix("# ")
NOTEBOOK = re.search(r"\((\S+\.ipynb)\)", GUIDE)


def see_the_guide(page: Page) -> None:
    heading = page.locator(".jp-RenderedMarkdown h1")
    heading.wait_for()
    assert heading.count() == 1
    assert heading.inner_text().startswith(TITLE)
    assert page.locator(".jp-RenderedMarkdown table").count() >= 3
    assert page.locator(".jp-Dialog").count() == 0


def follow_its_first_link(page: Page) -> None:
    assert NOTEBOOK, "the study guide links no notebook"
    page.locator(f".jp-RenderedMarkdown a[href*='{Path(NOTEBOOK[1]).name}']").first.click()
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    page.locator(".jp-NotebookPanel h1").first.wait_for()


@pytest.mark.browser
def test_the_printed_address_shows_the_study_guide_and_nothing_leaves_the_loopback_interface(
    visit, lab, internet: socket.socket
) -> None:
    """One page for all of it: to load JupyterLab takes more of a processor than to look at it."""
    see_the_guide(visit.page)
    follow_its_first_link(visit.page)
    visit.page.get_by_role("tab", name="Extension Manager").click()  # the likeliest to ask
    visit.page.locator(".jp-extensionmanager-view").wait_for()
    visit.page.wait_for_load_state("networkidle")
    assert lab.stop(signal.SIGINT) == 0, "Ctrl-C is enough, without a question"
    assert lab.output.read_text().endswith("\nJupyterLab stopped.\n")  # and no service runs
    hosts = {urlsplit(url).hostname for url in visit.requests if url.startswith(("http", "ws"))}
    assert hosts == {HOST}
    with pytest.raises(BlockingIOError):
        internet.accept()


@pytest.mark.browser
def test_tabs_of_last_time_do_not_hide_the_study_guide(
    visit, start_lab, lab, browser, home: Path
) -> None:
    visit.page.locator(".jp-RenderedMarkdown h1").wait_for()
    visit.page.goto(lab.url.replace("StudyDoc.md", "README.md"))
    visit.page.locator(".lm-TabBar-tab.jp-mod-current", has_text="README.md").wait_for()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any("README.md" in path.read_text() for path in home.glob("jupyter/workspaces/*")):
        assert time.monotonic() < deadline, "JupyterLab does not save its tabs"
        visit.page.wait_for_timeout(100)
    lab.stop()
    again = start_lab("--port", str(free_port()))
    again.wait_until_ready()
    page = browser.new_page()
    page.goto(again.url)
    page.locator(".jp-RenderedMarkdown h1").wait_for()
    titles = page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel").all_inner_texts()
    page.close()
    assert [title for title in titles if title.strip()] == ["StudyDoc.md"]


def test_a_chosen_port_that_is_taken_is_a_sentence(start_lab) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        lab = start_lab("--port", str(port))
        assert lab.process.wait(60) == 1
    said = lab.output.read_text()
    assert f"port {port} is taken by" in said
    assert "choose another" in said
    assert "Traceback" not in said


def test_the_usual_port_taken_means_the_next_free_one(start_lab) -> None:
    other = None if is_taken(PORT) else socket.create_server((HOST, PORT))
    lab = start_lab()
    lab.wait_until_ready()
    if other:
        other.close()
    assert urlsplit(lab.url).port not in {PORT, None}


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
    ],
)
def test_a_browser_is_opened_only_where_it_can_show_itself(environ, platform, expected) -> None:
    assert has_browser(environ, platform) is expected
