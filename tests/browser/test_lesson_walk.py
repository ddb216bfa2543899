"""A learner's walk: from the study guide through the lessons by their links, each run to its end.

With `--pictures` every page is kept as a picture at 100 % and at 200 %, for somebody to look at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from studykit.course.builder.cells import Notebook, load
from studykit.course.layout import Course
from studykit.services.network.ports import HOST
from tests.support.browser import (
    PATIENCE_SECONDS,
    SCREENSHOTS,
    SharedJupyterLab,
    home_of_lab,
    open_notebook,
    run_all,
    wait_for_kernel,
)

COURSE = Course(Path(__file__).resolve().parents[2])
LIVE = ("10_sinks", "11_pyflink", "12_production_job")
"""The lessons that start a broker, a store or an engine."""
FIRST, SECOND, *OTHERS = [
    source.stem for source in COURSE.lesson_sources() if source.stem not in LIVE
]
GALLERY = COURSE.gallery_sources()[0].stem
PATIENCE_MS = 180_000
PATIENCE_LIVE_MS = 600_000
WIDTH, TALLEST = 1280, 20_000
PRINTED = "[data-mime-type='application/vnd.jupyter.stdout']"
ERRORS = (
    "[data-mime-type='application/vnd.jupyter.stderr'], "
    "[data-mime-type='application/vnd.jupyter.error']"
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """A workspace in which JupyterLab saves nothing by itself: the lessons are the real ones."""
    with home_of_lab() as home:
        folder = home / "jupyter" / "settings" / "@jupyterlab" / "docmanager-extension"
        folder.mkdir(parents=True)
        settings = folder / "plugin.jupyterlab-settings"
        settings.write_text(json.dumps({"autosave": False}))
        yield home


class Tour:
    """One page for all lessons: from the study guide to a lesson, by its link, and back.

    To load JupyterLab anew takes more of a processor than to run a short lesson.
    """

    def __init__(self, browser: Browser, guide: str) -> None:
        self._context = browser.new_context(viewport={"width": WIDTH, "height": 800})
        self._context.on("request", lambda asked: self.requests.append(asked.url))
        self._guide = guide
        self._is_at_guide = False
        self.requests: list[str] = []
        self.page: Page | None = None

    def start(self) -> Page:
        """Return the page, the study guide in front: a new page where a test left it elsewhere."""
        if not self._is_at_guide:
            if self.page:
                self.page.close()
            self.page = self._context.new_page()
            self.page.set_default_timeout(PATIENCE_SECONDS * 1_000)
            self.page.goto(self._guide)
        self._is_at_guide = False
        self.page.locator(".jp-RenderedMarkdown h1").wait_for()
        return self.page

    def end(self, lessons: int = 1) -> None:
        """Go back to the study guide, past lessons that ran and are not to be saved."""
        for _ in range(lessons):
            self.page.locator(".lm-TabBar-tab.jp-mod-current .lm-TabBar-tabCloseIcon").click()
            self.page.locator(".jp-Dialog").get_by_role("button", name="Discard").click()
            self.page.locator(".jp-Dialog").wait_for(state="detached")
        expect(self.page.locator(".jp-NotebookPanel")).to_have_count(0)
        self._is_at_guide = True


@pytest.fixture(scope="module")
def tour(browser: Browser, shared_lab: SharedJupyterLab) -> Tour:
    return Tour(browser, shared_lab.url)


@pytest.fixture
def page(
    tour: Tour, shared_lab: SharedJupyterLab, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """The study guide. Afterwards: nothing went to the network, and no lesson was changed."""
    lessons = COURSE.notebooks.glob("[0-9]*.ipynb")  # and no copy that another test works on
    before = {path: path.read_bytes() for path in lessons}
    page = tour.start()
    yield page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    shared_lab.end_kernels()
    hosts = {urlsplit(url).hostname for url in tour.requests if url.startswith(("http", "ws"))}
    assert hosts == {HOST}
    assert [path.name for path, old in before.items() if path.read_bytes() != old] == []


def follow(page: Page, stem: str) -> Locator:
    """Open a lesson by its link in the study guide."""
    page.locator(f".jp-RenderedMarkdown a[href*='{stem}.ipynb']").first.click()
    return panel(page, stem)


def panel(page: Page, stem: str) -> Locator:
    """Return the open notebook of that name, its kernel ready."""
    tab = page.locator(".lm-TabBar-tab.jp-mod-current", has_text=f"{stem}.ipynb")
    tab.wait_for()
    shown = open_notebook(page)
    shown.locator("h1").first.wait_for()
    wait_for_kernel(page, f"{COURSE.notebooks.name}/{stem}.ipynb")
    return shown


def code_cells(stem: str) -> list[Notebook]:
    """Return the code cells of a lesson as they are committed."""
    cells = load(COURSE.notebooks / f"{stem}.ipynb")["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_to_the_end(page: Page, shown: Locator, stem: str, patience_ms: int = PATIENCE_MS) -> None:
    """Clear what is saved, run all cells, and see that each has run without an error."""
    run_all(page)
    prompts = shown.locator(".jp-CodeCell .jp-InputPrompt")
    folded = [  # the prompt of a source that is folded away has no number
        cell["metadata"].get("jupyter", {}).get("source_hidden", False) for cell in code_cells(stem)
    ]
    expect(prompts).to_have_count(len(folded))
    last = max(place for place, is_folded in enumerate(folded) if not is_folded)
    failed = shown.locator(ERRORS).first
    ended = prompts.nth(last).filter(has_text=re.compile(r"\[\d+\]"))
    ended.or_(failed).first.wait_for(timeout=patience_ms)  # an error ends the run of all cells
    assert shown.locator(ERRORS).all_inner_texts() == []
    shown.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    numbers = [re.sub(r"\D", "", text) for text in prompts.all_inner_texts()]
    for place, (number, is_folded) in enumerate(zip(numbers, folded, strict=True), start=1):
        assert number == str(place) or (is_folded and not number)
    assert shown.locator(ERRORS).all_inner_texts() == []


def see_what_is_committed(shown: Locator, stem: str) -> None:
    """See each cell print what is committed.

    Pictures and widgets are compared elsewhere. On live services numbers may differ, which count
    Java's objects and lines, and so may all that a cell with the tag slow prints: it measures, or
    waits for records that come as they come.
    """
    live = stem in LIVE
    for cell, ran in zip(code_cells(stem), shown.locator(".jp-CodeCell").all(), strict=True):
        if live and "slow" in cell["metadata"].get("tags", ()):
            continue
        committed = "".join(output.get("text", "") for output in cell["outputs"])
        printed = "".join(ran.locator(PRINTED).all_text_contents())
        if live:
            committed, printed = (re.sub(r"\d+", "#", text) for text in (committed, printed))
        assert printed == committed


def see_accessible(shown: Locator) -> None:
    """See one main heading, levels without a gap, and words for every picture and every slider."""
    levels = [
        int(heading.evaluate("heading => heading.tagName")[1])
        for heading in shown.locator(".jp-RenderedMarkdown :is(h1, h2, h3, h4)").all()
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    pictures = shown.locator(".jp-OutputArea img")
    words = [picture.get_attribute("alt") or "" for picture in pictures.all()]
    assert [text for text in words if not text.endswith(".")] == []
    labels = shown.locator(".widget-slider .widget-label, .widget-dropdown .widget-label")
    assert "" not in labels.all_inner_texts()


def draw(page: Page, shown: Locator, stem: str) -> None:
    """Take the page as it is at 100 %, and as it is at 200 %: half as wide, in the same window.

    No test looks at the pictures, and to draw a page 20,000 pixels high twice takes seconds.
    """
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    files = page.locator(".jp-SideBar [data-id=filebrowser]")
    files.click()  # at 200 % nobody keeps the list of files open
    for zoom in (100, 200):
        page.set_viewport_size({"width": WIDTH * 100 // zoom, "height": TALLEST})
        outer = shown.locator(".jp-WindowedPanel-outer")
        outer.evaluate("panel => panel.scrollTo(0, 0)")
        expect(shown.locator("h1").first).to_be_in_viewport()
        bottom = shown.locator(".jp-Cell").last.evaluate(
            "cell => Math.ceil(cell.getBoundingClientRect().bottom)"
        )
        box = outer.bounding_box()
        clip = {**box, "height": min(bottom - box["y"] + 20, box["height"])}
        page.screenshot(path=SCREENSHOTS / f"{stem}-{zoom}.png", clip=clip)
    files.click()
    page.set_viewport_size({"width": WIDTH, "height": 800})


@pytest.fixture
def keep_pictures(request: pytest.FixtureRequest) -> Callable[[Page, Locator, str], None]:
    """Return what keeps the pictures of a page, where they are asked for."""
    return draw if request.config.getoption("--pictures") else lambda *_: None


def walk_by_keyboard(page: Page, shown: Locator) -> None:
    """Move the first stepper with the keyboard alone; its sentence follows."""
    button = shown.get_by_role("button", name="first", exact=True).first
    button.focus()
    page.keyboard.press("Enter")
    expect(shown.get_by_text(re.compile(r"^Step 0 of \d+\.")).first).to_be_visible()
    slider = shown.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(shown.get_by_text(re.compile(r"^Step 1 of \d+\. Event #1 ")).first).to_be_visible()


def walk_by_mouse(shown: Locator) -> None:
    """Move the same stepper with the mouse; its sentence and its picture follow."""
    pictures = shown.locator(".jp-OutputArea img")
    before = pictures.first.get_attribute("alt")
    for step in (2, 3):
        shown.get_by_role("button", name="next", exact=True).first.click()
        expect(shown.get_by_text(re.compile(rf"^Step {step} of \d+\.")).first).to_be_visible()
    expect(pictures.first).to_have_attribute("alt", re.compile("6 s"))
    assert pictures.first.get_attribute("alt") != before


def see_whole(page: Page, shown: Locator, stem: str) -> None:
    """Run a page to its end, and see what it says, also without seeing."""
    run_to_the_end(page, shown, stem)
    see_what_is_committed(shown, stem)
    see_accessible(shown)


def drag_a_marble(page: Page, shown: Locator) -> None:
    """Drag the dropped event down, so that it arrives in time and counts."""
    marble = shown.get_by_role("button", name=re.compile("happened at 6 s, arrives at 23 s"))
    marble.scroll_into_view_if_needed()
    second = shown.locator("svg[role=group]").bounding_box()["width"] * (560 - 2 * 46) / 560 / 26
    box = marble.locator("path").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 9 * second, steps=3)
    page.mouse.up()
    moved = shown.get_by_role(
        "button", name=re.compile("happened at 6 s, arrives at 14 s: on time")
    )
    expect(moved).to_be_visible()
    expect(shown.get_by_role("status").filter(has_text="fired 23")).to_be_visible()


def test_study_guide_leads_through_two_lessons_that_run_to_their_end(
    tour: Tour, page: Page, keep_pictures
) -> None:
    lesson = follow(page, FIRST)
    see_whole(page, lesson, FIRST)
    keep_pictures(page, lesson, FIRST)
    walk_by_keyboard(page, lesson)
    walk_by_mouse(lesson)

    lesson.locator(f"a[href*='{SECOND}']").last.click()
    lesson = panel(page, SECOND)
    see_whole(page, lesson, SECOND)
    keep_pictures(page, lesson, SECOND)
    walk_by_keyboard(page, lesson)
    walk_by_mouse(lesson)
    drag_a_marble(page, lesson)
    assert lesson.locator(ERRORS).all_inner_texts() == []
    tour.end(lessons=2)


@pytest.mark.parametrize("stem", [GALLERY, *OTHERS])
def test_page_runs_to_its_end_and_can_be_read_without_seeing(
    tour: Tour, page: Page, keep_pictures, stem: str
) -> None:
    shown = follow(page, stem)
    see_whole(page, shown, stem)
    keep_pictures(page, shown, stem)
    tour.end()


@pytest.mark.services
@pytest.mark.jvm
@pytest.mark.parametrize("stem", LIVE)
def test_live_lesson_runs_to_its_end_and_leaves_nothing_behind(
    tour: Tour, shared_home: Path, page: Page, keep_pictures, stem: str
) -> None:
    shown = follow(page, stem)
    run_to_the_end(page, shown, stem, PATIENCE_LIVE_MS)  # and asserts what it asserts
    see_what_is_committed(shown, stem)
    assert list((shared_home / "run").glob(f"lesson{stem[:2]}-*")) == []
    see_accessible(shown)
    keep_pictures(page, shown, stem)
    tour.end()
