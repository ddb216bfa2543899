"""The engine that a learner types in the lessons, put together from the cells of earlier lessons.

Lesson 05 goes on with that engine by `Engine = typed_before("05")["Engine"]`, so that a lesson runs
without the lessons before it, and on the lines that the learner has saved there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from studykit.errors import StudyError

TAG: Final = "engine"
"""The tag of a cell that is part of the engine."""

NOTEBOOKS: Final = Path(__file__).resolve().parents[2] / "notebooks"


class EngineCell(NamedTuple):
    """A cell of the engine: the notebook that it stands in, and its code."""

    path: Path
    code: str

    @property
    def lesson(self) -> str:
        """The number of the lesson, such as `05`."""
        return self.path.name[:2]


class EngineNames(dict[str, Any]):
    """What the engine's cells define, by name."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401
        """Say where a name comes from that no cell defines any more.

        Raises:
            StudyError: Always.
        """
        raise StudyError(
            f"your engine has no {name}: type the engine's cells of the lessons before, and save "
            "them; `git checkout notebooks` puts the course's lines back"
        )


def engine_cells(before: str, folder: Path = NOTEBOOKS) -> list[EngineCell]:
    """Return the engine's cells of all lessons whose number is less than `before`, in order.

    Raises:
        StudyError: The lessons are not where the course has them.
    """
    if not folder.is_dir():
        raise StudyError(f"there is no folder {folder}: install the course from its clone")
    return [
        EngineCell(path, "".join(cell["source"]))
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if path.name[:2] < before
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if TAG in cell["metadata"].get("tags", ())
    ]


def typed_before(lesson: str, folder: Path = NOTEBOOKS) -> EngineNames:
    """Run the engine's cells of all earlier lessons, and return what they define, by name.

    Args:
        lesson: The number of the lesson that goes on, such as `05`; its own cells are not run.
        folder: The folder of the notebooks, as the learner has saved them.

    Raises:
        StudyError: The lessons are not where the course has them, or a cell does not run.
    """
    names: dict[str, Any] = {"__name__": "typed_engine"}
    for cell in engine_cells(lesson, folder):
        try:
            exec(compile(cell.code, f"<engine of lesson {cell.lesson}>", "exec"), names)
        except Exception as error:
            raise StudyError(
                f"your engine does not run: a cell of {cell.path.name} stops with "
                f"{type(error).__name__} ({error}). Mend the cell there and save it; "
                f"`git checkout notebooks/{cell.path.name}` puts the course's lines back"
            ) from None
    return EngineNames({name: value for name, value in names.items() if not name.startswith("__")})
