"""The engine that a learner types in the lessons, put together from the cells of earlier lessons.

Lesson 05 goes on with that engine by `Engine = typed_before("05")["Engine"]`, so that a lesson runs
without the lessons before it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from studykit.errors import StudyError

TAG: Final = "engine"
"""The tag of a cell that is part of the engine."""

NOTEBOOKS: Final = Path(__file__).resolve().parents[2] / "notebooks"


def engine_cells(before: str, folder: Path = NOTEBOOKS) -> list[str]:
    """Return the code of the engine from all lessons whose number is less than `before`, in order.

    Raises:
        StudyError: The lessons are not where the course has them.
    """
    if not folder.is_dir():
        raise StudyError(f"there is no folder {folder}: install the course from its clone")
    return [
        "".join(cell["source"])
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if path.name[:2] < before
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if TAG in cell["metadata"].get("tags", ())
    ]


def typed_before(lesson: str, folder: Path = NOTEBOOKS) -> dict[str, Any]:
    """Run the engine's cells of all earlier lessons, and return what they define, by name.

    Args:
        lesson: The number of the lesson that goes on, such as `05`; its own cells are not run.
        folder: The folder of the notebooks.

    Raises:
        StudyError: The lessons are not where the course has them.
    """
    names: dict[str, Any] = {"__name__": "typed_engine"}
    for code in engine_cells(lesson, folder):
        exec(compile(code, f"<engine before lesson {lesson}>", "exec"), names)
    return {name: value for name, value in names.items() if not name.startswith("__")}
