"""The gallery shows every figure, asks its question, and says in words what it shows."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest

from studykit import figures
from studykit.course.builder.cells import load
from studykit.course.layout import Course

COURSE = Course(Path(__file__).resolve().parents[2])
(SOURCE,) = COURSE.gallery_sources()
NOTEBOOK = load(COURSE.notebooks / f"{SOURCE.stem}.ipynb")
TEXT = " ".join(re.sub(r"\n# ?", " ", SOURCE.read_text("utf-8")).split())
MODULES = [
    import_module(module.name) for module in walk_packages(figures.__path__, "studykit.figures.")
]
EXHIBITS = [module for module in MODULES if hasattr(module, "QUESTION")]

every_exhibit = pytest.mark.parametrize(
    "exhibit", EXHIBITS, ids=lambda module: module.__name__.rpartition(".")[2]
)


def test_there_are_seventeen_figures() -> None:
    assert len(EXHIBITS) == 17


@every_exhibit
def test_figure_has_its_heading_and_its_question(exhibit: ModuleType) -> None:
    assert re.search(rf"## \d+\. {re.escape(exhibit.TITLE)} ", TEXT)
    assert f"**{exhibit.QUESTION}**" in TEXT


@every_exhibit
def test_figure_is_shown_with_words_for_those_who_do_not_see_it(exhibit: ModuleType) -> None:
    name = exhibit.__name__.rpartition(".")[2]
    cell = next(
        cell
        for cell in NOTEBOOK["cells"]
        if cell["cell_type"] == "code" and re.search(rf"r\(\w+, {name}", cell["source"])
    )
    (output,) = cell["outputs"]
    html, sentence = output["data"]["text/html"], output["data"]["text/plain"]
    alternative = re.search(r'<img alt="([^"]+)"', html)
    assert alternative
    assert alternative[1] == sentence
    assert f"<p>{sentence}</p>" in html


def test_study_guide_links_the_gallery() -> None:
    guide = (COURSE.root / "StudyDoc.md").read_text("utf-8")
    assert f"(notebooks/{SOURCE.stem}.ipynb)" in guide
