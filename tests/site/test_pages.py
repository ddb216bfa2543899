"""The site's notebooks: what no browser can do is a sentence there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studykit.site.pages import for_browser

CLONE = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "stem", ["lab06_inputs", "lab07_state", "lab08_joins", "lab09_recovery", "lab12_production"]
)
def test_a_line_that_starts_services_is_a_sentence_in_a_browser(stem: str) -> None:
    notebook = json.loads((CLONE / "labs" / f"{stem}.ipynb").read_text("utf-8"))
    sources = ["".join(cell["source"]) for cell in for_browser(notebook, stem)["cells"]]
    (source,) = (text for text in sources if "studykit.services" in text)
    said, *lines = source.splitlines()
    assert said.startswith('print("This cell needs what no browser has')
    assert all(line.startswith("#") for line in lines)
