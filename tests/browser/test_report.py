"""The pages of a grading run, from the disk, in a browser that has no network."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.axe import findings
from tests.support.browser import SCREENSHOTS, STUDY

pytestmark = pytest.mark.browser

PAGES = ("report.html", "timings.html", "feedback/petrov")
HEADINGS = (
    """() => [...document.querySelectorAll('h1,h2,h3,h4')].map(heading => +heading.tagName[1])"""
)
UNNAMED = """() => [...document.querySelectorAll('img,svg,[role=img]')]
    .filter(picture => !(picture.getAttribute('alt') || picture.getAttribute('aria-label')))
    .map(picture => picture.outerHTML)"""
TABLES = """() => [...document.querySelectorAll('table')].map(table => ({
    caption: table.caption ? table.caption.innerText : '',
    heads: [...table.querySelectorAll('th')].map(head => head.scope),
    bare: [...table.querySelectorAll('thead td')].length}))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FAINT = """() => {
  const channel = value => value <= 10 ? value / 3294.6 : ((value / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const paint = colours => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const below = node => {
    const found = [];
    for (; node; node = node.parentElement) found.unshift(getComputedStyle(node).backgroundColor);
    return ['white', ...found];
  };
  return [...document.querySelectorAll('main *')]
    .filter(node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
    .filter(node => node.checkVisibility())
    .map(node => {
      const style = getComputedStyle(node);
      const ink = node.closest('svg') ? style.fill : style.color;
      const paper = below(node);
      const [a, b] = [light(paint([...paper, ink])), light(paint(paper))];
      return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), node.textContent.trim()];
    })
    .filter(([contrast]) => contrast < 4.5);
}"""
"""Texts whose contrast with what is behind them is less than the 4.5 that everybody can read."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the example class, graded as a person does."""
    folder = tmp_path_factory.mktemp("grades")
    words = [STUDY, "grade", "--example", "--out", folder]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@dataclass
class Reading:
    """A page, what it asked for beyond itself, and what the browser complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def read(context, path: Path) -> Reading:
    reading = Reading(context.new_page())
    reading.page.on("request", lambda asked: reading.requests.append(asked.url))
    reading.page.on("console", lambda said: reading.complaints.append(said.text))
    reading.page.on("pageerror", lambda error: reading.complaints.append(str(error)))
    reading.page.goto(path.as_uri())
    return reading


@pytest.fixture(params=["light", "dark"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, offline=True, color_scheme=request.param
    )
    yield context
    context.close()


@pytest.fixture(params=PAGES)
def reading(context, out: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, Reading]]:
    found = next(out.glob(f"{request.param}*"))
    reading = read(context, found)
    yield found, reading
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    name = f"{request.node.name}.png".replace("/", "-")
    reading.page.screenshot(path=SCREENSHOTS / name, full_page=True)


def test_a_page_needs_nothing_but_itself_and_can_be_read_aloud(reading) -> None:
    path, found = reading
    page = found.page
    assert found.requests == [path.as_uri()]
    assert found.complaints == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("main").count() == page.locator("h1").count() == 1
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    assert page.evaluate(UNNAMED) == []
    for table in page.evaluate(TABLES):
        assert table["caption"]
        assert set(table["heads"]) <= {"row", "col"}
        assert table["heads"]
        assert table["bare"] == 0
    assert page.evaluate(FAINT) == []
    assert page.evaluate(TOO_WIDE) == 0
    assert findings(page) == []


def test_on_a_telephone_only_wide_tables_scroll(browser: Browser, out: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, offline=True)
    try:
        for name in PAGES:
            found = read(context, next(out.glob(f"{name}*")))
            assert found.page.evaluate(TOO_WIDE) == 0, name
    finally:
        context.close()


def test_the_report_shows_what_the_gradebook_says(context, out: Path) -> None:
    page = read(context, out / "report.html").page
    book = json.loads((out / "gradebook.json").read_text("utf-8"))
    shown = page.get_by_role("table", name="Marks, out of 5").locator("tbody tr")
    marks = {row.locator("th").inner_text(): row.locator("td").first.inner_text()
             for row in shown.all()}  # fmt: skip
    assert marks == {student["student"]: student["total"] for student in book["students"]}
    assert page.get_by_text(book["isolation"]).count() == 1
    picture = page.get_by_role("img", name="Students by points")
    assert picture.is_visible()
    page.locator("summary", has_text="petrov").click()
    petrov = page.locator("details[open][id^=of-petrov] pre:not(.code)")
    assert petrov.count() == 5  # a message for each exercise, before the cells
    page.get_by_role("link", name="How long each submission took").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Lab 01: how long it took"
