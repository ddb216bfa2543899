"""Every lesson and exercise in Python for WebAssembly, run by Node: what the site's visitors have.

Node loads the very folder that the site serves. Each cell of a lesson prints and shows what is
committed. Solutions pass, untouched labs are not attempted, and each wrong answer gets the message
of its own misconception, as in a kernel of this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studykit.course.builder.execute import VEIL
from studykit.exercises.catalog import labs
from studykit.site.pages import for_browser, write_contents
from studykit.site.python import assemble

CLONE = Path(__file__).parents[2]
HERE = Path(__file__).parent
LESSONS = sorted(path.stem for path in (CLONE / "notebooks").glob("[0-9]*.ipynb"))
ELSEWHERE = "This cell needs what no browser has"
NOWHERE = {"11_pyflink", "12_production_job"}
"""Lessons that run Flink from the first cell on."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `prove_labs.py` and `prove_lessons.py` report, a lab or lesson each."""
    folder = tmp_path_factory.mktemp("python")
    assemble(folder, CLONE / ".study" / "site")
    # V8's quick compiler: what runs for seconds only is not worth its better one.
    node = [Path(sys.prefix) / "bin" / "node", "--liftoff-only", HERE / "in_pyodide.mjs"]
    course = tmp_path_factory.mktemp("course")
    write_contents(course)
    (course / "solutions").mkdir()
    for path in CLONE.glob("solutions/lab*.ipynb"):
        notebook = for_browser(json.loads(path.read_text("utf-8")), path.stem)
        (course / "solutions" / path.name).write_text(json.dumps(notebook))
    programs = [HERE / "prove_labs.py", HERE / "prove_lessons.py"]
    done = subprocess.run(
        [*node, folder, course, *programs], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_a_lab_is_judged_in_webassembly_as_here(reports: list[dict[str, Any]], lab: Any) -> None:
    (proof,) = (report for report in reports if report.get("lab") == lab.number)
    assert (proof["cells"], proof["holes"], proof["drawn"]) == ([], [], True)
    assert proof["exercises"] == {
        exercise.id: {
            "solution": "passed",
            "lab": "not attempted",
            "named": {bad.name: bad.name for bad in exercise.misconceptions},
        }
        for exercise in lab.exercises
    }


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_prints_and_shows_in_webassembly_what_is_committed(
    reports: list[dict[str, Any]], lesson: str
) -> None:
    (ran,) = (report["cells"] for report in reports if report.get("lesson") == lesson)
    notebook = json.loads((CLONE / "notebooks" / f"{lesson}.ipynb").read_text("utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    here = [(cell, told) for cell, told in zip(cells, ran, strict=True)
            if not told["printed"].startswith(ELSEWHERE)]  # fmt: skip
    assert [told["error"] for told in ran if told["error"]] == []
    assert [told for _, told in here] == [committed(cell) for cell, _ in here]
    assert (not here) == (lesson in NOWHERE)


def committed(cell: dict[str, Any]) -> dict[str, Any]:
    """Return of a cell what `prove_lessons.py` reports of one that ran."""
    bundles = [output["data"] for output in cell["outputs"] if "data" in output]
    texts = ["".join(bundle["text/plain"]) for bundle in bundles]
    return {
        "printed": "".join("".join(output.get("text", "")) for output in cell["outputs"]),
        "error": "",
        "shown": [text for text in texts if text != VEIL["data"]["text/plain"]],
        "pictures": sum("".join(bundle.get("text/html", "")).count("<img ") for bundle in bundles),
    }
