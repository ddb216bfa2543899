"""What tests in the browser share: where JupyterLab is, and when its pages are ready."""

import sys
from pathlib import Path

from playwright.sync_api import Locator, Page

CLONE = Path(__file__).parents[2]
STUDY = Path(sys.prefix) / "bin" / "study"
SCREENSHOTS = CLONE / ".study" / "tests" / "screenshots"

_CONNECTED = """async path => {
    const sessions = await (await fetch('/api/sessions')).json();
    return sessions.some(one => one.path === path && one.kernel.connections > 0);
}"""


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
