"""A lesson in JupyterLab: every cell runs, and the widgets answer to the keyboard alone."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from studykit.services.network.ports import HOST
from studykit.services.supervision.waiting import wait_until
from tests.support.axe import findings
from tests.support.browser import run_all, wait_for_kernel

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LESSON = NOTEBOOKS / "02_watermarks.ipynb"  # it has a widget of every kind

PATIENCE_S = 60
FORGET = """async () => {
    const told = {headers: {"X-XSRFToken": (document.cookie.match(/_xsrf=([^;]+)/) || [])[1]}};
    for (const session of await (await fetch("/api/sessions")).json())
        await fetch(`/api/sessions/${session.id}`, {method: "DELETE", ...told});
}"""

pytestmark = pytest.mark.browser


@pytest.fixture
def lesson(tmp_path: Path) -> Iterator[Path]:
    """A copy of the lesson, which Git ignores: JupyterLab may save it."""
    copy = NOTEBOOKS / f"my_{tmp_path.parent.name}_{LESSON.name}"
    shutil.copyfile(LESSON, copy)
    yield copy
    copy.unlink(missing_ok=True)


@pytest.fixture
def page(blank, shared_lab, lesson: Path):
    """The lesson in JupyterLab, its kernel ready."""
    page = blank.page
    page.goto(shared_lab.url.replace("StudyDoc.md", f"notebooks/{lesson.name}"))
    page.locator(".jp-NotebookPanel h1").first.wait_for()
    wait_for_kernel(page, f"notebooks/{lesson.name}")
    yield page
    shared_lab.end_kernels()


def run_to_the_end(page) -> None:
    run_all(page)
    page.locator(".jp-NotebookPanel svg[role=group]").wait_for()  # the marbles are the last cell
    # At the end JupyterLab goes to the last cell, and would take the focus from a widget.
    expect(page.locator(".jp-Notebook-cell").last).to_have_class(re.compile("jp-mod-active"))
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()


def has_saved_widgets(path: Path) -> bool:
    """Tell whether the state of each widget that is shown is in the file.

    JupyterLab saves by itself as well, and at first the state of none.
    """
    try:
        notebook = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError:  # it is just being written
        return False
    kind = "application/vnd.jupyter.widget-{}+json".format
    shown = {
        output["data"][kind("view")]["model_id"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if kind("view") in output.get("data", {})
    }
    saved = notebook["metadata"].get("widgets", {}).get(kind("state"), {}).get("state", {})
    return bool(shown) and shown <= saved.keys()


def test_lesson_runs_and_its_widgets_answer_to_the_keyboard(blank, page) -> None:
    run_to_the_end(page)
    assert page.locator(".jp-RenderedText[data-mime-type$=stderr]").all_inner_texts() == []

    choice = page.get_by_role("radio", name="on time", exact=True).or_(
        page.get_by_label("on time", exact=True)
    )
    choice.first.focus()
    page.keyboard.press("Space")
    guess = page.get_by_role("button", name="That is my guess")
    expect(guess).to_be_enabled()
    guess.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^Yes\. It is behind the watermark"))).to_be_visible()

    first = page.get_by_role("button", name="first", exact=True).first
    first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Nothing has arrived yet.")).to_be_visible()
    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(
        page.get_by_text(re.compile(r"^Step 1 of 16\. Event #1 happened at 2 s"))
    ).to_be_visible()
    expect(page.locator("img[alt^='At 3 s the watermark is']")).to_have_count(1)

    marble = page.get_by_role("button", name=re.compile("happened at 6 s, arrives at 23 s"))
    marble.focus()
    page.keyboard.press("ArrowDown")
    expect(
        page.get_by_role("button", name=re.compile("happened at 6 s, arrives at 22 s"))
    ).to_be_focused()

    hosts = {urlsplit(url).hostname for url in blank.requests if url.startswith(("http", "ws"))}
    assert hosts == {HOST}


def see_every_figure(page, *, alive: bool) -> None:
    """See the widgets where the notebook is trusted, else their pictures; and no error."""
    page.locator(".jp-NotebookPanel h1").first.wait_for()
    if alive:
        expect(page.locator(".jp-NotebookPanel svg[role=group]")).to_be_visible()  # the marbles
        expect(page.get_by_role("slider").nth(2)).to_be_attached()
    shown = ".widget-html img" if alive else "img"
    pictures = page.locator(f".jp-OutputArea {shown}[src^='data:image/png']")
    expect(pictures.nth(2)).to_be_attached()
    expect(page.get_by_text("Error displaying widget")).to_have_count(0)


def distrusted(saved: bytes) -> bytes:
    """Return a notebook that somebody else has saved: no signature of this machine fits it."""
    notebook = json.loads(saved)
    notebook["metadata"]["from"] = "elsewhere"
    return json.dumps(notebook).encode()


def test_a_lesson_that_was_run_and_saved_shows_every_figure_when_it_is_opened_again(
    shared_lab, page, lesson: Path
) -> None:
    """Trusted or not, and on the same day or when no kernel knows the widgets any more."""
    address = shared_lab.url.replace("StudyDoc.md", f"notebooks/{lesson.name}")
    run_to_the_end(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    assert wait_until(lambda: has_saved_widgets(lesson), PATIENCE_S)
    saved = lesson.read_bytes()
    for is_remembered in (True, False):
        for is_trusted in (True, False):
            page.goto("about:blank")  # a page that is open would save the lesson by itself
            lesson.write_bytes(saved if is_trusted else distrusted(saved))
            page.goto(address)
            if not is_remembered:
                page.evaluate(FORGET)
                page.goto(address)
            see_every_figure(page, alive=is_trusted)


def test_saved_lesson_shows_pictures_before_anything_runs(page) -> None:
    pictures = page.locator(".jp-OutputArea img[src^='data:image/png']")
    expect(pictures.nth(1)).to_be_attached()  # a figure and a widget's; predictions are folded
    assert findings(page, ".jp-RenderedMarkdown", ".jp-OutputArea-output") == []


def test_launcher_can_be_read_without_seeing(blank, shared_lab) -> None:
    address, token = shared_lab.url.split("/lab/tree/StudyDoc.md")
    blank.page.goto(f"{address}/services/{token.removesuffix('&reset')}")
    blank.page.locator("h1").first.wait_for()
    assert findings(blank.page) == []
