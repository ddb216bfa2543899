"""An exercise in JupyterLab: filled wrongly, told and shown why, corrected, and then discussed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import findings
from tests.support.browser import CHECK, SCREENSHOTS, answer, code_cell, wait_for_kernel

LABS = Path(__file__).parents[2] / "labs"
LAB = LABS / "lab05_lateness.ipynb"

pytestmark = pytest.mark.browser


@pytest.fixture
def my_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the lab, which Git ignores; what is done in it counts as nobody's progress."""
    monkeypatch.setenv("STUDY_PROGRESS", str(tmp_path / "progress.json"))
    copy = LABS / f"my_{tmp_path.parent.name}_{LAB.name}"
    shutil.copyfile(LAB, copy)
    yield copy
    copy.unlink(missing_ok=True)


@pytest.fixture
def page(my_lab: Path, blank, lab) -> Page:
    """The lab in JupyterLab, its kernel ready."""
    page = blank.page
    page.goto(lab.url.replace("StudyDoc.md", f"labs/{my_lab.name}"))
    page.locator(".jp-NotebookPanel h1").first.wait_for()
    wait_for_kernel(page, f"labs/{my_lab.name}")
    return page


def test_exercise_fails_with_its_reason_then_passes_and_is_discussed(page: Page) -> None:
    output = code_cell(page, CHECK).locator(".jp-OutputArea")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("[data-command='runmenu:run-all']").first.click()
    expect(output).to_contain_text("not attempted yet", timeout=30_000)

    answer(page, "event_ms")
    expect(output).to_contain_text("[late-by-event]")
    expect(output).to_contain_text("The window's end decides lateness, not the event.")
    expect(output).not_to_contain_text("discuss")
    picture = output.get_by_role("img")
    expect(picture).to_have_attribute("alt", re.compile("Event 3 .* its window is open: on time"))
    assert picture.evaluate("image => image.naturalWidth") == 700
    picture.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / "lab_check_with_picture.png")
    assert findings(page, ".jp-RenderedMarkdown", ".jp-OutputArea-output") == []

    answer(page, "event_ms // SIZE_MS * SIZE_MS + SIZE_MS - 1")
    expect(output).to_contain_text("L05.1 done.")
    expect(output).to_contain_text("discuss")
    expect(picture).to_have_count(0)
    assert page.locator(".jp-RenderedText[data-mime-type$=stderr]").all_inner_texts() == []
