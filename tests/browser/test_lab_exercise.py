"""A lab in JupyterLab: found in the path table, copied, told and shown what is wrong, and done."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from studykit.checks.hole import solution_of
from studykit.exercises.catalog import find_lab
from studykit.exercises.definition import Exercise
from tests.support.axe import findings
from tests.support.browser import CHECK, SCREENSHOTS, answer, code_cell, run_all, wait_for_kernel

LABS = Path(__file__).parents[2] / "labs"
LAB = LABS / "lab05_lateness.ipynb"

pytestmark = pytest.mark.browser


@pytest.fixture
def my_lab(tmp_path: Path) -> Iterator[Path]:
    """Where the copy of the lab goes, which Git ignores."""
    copy = LABS / f"my_{tmp_path.parent.name}_{LAB.name}"
    yield copy
    copy.unlink(missing_ok=True)


@pytest.fixture
def page(my_lab: Path, visit) -> Page:
    """A copy of the lab in JupyterLab, its kernel ready: reached and made as a learner does."""
    page = visit.page
    # JupyterLab closes the original, and asks what becomes of it.
    page.add_locator_handler(page.locator(".jp-Dialog .jp-mod-warn"), lambda button: button.click())
    page.locator(f".jp-RenderedMarkdown table a[href*='{LAB.name}']").first.click()
    page.locator(".jp-NotebookPanel h1").first.wait_for()
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.locator("[data-command='docmanager:save-as']").first.click()
    name = page.locator(".jp-Dialog input")
    name.fill(f"labs/{my_lab.name}")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".lm-TabBar-tab", has_text=my_lab.name).click()
    wait_for_kernel(page, f"labs/{my_lab.name}")
    return page


def solve(page: Page, exercise: Exercise, source: str) -> Locator:
    """Write an answer in place of a hole, run it and its check, and return the check's output."""
    cell = code_cell(page, f"def {exercise.name}(")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    check = code_cell(page, f'lab.check("{exercise.id}")')
    check.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return check.locator(".jp-OutputArea")


def test_a_lab_is_done_from_the_path_table_to_its_last_check(page: Page) -> None:
    output = code_cell(page, CHECK).locator(".jp-OutputArea")
    run_all(page)
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
    assert findings(page, ".jp-NotebookPanel .jp-RenderedMarkdown", ".jp-OutputArea-output") == []

    answer(page, "event_ms // SIZE_MS * SIZE_MS + SIZE_MS - 1")
    expect(output).to_contain_text("L05.1 done.")
    expect(output).to_contain_text("discuss")
    expect(output).to_contain_text("x....  1 of 5 done; next is L05.2 predict_verdicts")
    expect(picture).to_have_count(0)

    for place, exercise in enumerate(find_lab("05").exercises[1:], start=2):
        told = "the lab is done" if place == 5 else f"{place} of 5 done"
        expect(solve(page, exercise, solution_of(exercise) or "")).to_contain_text(told)
    assert page.locator(".jp-RenderedText[data-mime-type$=stderr]").all_inner_texts() == []
