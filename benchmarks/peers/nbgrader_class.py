"""A class through nbgrader: `nbgrader_class.py LAB.json COUNT FOLDER`."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.apps import NbGraderAPI
from nbgrader.nbgraderformat import SCHEMA_VERSION
from traitlets.config import Config

LAB = "lab"


def main() -> None:
    """Autograde the class and print the wall seconds and everybody's score."""
    lab, count, folder = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), sys.argv[3]
    home = Path(folder)
    write(notebook(lab), home / "source" / LAB / "lab.ipynb")
    config = Config()
    config.CourseDirectory.root = str(home)
    config.CourseDirectory.db_url = f"sqlite:///{home}/gradebook.db"
    api = NbGraderAPI(config=config)
    require(api.generate_assignment(LAB, force=True))
    released = nbformat.read(home / "release" / LAB / "lab.ipynb", 4)
    for cell, solved in zip(released.cells, notebook(lab).cells, strict=True):
        cell.source = solved.source
    students = [f"student-{number:04}" for number in range(count)]
    for student in students:
        write(released, home / "submitted" / student / LAB / "lab.ipynb")
    begun = time.perf_counter()
    for student in students:
        require(api.autograde(LAB, student))
    wall_s = time.perf_counter() - begun
    with api.gradebook as book:
        scores = [book.find_submission(LAB, student).score for student in students]
    print(json.dumps({"wall_s": wall_s, "rows": [scores]}))


def notebook(lab: dict[str, Any]) -> nbformat.NotebookNode:
    """Return the lab as an instructor of nbgrader writes it: each answer, then a test of it."""
    cells = [nbformat.v4.new_code_cell(lab["preamble"])]
    for number, exercise in enumerate(lab["exercises"]):
        cells.append(cell(exercise["answer"], f"answer{number}", solution=True))
        cells.append(cell(exercise["tests"], f"test{number}", grade=True, points=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def cell(source: str, grade_id: str, **more: object) -> nbformat.NotebookNode:
    """Return a cell with what nbgrader wants to know of it."""
    known = {"grade": False, "solution": False, "locked": "grade" in more, "task": False, **more}
    known |= {"grade_id": grade_id, "schema_version": SCHEMA_VERSION}
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": known})


def write(book: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook."""
    path.parent.mkdir(parents=True)
    nbformat.write(book, path)


def require(done: dict[str, Any]) -> None:
    """Stop where nbgrader did not do what it was asked for."""
    if not done["success"]:
        raise SystemExit(done["log"])


if __name__ == "__main__":
    main()
