"""Budgets of a notebook: what keeps it readable. Every finding is one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from studykit.course.builder.cells import Notebook, dump

CODE_LINES: Final = 15
FIGURE_LINES: Final = 3
WORDS: Final = 120
MEGABYTES: Final = 0.5
ADJACENT: Final = 2
WORDS_PER_LINE: Final = 6
FOLDED: Final = 50
"""Characters of the line that is left of a folded cell."""

_STRAY_LIST: Final = re.compile(r"^(?![-+*] |\d+\. |[#>|`<]| ).+\n([-+*] .{,20})", re.MULTILINE)
"""A mark of a list at the beginning of a line that goes on with a sentence, as in `end` `- 1`."""
_BARE_CODE: Final = re.compile(r"<summary>[^<]*?(`[^`]+`)[^<]*</summary>")
"""Marks of Markdown in an element of HTML, where nobody reads them."""


def findings(notebook: Notebook) -> list[str]:
    """Return what is wrong with a lesson or a solution: a sentence each, in the order of cells."""
    cells = [cell for cell in notebook["cells"] if not _generated(cell)]
    found = [text for cell in cells for text in _of_cell(cell)]
    found += _of_headings(cells)
    size = len(dump(notebook).encode()) / 1e6
    if size > MEGABYTES:
        found.append(f"the notebook has {size:.1f} MB; at most {MEGABYTES} are readable on a line")
    pairs = pairwise(cells)
    adjacent = sum(before["cell_type"] == after["cell_type"] == "code" for before, after in pairs)
    if adjacent > ADJACENT:
        found.append(f"{adjacent} times a code cell follows a code cell; put a sentence between")
    return found


def lesson_findings(notebook: Notebook) -> list[str]:
    """Return what is wrong with a lesson, which must also have enough prose for its code."""
    found = findings(notebook)
    words = sum(_words(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    lines = sum(_lines(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
    if words < WORDS_PER_LINE * lines:
        found.append(f"{words} words for {lines} lines of code; {WORDS_PER_LINE} a line are asked")
    cells = notebook["cells"]
    more = (_of_predictions, _of_questions, _of_tasks, _of_folded)
    return [*found, *(text for look in more for text in look(cells))]


def _of_predictions(cells: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each cell whose saved output answers the question right above it."""
    for above, cell in pairwise(cells):
        asks = "**Predict" in above["source"] or above["source"].startswith("## Break it")
        hides = {"predict", "widget"} & set(cell["metadata"].get("tags", ()))
        if asks and above["cell_type"] == "markdown" and not hides and cell.get("outputs"):
            yield f"{_first(cell)!r}: it answers the question above it; give it the tag predict"


def _of_questions(cells: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each `Predict` whose answer is saved in the next output below it."""
    asked = False
    for cell in cells:
        if cell["cell_type"] == "markdown":
            asked = asked and not re.search(r"^## ", cell["source"], re.MULTILINE)
        elif "Predict(" in cell["source"]:
            asked = True
        elif asked and cell.get("outputs") and not (_is_button(cell) or _generated(cell)):
            asked = False
            if "predict" not in cell["metadata"].get("tags", ()):
                yield f"{_first(cell)!r}: a question stands above it; give it the tag predict"


def _of_tasks(cells: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each section of tasks that has no folded answers."""
    text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        if section.startswith("Break it") and "<details>" not in section:
            yield "'Break it': it has no answer; fold one below it"


def _of_folded(cells: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a sentence for each folded cell whose first line, which stays visible, is long.

    JupyterLab does not break that line: at 200 % the whole page would scroll sideways.
    """
    for cell in cells:
        folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        if folded and len(_first(cell)) > FOLDED:
            yield f"{_first(cell)!r}: {len(_first(cell))} characters; begin with a short comment"


def _is_button(cell: dict[str, Any]) -> bool:
    """Tell whether what is saved of a cell is a button that has not been pressed."""
    texts = ["".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]]
    return all(text.startswith("A button") for text in texts)


def _first(cell: dict[str, Any]) -> str:
    """Return the first line of a cell, by which an author finds it."""
    return str(cell["source"]).strip().partition("\n")[0]


def _of_cell(cell: dict[str, Any]) -> Iterator[str]:
    first = _first(cell)
    if cell["cell_type"] == "markdown":
        if _words(cell) > WORDS:
            yield f"{first!r}: {_words(cell)} words; split the cell at {WORDS}"
        for mark in _STRAY_LIST.findall(cell["source"]):
            yield f"{first!r}: a list begins at {mark!r} in a sentence; break the line elsewhere"
        for asked in _BARE_CODE.findall(cell["source"]):
            yield f"{first!r}: {asked} stays as it is in a summary; write <code>"
        return
    limit = FIGURE_LINES if "figure" in cell["metadata"].get("tags", ()) else CODE_LINES
    if _lines(cell) > limit:
        yield f"{first!r}: {_lines(cell)} lines; a cell of this kind has at most {limit}"
    if "sys.path" in cell["source"]:
        yield f"{first!r}: sys.path; the course is installed, import it"


def _of_headings(cells: list[dict[str, Any]]) -> Iterator[str]:
    text = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    if levels.count(1) != 1 or levels[0] != 1:
        yield "one heading with a single # is asked for, and it comes first"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}; levels go one by one"


def _generated(cell: dict[str, Any]) -> bool:
    return bool({"nav", "check", "hint"} & set(cell["metadata"].get("tags", ())))


def _words(cell: dict[str, Any]) -> int:
    return len(re.findall(r"\w+", re.sub(r"\]\([^)]*\)", "]", cell["source"])))


def _lines(cell: dict[str, Any]) -> int:
    """Count lines of code; a comment alone on a line is none."""
    lines = [line.strip() for line in cell["source"].splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in lines)
