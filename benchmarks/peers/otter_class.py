"""A class through otter-grader: `otter_class.py LAB.json COUNT FOLDER`."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from otter.api import grade_submission
from otter.generate import main as generate


def main() -> None:
    """Grade the class and print the wall seconds and everybody's score."""
    lab, count, home = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), sys.argv[3]
    (Path(home) / "tests").mkdir(parents=True)
    os.chdir(home)
    for number, exercise in enumerate(lab["exercises"]):
        text = f"OK_FORMAT = True\n\ntest = {test(f'q{number}', exercise['tests'])!r}\n"
        Path("tests", f"q{number}.py").write_text(text)
    generate(tests_dir="tests", output_path="autograder.zip", no_environment=True)
    for number in range(count):
        nbformat.write(notebook(lab), f"student-{number:04}.ipynb")
    begun = time.perf_counter()
    found = [grade_submission(f"student-{number:04}.ipynb", quiet=True) for number in range(count)]
    wall_s = time.perf_counter() - begun
    print(json.dumps({"wall_s": wall_s, "rows": [[result.total for result in found]]}))


def notebook(lab: dict[str, Any]) -> nbformat.NotebookNode:
    """Return the lab as a student hands it in: each answer, then otter's check of it."""
    sources = [f"import otter\ngrader = otter.Notebook()\n{lab['preamble']}"]
    for number, exercise in enumerate(lab["exercises"]):
        sources += [exercise["answer"], f'grader.check("q{number}")']
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test(name: str, source: str) -> dict[str, Any]:
    """Return a test as otter wants it: a doctest that says nothing."""
    code = "\n".join(f">>> {line}" for line in source.splitlines())
    case = {"code": code, "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    return {"name": name, "points": 1, "suites": [suite]}


if __name__ == "__main__":
    main()
