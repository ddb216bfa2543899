"""Executing: a notebook's outputs, from a fresh kernel."""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from studykit.checks.kernel import keep_local
from studykit.course.builder.cells import Notebook
from studykit.errors import StudyError

CELL_TIMEOUT_S: Final = 120
SLOW_CELL_TIMEOUT_S: Final = 600
"""For a cell with the tag slow, which measures or waits for a service."""

VEIL: Final = {
    "data": {"text/plain": "Folded: predict before you look."},
    "metadata": {},
    "output_type": "display_data",
}
"""The first output of a folded cell: JupyterLab writes the first line of a folded output beside the
dots, and that line would be the answer."""


def executed(notebook: Notebook, folder: Path, name: str) -> Notebook:
    """Return the notebook with its outputs, run in `folder`; the learner's progress stays as it is.

    Raises:
        StudyError: A cell failed, other than by `NotDone`, or did not end in time.
    """
    node = nbformat.from_dict(copy.deepcopy(notebook))
    client = NotebookClient(
        node,
        timeout_func=_timeout_s,
        kernel_name="python3",
        allow_error_names=["NotDone"],
        store_widget_state=False,
        # Into how many pieces an output comes is chance, and the outputs are compared.
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    with tempfile.TemporaryDirectory() as scratch:
        env = {**os.environ, "STUDY_PROGRESS": f"{scratch}/progress.json"}
        keep_local(client, scratch)
        try:
            client.execute(env=env)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise StudyError(f"{name} does not run: {str(error).strip()}") from None
    return _with_outputs(notebook, node.cells)


def _timeout_s(cell: Notebook) -> int:
    slow = "slow" in cell["metadata"].get("tags", ())
    return SLOW_CELL_TIMEOUT_S if slow else CELL_TIMEOUT_S


def outputs_of(notebook: Notebook, old: Notebook) -> Notebook | None:
    """Return `notebook` with the outputs of `old`; None if their code cells differ."""
    if _code(notebook) != _code(old):
        return None
    ran = {cell["id"]: cell for cell in old["cells"]}
    return _with_outputs(notebook, [ran.get(cell["id"], cell) for cell in notebook["cells"]])


def is_executed(notebook: Notebook) -> bool:
    """Return whether every code cell was run."""
    return all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")


def _code(notebook: Notebook) -> list[tuple[str, str]]:
    return [
        (cell["id"], cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"
    ]


def _with_outputs(notebook: Notebook, ran: list[dict[str, Any]]) -> Notebook:
    """Return `notebook` with outputs and counts taken from `ran`, and nothing else of it."""
    cells = []
    for cell, run in zip(notebook["cells"], ran, strict=True):
        if cell["cell_type"] == "code":
            counts = {"execution_count": run["execution_count"], "outputs": _veiled(cell, run)}
            cells.append({**cell, **counts})
        else:
            cells.append(cell)
    return {**notebook, "cells": cells}


def _veiled(cell: dict[str, Any], run: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a cell's outputs, behind a veil where the cell is folded."""
    outputs = [output for output in run["outputs"] if output != VEIL]
    folded = cell["metadata"].get("jupyter", {}).get("outputs_hidden", False)
    return [VEIL, *outputs] if folded and outputs else outputs
