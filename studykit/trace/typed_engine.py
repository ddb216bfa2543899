"""The engine that a learner types in the lessons, put together from the cells of earlier lessons.

Lesson 05 goes on with that engine by `Engine = typed_before("05")["Engine"]`, so that a lesson runs
without the lessons before it, and on the lines that the learner has saved there. Where a hole is
still open, the course's lines, which are folded below it, stand in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from studykit.errors import StudyError

TAG: Final = "engine"
"""The tag of a cell that is part of the engine, and of the text below it that has its lines."""

_HOLE: Final = re.compile(r"^\s*raise typed\.NotDone\(", re.MULTILINE)
_LINES: Final = re.compile(r"^```python\n(.*?)\n```$", re.MULTILINE | re.DOTALL)

NOTEBOOKS: Final = Path(__file__).resolve().parents[2] / "notebooks"


class EngineCell(NamedTuple):
    """A cell of the engine: the notebook that it stands in, what is typed there, and its answer."""

    path: Path
    typed: str
    answer: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the course's lines stand in: a hole of the cell is left, or nothing at all."""
        left = _HOLE.search(self.typed) or not self.typed.strip()
        return bool(self.answer and left)

    @property
    def code(self) -> str:
        """What the engine is made of."""
        return self.answer if self.is_open else self.typed

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
            "them; `git checkout notebooks` puts their holes back"
        )


def engine_cells(before: str, folder: Path = NOTEBOOKS) -> list[EngineCell]:
    """Return the engine's cells of all lessons whose number is less than `before`, in order.

    Raises:
        StudyError: The lessons are not where the course has them.
    """
    if not folder.is_dir():
        raise StudyError(f"there is no folder {folder}: install the course from its clone")
    found: list[EngineCell] = []
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        for cell in _tagged(path) if path.name[:2] < before else ():
            text = "".join(cell["source"])
            if cell["cell_type"] == "code":
                found.append(EngineCell(path, text))
            elif lines := _LINES.search(text):
                found[-1] = found[-1]._replace(answer=lines[1])
    return found


def _tagged(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if TAG in cell["metadata"].get("tags", ())]


def typed_before(lesson: str, folder: Path = NOTEBOOKS) -> EngineNames:
    """Run the engine's cells of all earlier lessons, and return what they define, by name.

    Args:
        lesson: The number of the lesson that goes on, such as `05`; its own cells are not run.
        folder: The folder of the notebooks, as the learner has saved them.

    Raises:
        StudyError: The lessons are not where the course has them, or a cell does not run.
    """
    return _run(engine_cells(lesson, folder))


def course_lines(lesson: str, folder: Path = NOTEBOOKS) -> EngineNames:
    """Run the same, and then a lesson's own cells as the course has them, whatever is typed there.

    Raises:
        StudyError: As `typed_before`.
    """
    own = [cell for cell in engine_cells(f"{int(lesson) + 1:02d}", folder) if cell.lesson == lesson]
    answers = [cell._replace(typed=cell.answer or cell.typed) for cell in own]
    return _run([*engine_cells(lesson, folder), *answers])


def _run(cells: Iterable[EngineCell]) -> EngineNames:
    names: dict[str, Any] = {"__name__": "typed_engine"}
    for cell in cells:
        try:
            exec(compile(cell.code, f"<engine of lesson {cell.lesson}>", "exec"), names)
        except Exception as error:
            raise StudyError(
                f"your engine does not run: a cell of {cell.path.name} stops with "
                f"{type(error).__name__} ({error}). Mend the cell there and save it; "
                f"`git checkout notebooks/{cell.path.name}` puts its holes back"
            ) from None
    return EngineNames({name: value for name, value in names.items() if not name.startswith("__")})
