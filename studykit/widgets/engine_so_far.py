"""How far the learner's own engine has grown: its lines by lesson, and all of it, folded."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path

from studykit.trace.typed_engine import NOTEBOOKS, engine_cells


class EngineSoFar:
    """The engine as it is saved in the lessons up to one of them."""

    def __init__(self, lesson: str, folder: Path = NOTEBOOKS) -> None:
        """Read the engine.

        Args:
            lesson: The number of the last lesson that counts, such as `05`.
            folder: The folder of the notebooks, as the learner has saved them.
        """
        cells = engine_cells(f"{int(lesson) + 1:02d}", folder)
        lines = Counter[str]()
        for cell in cells:
            lines[cell.lesson] += sum(bool(line.strip()) for line in cell.code.splitlines())
        grown = ", ".join(f"{count} in lesson {number}" for number, count in lines.items())
        self.sentence = f"Your engine has {lines.total()} lines: {grown}."
        if empty := sorted({cell.lesson for cell in cells if cell.is_open}):
            self.sentence += (
                f" As it is saved, holes are open in lesson {', '.join(empty)}: there the course's "
                "lines stand in."
            )
        self.code = "\n\n\n".join(f"# lesson {cell.lesson}\n{cell.code}" for cell in cells)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        folded = f"<details><summary>All of it</summary><pre>{escape(self.code)}</pre></details>"
        return {
            "text/html": f"<p>{escape(self.sentence)}</p>{folded}",
            "text/plain": self.sentence,
        }
