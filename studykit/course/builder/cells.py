"""Cells: read from a percent file, written to a notebook, always with the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import nbformat

from studykit.errors import StudyError

BUILDER: Final = "studykit.course 1"

TAGS: Final = frozenset(
    {"setup", "figure", "widget", "exercise", "check", "hint", "nav", "parameters", "hide-input"}
    | {"slow", "needs-services", "needs-flink", "predict", "engine", "journal"}
)
"""Every tag that a cell may have. `predict`: a prediction stands above it. `engine`: its code is
part of the engine that a learner types. `journal`: a learner writes text into it for a person."""

KERNEL: Final = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


_COMMENT: Final = re.compile(r"(<!-- .+? -->) *(.*)")

Notebook: TypeAlias = dict[str, Any]
"""A notebook of nbformat 4.5, texts in one piece."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `id` is set from the cell as the author wrote it, so a lab and its solution agree.

    A locked cell cannot be edited or deleted in JupyterLab.
    """

    kind: Literal["markdown", "code"]
    source: str
    tags: tuple[str, ...] = ()
    id: str = ""
    locked: bool = False

    def as_node(self) -> dict[str, Any]:
        """Return the cell as nbformat 4.5 has it."""
        metadata: dict[str, Any] = {}
        if self.locked:
            metadata |= {"deletable": False, "editable": False}
        if hidden := self._hidden():
            metadata["jupyter"] = hidden
        if self.tags:
            metadata["tags"] = list(self.tags)
        node: dict[str, Any] = {"cell_type": self.kind, "id": self.id, "metadata": metadata}
        if self.kind == "code":
            node |= {"execution_count": None, "outputs": []}
        return {**node, "source": self.source}

    def _hidden(self) -> dict[str, bool]:
        """Return the metadata by which JupyterLab folds parts of a cell until a reader opens them.

        The source of a question holds its answer, and so does the output below a prediction.
        """
        source = {"source_hidden": True} if {"widget", "hide-input"} & set(self.tags) else {}
        output = {"outputs_hidden": True} if "predict" in self.tags else {}
        return {**output, **source}


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a percent file, without ids.

    Raises:
        StudyError: The file cannot be read, or a cell has a tag that is not in `TAGS`.
    """
    import jupytext  # noqa: PLC0415 - it takes half a second, and only authors' commands read sources

    try:
        nodes = jupytext.reads(path.read_text("utf-8"), fmt="py:percent").cells
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"cannot read {path}: {error}") from None
    cells = []
    for node in nodes:
        tags = tuple(node.metadata.get("tags", ()))
        if strange := set(tags) - TAGS:
            known = ", ".join(sorted(TAGS))
            raise StudyError(f"{path.name}: no tag {sorted(strange)[0]!r}: choose from {known}")
        source = node.source
        if node.cell_type == "markdown":
            source = with_comments_behind(source)
        cells.append(Cell(node.cell_type, source, tags))
    return cells


def with_comments_behind(text: str) -> str:
    r"""Put each comment that begins a line behind the line before.

    Markdown takes a line that begins with a comment for the end of its paragraph.

    >>> with_comments_behind("One.\n<!-- claim: a --> Two.")
    'One. <!-- claim: a -->\nTwo.'
    """
    lines: list[str] = []
    for line in text.split("\n"):
        rest = line
        while (found := _COMMENT.match(rest)) and lines and _takes_comment(lines[-1]):
            lines[-1] += f" {found[1]}"
            rest = found[2]
        if rest or not line:
            lines.append(rest)
    return "\n".join(lines)


def _takes_comment(line: str) -> bool:
    """Return whether a line is plain text: neither empty nor a row, a fence or a tag."""
    return bool(line) and not line.startswith(("|", "```", "<"))


def with_ids(cells: Iterable[Cell]) -> list[Cell]:
    """Give each cell an id that depends on its own content only, not on where it stands."""
    seen: Counter[tuple[str, str]] = Counter()
    named = []
    for cell in cells:
        seen[cell.kind, cell.source] += 1
        text = f"{cell.kind}\n{seen[cell.kind, cell.source]}\n{cell.source}"
        named.append(replace(cell, id=hashlib.sha256(text.encode()).hexdigest()[:12]))
    return named


def as_notebook(cells: Sequence[Cell], source: Path, root: Path) -> Notebook:
    """Return the notebook of `cells`, which says what it was built from."""
    nodes = [cell.as_node() for cell in cells]
    origin = {
        "builder": BUILDER,
        "cells_sha256": cells_hash(nodes),
        "notice": "Generated: edit the source, then run `study course build`.",
        "source": source.relative_to(root).as_posix(),
        "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
    }
    metadata = {"course": origin, "kernelspec": KERNEL, "language_info": {"name": "python"}}
    return {"cells": nodes, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def cells_hash(cells: Iterable[dict[str, Any]]) -> str:
    """Return a hash of the cells' text, by which an edit by hand can be told."""
    text = json.dumps([[cell["cell_type"], cell["source"]] for cell in cells])
    return hashlib.sha256(text.encode()).hexdigest()


def dump(notebook: Notebook) -> str:
    """Return the text of a notebook's file; the same notebook always gives the same bytes."""
    return str(nbformat.writes(nbformat.from_dict(notebook), version=4)) + "\n"


def load(path: Path) -> Notebook:
    """Return the notebook in a file.

    Raises:
        StudyError: The file is no notebook.
    """
    try:
        # utf-8-sig: some editors begin a file with a byte order mark.
        notebook = dict(nbformat.reads(path.read_text("utf-8-sig"), as_version=4))
        if isinstance(notebook["cells"], list):
            return notebook
        reason = "it has no cells"
    except FileNotFoundError:
        what = "is a link to a file that is gone" if path.is_symlink() else "is not there"
        raise StudyError(f"the notebook {path} {what}: delete it, or put it back") from None
    except OSError as error:
        raise StudyError(f"cannot read {path} ({error.strerror}): may you read it?") from None
    except Exception as error:  # nbformat breaks in its own ways on JSON that is no notebook
        reason = str(error).partition("\n")[0] or type(error).__name__
    raise StudyError(f"{path} is no notebook ({reason}): save it again in JupyterLab")


def without_outputs(notebook: Notebook) -> Notebook:
    """Return the notebook as it was before anybody ran it."""
    cells = [
        {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}
