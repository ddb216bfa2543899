"""Reading a submitted notebook: whatever bytes come, cells or one sentence."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any, Final

MAX_BYTES: Final = 20 * 2**20
MAX_SEPARATORS: Final = 1_000_000
"""Most brackets and commas of a notebook: each costs memory when the notebook is parsed."""
MAX_CELLS: Final = 2_000
MAX_SOURCE: Final = 500_000
"""Most characters of source in a notebook."""

_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class ReadingFailure(ValueError):
    """A submission is no notebook. The error's text tells the person who handed it in why."""


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """A cell as it was handed in; of its metadata nothing is kept."""

    kind: str
    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook as it was handed in: its cells, and the lab that it says it is, or ''."""

    cells: tuple[NotebookCell, ...]
    lab: str


def read_notebook(data: bytes) -> Notebook:
    """Return the notebook in `data`.

    Raises:
        ReadingFailure: The bytes are no notebook, or too large a one.
    """
    notebook = _parsed(_text(data))
    nodes = _cells_of(notebook)
    if len(nodes) > MAX_CELLS:
        raise ReadingFailure(f"the notebook has {len(nodes)} cells; at most {MAX_CELLS} are read")
    cells = tuple(_cell(node) for node in nodes)
    if sum(len(cell.source) for cell in cells) > MAX_SOURCE:
        raise ReadingFailure(f"the notebook has more than {MAX_SOURCE} characters of source")
    return Notebook(cells, _lab_of(notebook))


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise ReadingFailure(f"the file has more than {MAX_BYTES >> 20} MB: clear its outputs")
    if not data.strip():
        raise ReadingFailure("the file is empty")
    if data.startswith(b"version https://git-lfs"):
        raise ReadingFailure("the file is a pointer of Git LFS: hand in the notebook itself")
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise ReadingFailure("the file is no text") from None
    if re.search(r"^(<{7}|>{7}) ", text, re.MULTILINE):
        raise ReadingFailure("the file holds conflict marks of Git: resolve them and save it again")
    if sum(map(text.count, "[{,")) > MAX_SEPARATORS:
        raise ReadingFailure("the file is too large: clear its outputs")
    return text


def _parsed(text: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise ReadingFailure("the file is nested too deeply") from None
    except ValueError:
        raise ReadingFailure("the file is no JSON; was it cut off?") from None
    if type(notebook) is not dict or type(notebook.get("nbformat")) is not int:
        raise ReadingFailure("the file is JSON, but no notebook")
    if not 3 <= notebook["nbformat"] <= 4:
        raise ReadingFailure("the notebook is of a version that is not known here: save it as 4.5")
    return notebook


def _cells_of(notebook: dict[str, Any]) -> list[Any]:
    """Return the cells of format 4, or of all sheets of format 3."""
    holders: Any = notebook.get("worksheets") if notebook["nbformat"] == 3 else [notebook]
    holders = holders if type(holders) is list else [None]
    found: list[Any] = []
    for holder in holders:
        cells = holder.get("cells") if type(holder) is dict else None
        if type(cells) is not list:
            raise ReadingFailure("the notebook has no list of cells")
        found += cells
    return found


def _cell(node: object) -> NotebookCell:
    if type(node) is not dict:
        raise ReadingFailure("a cell of the notebook is no cell")
    source = node.get("source", node.get("input", ""))
    if type(source) is list and all(type(line) is str for line in source):
        source = "".join(source)
    if type(source) is not str:
        raise ReadingFailure("a cell of the notebook holds no text")
    # JSON may name half of a pair of surrogates, which no UTF-8 can carry into the sandbox.
    if any("\ud800" <= char <= "\udfff" for char in source):
        raise ReadingFailure("a cell of the notebook holds characters that are no Unicode")
    return NotebookCell(
        _word(node.get("cell_type")), source.replace("\r\n", "\n"), _word(node.get("id"))
    )


def _lab_of(notebook: dict[str, Any]) -> str:
    """Return the lab by what the course wrote into the notebook: `lab01_clocks`, or ''."""
    metadata = notebook.get("metadata")
    origin = metadata.get("course") if type(metadata) is dict else None
    source = _word(origin.get("source")) if type(origin) is dict else ""
    found = re.fullmatch(r"solutions/src/(lab\d\d_\w{1,80})\.py", source)
    return found[1] if found else ""


def _word(value: object) -> str:
    return value if type(value) is str else ""
