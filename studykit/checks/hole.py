"""The source of a lab: the hole of an exercise as learners find it, and the author's answer."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from studykit.exercises.definition import Exercise

SOURCES: Final = Path(__file__).resolve().parents[2] / "solutions" / "src"
BEGIN: Final = re.compile(r"^(\s*)# BEGIN SOLUTION\s*$")
END: Final = re.compile(r"^\s*# END SOLUTION\s*$")


@cache
def cells_of(number: str) -> tuple[tuple[str, str], ...]:
    """Return head and code of each code cell of a lab's source; `()` where there is no source.

    Args:
        number: The two digits of the lab, such as `03`.
    """
    source = next(SOURCES.glob(f"lab{number}_*.py"), None)
    if source is None:
        return ()
    parts = re.split(r"^(?=# %%)", source.read_text("utf-8"), flags=re.MULTILINE)
    cells = (part.partition("\n")[::2] for part in parts)
    return tuple((head, code) for head, code in cells if head and "[markdown]" not in head)


def solution_of(exercise: Exercise) -> str | None:
    """Return the author's cell for an exercise, without its markers; None where there is none."""
    cell = _cell_of(exercise)
    return None if cell is None else fill(cell)


def fill(source: str) -> str:
    """Return `source` as the solution shows it: without the markers."""
    return "\n".join(
        line for line in source.splitlines() if not (BEGIN.match(line) or END.match(line))
    )


def solved_namespace(number: str) -> dict[str, Any]:
    """Run the setup and the author's answers of a lab, and return the globals that they leave."""
    # As in a notebook: there classes and functions of the cells are those of `__main__`.
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for head, code in cells_of(number):
        if '"setup"' in head or '"exercise"' in head:
            exec(compile(code, f"<lab{number}>", "exec"), namespace)
    return namespace


def is_untouched(source: str, exercise: Exercise) -> bool | None:
    """Return whether the source of a function is the hole as the lab has it; None if unknown.

    The text of its `lab.NotDone`, its comments and its layout do not count.
    """
    cell = _cell_of(exercise)
    if cell is None:
        return None
    try:
        mine, given = (_shape(text, exercise) for text in (source, _dug(cell)))
    except (SyntaxError, ValueError):
        return None
    return mine == given


def _cell_of(exercise: Exercise) -> str | None:
    cells = (code for _, code in cells_of(exercise.id[1:3]))
    head = re.compile(rf"^def {exercise.name}\(", re.MULTILINE)
    return next((code for code in cells if head.search(code)), None)


def _dug(cell: str) -> str:
    lines: list[str] = []
    inside = False
    for line in cell.splitlines():
        if begin := BEGIN.match(line):
            lines.append(f'{begin[1]}raise lab.NotDone("")')
            inside = True
        elif END.match(line):
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def _shape(source: str, exercise: Exercise) -> str:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == exercise.name:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "lab.NotDone":
                    call.args = []
            return ast.dump(node)
    raise ValueError(exercise.name)
