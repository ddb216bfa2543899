"""Every exercise in Python for WebAssembly, run by Node: what the static site's visitors have.

Node loads the very folder that the site serves. Solutions pass, untouched labs are not attempted,
and each wrong answer gets the message of its own misconception, as in a kernel of this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studykit.exercises.catalog import labs
from studykit.site.pages import for_browser
from studykit.site.python import assemble

CLONE = Path(__file__).parents[2]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `prove_labs.py` reports of each lab, by number."""
    folder = tmp_path_factory.mktemp("python")
    assemble(folder, CLONE / ".study" / "site")
    # V8's quick compiler: what runs for seconds only is not worth its better one.
    node = [Path(sys.prefix) / "bin" / "node", "--liftoff-only", HERE / "in_pyodide.mjs"]
    course = tmp_path_factory.mktemp("course")
    for path in [*CLONE.glob("labs/lab*.ipynb"), *CLONE.glob("solutions/lab*.ipynb")]:
        (course / path.parent.name).mkdir(exist_ok=True)
        notebook = for_browser(json.loads(path.read_text("utf-8")))
        (course / path.parent.name / path.name).write_text(json.dumps(notebook))
    done = subprocess.run(
        [*node, folder, course, HERE / "prove_labs.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {report["lab"]: report for report in reports}


@pytest.mark.slow
@pytest.mark.parametrize("lab", labs(), ids=lambda lab: lab.name)
def test_a_lab_is_judged_in_webassembly_as_here(proofs: dict[str, Any], lab: Any) -> None:
    proof = proofs[lab.number]
    assert (proof["cells"], proof["holes"]) == ([], [])
    assert proof["exercises"] == {
        exercise.id: {
            "solution": "passed",
            "lab": "not attempted",
            "named": {bad.name: bad.name for bad in exercise.misconceptions},
        }
        for exercise in lab.exercises
    }
