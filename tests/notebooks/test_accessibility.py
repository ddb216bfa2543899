"""Notebooks can be found one's way in without seeing: headings, pictures, tables and links.

The rules are those of jupyterlab-a11y-checker, from WCAG 2.1. They are applied to what is written
and to what the cells have shown; colours are looked at in the browser.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from studykit.course.layout import Course

COURSE = Course(Path(__file__).resolve().parents[2])
NOTEBOOKS = [
    path
    for folder in (COURSE.notebooks, COURSE.root / "labs", COURSE.root / "solutions")
    for path in sorted(folder.glob("*[0-9][0-9]_*.ipynb"))
    if not path.name.startswith("my_")
]
MARKDOWN = MarkdownIt("commonmark").enable("table")
TELLS_NOTHING = re.compile(
    r"(click |read |see |look )?(here|this|more|link|page|details|\W*|https?://\S*)", re.IGNORECASE
)


@dataclass
class Table:
    """A table as it is rendered."""

    caption: str = ""
    heads: list[dict[str, str | None]] = field(default_factory=list)
    empty: int = 0


class Reader(HTMLParser):
    """What somebody hears of a page: its headings, pictures, tables and links, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[tuple[int, str]] = []
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.tables: list[Table] = []
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if re.fullmatch(r"h[1-6]|a|th|caption", tag):
            self._words = [told.get("aria-label") or ""]
        if tag == "img":
            self.pictures.append(told.get("alt") or "")
            self._words.append(told.get("alt") or "")
        elif tag == "table":
            self.tables.append(Table())
        elif tag == "th":
            self.tables[-1].heads.append(told)

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        said = " ".join("".join(self._words).split())
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), said))
        elif tag == "a":
            self.links.append(said)
        elif tag == "th":
            self.tables[-1].empty += not said
        elif tag == "caption":
            self.tables[-1].caption = said


def read(*pages: str) -> Reader:
    reader = Reader()
    for page in pages:
        reader.feed(page)
        reader._words = []
    return reader


def written(notebook: dict) -> Reader:
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    return read(*(MARKDOWN.render("".join(cell["source"])) for cell in cells))


def shown(notebook: dict) -> Reader:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return read(*("".join(output.get("data", {}).get("text/html", "")) for output in outputs))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def notebook(request: pytest.FixtureRequest) -> dict:
    return json.loads(request.param.read_text("utf-8"))


def test_headings_are_an_outline(notebook: dict) -> None:
    headings = written(notebook).headings
    levels = [level for level, _ in headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(said for _, said in headings)
    names = Counter(said.lower() for level, said in headings if level <= 2)
    assert names.most_common(1)[0][1] == 1, names.most_common(1)


def test_pictures_links_and_tables_say_what_they_are(notebook: dict) -> None:
    for page in (written(notebook), shown(notebook)):
        assert all(page.pictures)
        assert [link for link in page.links if TELLS_NOTHING.fullmatch(link)] == []
        assert [table for table in page.tables if not table.heads or table.empty] == []
    for table in shown(notebook).tables:  # Markdown has no words for captions and scopes
        assert table.caption
        assert all(head.get("scope") in ("row", "col") for head in table.heads)


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("![](a.png)", lambda told: not all(told.pictures)),
        ("[here](a.md)", lambda told: TELLS_NOTHING.fullmatch(told.links[0])),
        ("[](a.md)", lambda told: TELLS_NOTHING.fullmatch(told.links[0])),
        ("https://a.example", lambda told: not told.links),
        ("| |b|\n|-|-|\n|1|2|", lambda told: told.tables[0].empty),
        ("<table><tr><td>1</td></tr></table>", lambda told: not told.tables[0].heads),
        ("## ", lambda told: told.headings == [(2, "")]),
    ],
)
def test_reader_hears_what_is_missing(page: str, wrong) -> None:
    assert wrong(read(MARKDOWN.render(page)))
