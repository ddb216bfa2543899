"""What stands in for Matplotlib in a browser draws every mark and word where Matplotlib does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ticker import MaxNLocator

from studykit.site.browser.film import filmstrip
from studykit.site.browser.matplotlib.ticker import MaxNLocator as OurLocator
from studykit.site.wheels import own_files

CLONE = Path(__file__).parents[2]
GALLERY = CLONE / "notebooks" / "00_gallery.ipynb"
POINTS = 0.6
"""How far apart two places may be: less than the width of a line."""
Place = tuple[float, float]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list]]:
    """What `places.py` prints in either environment."""
    folder = tmp_path_factory.mktemp("browser")
    for name, path in own_files(folder).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
    programs = {}
    for who, paths in (("matplotlib", {}), ("browser", {"PYTHONPATH": str(folder)})):
        programs[who] = subprocess.Popen(
            [sys.executable, "-P", Path(__file__).with_name("places.py"), GALLERY],
            env={**os.environ, **paths}, cwd=GALLERY.parent, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    told = {who: program.communicate()[0] for who, program in programs.items()}
    assert {program.returncode for program in programs.values()} == {0}
    return {who: [json.loads(line) for line in lines.splitlines()] for who, lines in told.items()}


def by_name(picture: list) -> dict[str, list[list[Place]]]:
    """Return the places of each mark and word; a corner that a shape passes twice counts once."""
    places: dict[str, list[list[Place]]] = {}
    for name, points in picture["places"]:
        places.setdefault(name, []).append(sorted({(round(x, 3), round(y, 3)) for x, y in points}))
    return {name: sorted(found) for name, found in places.items()}


def test_every_mark_and_word_of_the_gallery_is_where_matplotlib_draws_it(pictures) -> None:
    assert len(pictures["browser"]) == len(pictures["matplotlib"]) > 30
    for ours, theirs in zip(pictures["browser"], pictures["matplotlib"], strict=True):
        found, wanted = by_name(ours), by_name(theirs)
        assert found.keys() == wanted.keys()
        for name, groups in wanted.items():
            assert [*map(len, found[name])] == [*map(len, groups)], name
            for mine, right in zip(chain(*found[name]), chain(*groups), strict=True):
                assert mine == pytest.approx(right, abs=POINTS), name


def test_every_picture_is_svg_that_a_browser_reads(pictures) -> None:
    for picture in pictures["browser"]:
        root = ElementTree.fromstring(picture["svg"])
        known = {element.get("id") for element in root.iter()}
        used = {word.split("url(#")[1].rstrip(")") for element in root.iter()
                for word in element.attrib.values() if "url(#" in word}  # fmt: skip
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert used <= known


def test_a_film_has_its_pictures_one_below_the_other() -> None:
    frame = b'<svg xmlns="http://www.w3.org/2000/svg" width="880" height="440"/>'
    root = ElementTree.fromstring(filmstrip([frame, frame]))
    assert (root.get("width"), root.get("height")) == ("700", "706")
    assert [image.get("y") for image in root] == ["0", "356"]


@pytest.mark.parametrize(("most", "whole"), [*product((3, 5, 8), (False, True))])
@given(span=st.integers(1, 5_000), share=st.floats(-2, 20))
def test_round_numbers_are_those_of_matplotlib(
    most: int, whole: bool, span: int, share: float
) -> None:
    low, steps = round(span * share) / 10, None if whole else [1, 2, 5, 10]
    limits = low, low + span / 10
    ours = OurLocator(most, integer=whole, steps=steps).tick_values(*limits)
    theirs = MaxNLocator(most, integer=whole, steps=steps).tick_values(*limits)
    within = [
        [tick for tick in ticks if limits[0] <= tick <= limits[1]] for ticks in (ours, theirs)
    ]
    assert within[0] == pytest.approx(within[1])
