"""Pages for those who do not see them: headings in order, and words for every picture."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from studykit.course.builder.cells import load
from studykit.course.layout import Course

COURSE = Course(Path(__file__).resolve().parents[2])
NOTEBOOKS = [
    COURSE.notebooks / f"{source.stem}.ipynb"
    for source in [*COURSE.gallery_sources(), *COURSE.lesson_sources()]
]
PAGES = [COURSE.root / "StudyDoc.md", COURSE.root / "README.md", *NOTEBOOKS]

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def text_of(path: Path) -> str:
    """Return what a page says, without blocks of code."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = load(path)["cells"]
        text = "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


@every_page
def test_one_main_heading_comes_first_and_no_level_is_left_out(path: Path) -> None:
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text_of(path), re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1] == []


@every_page
def test_no_paragraph_is_cut_by_a_line_that_begins_with_a_comment(path: Path) -> None:
    assert re.findall(r"(?<=[^\n|>])\n<!-- claim.*", text_of(path)) == []


@every_page
def test_every_picture_in_the_text_has_words(path: Path) -> None:
    text = text_of(path)
    assert re.findall(r"!\[\s*\]", text) == []
    # The bracket of a window, `[0,10)`, ends the words unless it is escaped: no picture is shown.
    assert len(re.findall(r"!\[(?:[^\[\]\\]|\\.)*\]\(", text)) == text.count("![")
    assert [tag for tag in re.findall(r"<img[^>]*>", text) if 'alt="' not in tag] == []


@every_page
def test_every_link_says_where_it_leads(path: Path) -> None:
    names = re.findall(r"(?<!!)\[([^\]]*)\]\(", text_of(path))
    assert [name for name in names if name.strip().lower() in {"", "here", "link", "this"}] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_picture_in_an_output_has_a_sentence(path: Path) -> None:
    outputs = [output for cell in load(path)["cells"] for output in cell.get("outputs", ())]
    data = [output["data"] for output in outputs if "data" in output]
    assert [kind for kind in data if "image/png" in kind] == []
    tags = [tag for kind in data for tag in re.findall(r"<img[^>]*>", kind.get("text/html", ""))]
    assert [tag[:60] for tag in tags if not re.match(r'<img alt="[^"]+[.?)]"', tag)] == []
