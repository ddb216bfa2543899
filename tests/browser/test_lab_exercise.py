"""An exercise in JupyterLab: filled wrongly, told why, corrected, passed, and then discussed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

LABS = Path(__file__).parents[2] / "labs"
LAB = LABS / "lab01_clocks.ipynb"
CHECK = 'lab.check("L01.1")'
ANSWER = """def to_epoch_ms(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta({unit}=1)"""

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
def page(my_lab: Path, visit, lab) -> Page:
    """The lab in JupyterLab, its kernel ready."""
    page = visit.page
    page.goto(lab.url.replace("StudyDoc.md", f"labs/{my_lab.name}"))
    page.locator(".jp-NotebookPanel h1").first.wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    return page


def code_cell(page: Page, text: str) -> Locator:
    return page.locator(".jp-NotebookPanel .jp-CodeCell").filter(has_text=text).first


def run(page: Page, cell: Locator) -> None:
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def answer(page: Page, unit: str) -> None:
    cell = code_cell(page, "def to_epoch_ms")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(ANSWER.format(unit=unit))
    run(page, cell)
    run(page, code_cell(page, CHECK))


def test_exercise_fails_with_its_reason_then_passes_and_is_discussed(page: Page) -> None:
    output = code_cell(page, CHECK).locator(".jp-OutputArea")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator("[data-command='runmenu:run-all']").first.click()
    expect(output).to_contain_text("not attempted yet", timeout=30_000)

    answer(page, "seconds")
    expect(output).to_contain_text("[seconds]")
    expect(output).to_contain_text("Every time in this course is in milliseconds")
    expect(output).not_to_contain_text("discuss")

    answer(page, "milliseconds")
    expect(output).to_contain_text("L01.1 done.")
    expect(output).to_contain_text("discuss")
    assert page.locator(".jp-RenderedText[data-mime-type$=stderr]").all_inner_texts() == []
