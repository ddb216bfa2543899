"""A notebook in a kernel of its own: its cells run one by one, then its functions are called.

A cell that fails does not stop the others. What the answers return is judged here, outside.
"""

from __future__ import annotations

import ast
import json
import logging
import os
import tempfile
from collections.abc import Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from testbook.client import TestbookNotebookClient
from testbook.exceptions import TestbookError

from studykit.checks.diagnosis.facts import Facts
from studykit.errors import StudyError
from studykit.exercises.definition import Args, Json

CELL_TIMEOUT_S: Final = 20

LONGEST_FOLDER: Final = 60
"""A kernel's sockets are files; in a folder with a longer name (characters) they cannot be made."""


class KernelFailure(StudyError):
    """The kernel died or hangs. The text is one sentence that says in which cell or call."""

    def __init__(self, text: str, cell_id: str | None = None) -> None:
        """Say what happened, and in which cell if it was in one."""
        super().__init__(text)
        self.cell_id = cell_id


@dataclass(frozen=True, slots=True)
class CellRun:
    """What became of a code cell; `error` is the class name of its exception, else None."""

    id: str
    source: str
    tags: tuple[str, ...]
    error: str | None
    error_text: str
    text: str
    """What the cell printed."""


@dataclass(frozen=True, slots=True)
class Request:
    """A function to call, by its name, with its cases.

    With a `source`, the function is defined by that source instead of by the notebook.
    """

    name: str
    cases: Sequence[Args]
    source: str | None = None


class LabKernel:
    """A running notebook; `run_lab` starts and ends it."""

    def __init__(self, client: TestbookNotebookClient) -> None:
        """Wrap a testbook client whose kernel is running."""
        self._client = client
        self.cells: list[CellRun] = []

    def forbid_exit(self) -> None:
        """Make `exit()` in a cell an error of that cell; else the kernel ends at a later cell."""
        code = "__import__('studykit.checks.running', fromlist=['_']).no_exit_in_cells()"
        self._client.inject(code, pop=True)

    def run(self, skip: Container[str]) -> None:
        """Run every code cell whose id and tags are not in `skip`.

        Raises:
            KernelFailure: A cell killed the kernel or did not end in time.
        """
        for index, cell in enumerate(self._client.cells):
            tags = tuple(cell.metadata.get("tags", ()))
            skipped = any(name in skip for name in (cell.get("id", ""), *tags))
            if cell.cell_type == "code" and cell.source.strip() and not skipped:
                self.cells.append(self._run_cell(index, cell, tags))

    def ask(self, requests: Sequence[Request]) -> list[Json]:
        """Return the outcomes of each request; None where the notebook has no such function.

        Raises:
            KernelFailure: The kernel died or hangs in one of the calls.
        """
        payload = [[request.name, request.source, list(request.cases)] for request in requests]
        names = ", ".join(request.name for request in requests)
        return list(self._reply("running", payload, names))

    def facts(self, name: str, case: Args) -> Facts:
        """Return what else is known of the function `name`.

        Raises:
            KernelFailure: The kernel died or hangs in the call.
        """
        return Facts(**self._reply("diagnosis.facts", [name, list(case)], name))

    def _reply(self, module: str, payload: Json, names: str) -> Json:
        code = (
            f"__import__('studykit.checks.{module}', fromlist=['_'])"
            f".reply(globals(), {json.dumps(payload)!r})"
        )
        try:
            return json.loads(self._value(code))
        except (DeadKernelError, CellTimeoutError, TestbookError, ValueError, RuntimeError):
            raise KernelFailure(
                f"the kernel ended or hung while it ran {names}: does it call exit, or take all "
                "memory?"
            ) from None

    def _value(self, code: str) -> str:
        """Return the text that an expression gives, whatever a thread of the notebook prints."""
        cell = self._client.inject(code, pop=True)
        for output in cell["outputs"]:
            if output["output_type"] == "execute_result":
                return str(ast.literal_eval(output["data"]["text/plain"]))
        raise ValueError("no result")

    def _run_cell(self, index: int, cell: Any, tags: tuple[str, ...]) -> CellRun:  # noqa: ANN401
        error, error_text = None, ""
        try:
            # Not the client's own method: testbook's turns every error into one of its own.
            NotebookClient.execute_cell(self._client, cell, index)
        except CellExecutionError as failure:
            error, error_text = failure.ename, failure.evalue
        except CellTimeoutError:
            raise KernelFailure(
                f"the cell that begins with {_first_line(cell.source)!r} did not end within "
                f"{self._client.timeout} s: which loop in it has no end?",
                cell.get("id"),
            ) from None
        except (DeadKernelError, RuntimeError):
            raise KernelFailure(
                f"the cell that begins with {_first_line(cell.source)!r} ended the kernel: "
                "does it call exit, or take all memory?",
                cell.get("id"),
            ) from None
        return CellRun(cell.get("id", ""), cell.source, tags, error, error_text, _printed(cell))


@contextmanager
def run_lab(
    notebook: dict[str, Any],
    folder: Path,
    *,
    skip: Container[str] = (),
    timeout_s: int = CELL_TIMEOUT_S,
) -> Iterator[LabKernel]:
    """Start a kernel in `folder`, run the cells of `notebook`, and hand the kernel over.

    Checks in the notebook write to a progress file of their own, never to the learner's.

    Args:
        notebook: The notebook, as nbformat has it; it is not changed on disk.
        folder: The folder that the cells run in.
        skip: Ids and tags of the cells that do not run.
        timeout_s: Wall time that a cell may take, seconds.

    Raises:
        KernelFailure: The kernel did not start, or a cell killed it or did not end in time.
    """
    client = TestbookNotebookClient(
        nbformat.from_dict(notebook),
        timeout=timeout_s,
        kernel_name="python3",
        log=_silent(),
        resources={"metadata": {"path": str(folder)}},
    )
    with tempfile.TemporaryDirectory(dir=_short_folder()) as scratch:
        env = {**os.environ, "STUDY_PROGRESS": f"{scratch}/progress.json"}
        keep_local(client, scratch)
        with ExitStack() as stack:
            kernel = LabKernel(client)
            try:
                stack.enter_context(client.setup_kernel(env=env))
                kernel.forbid_exit()
            except (RuntimeError, TimeoutError, TestbookError) as error:
                raise KernelFailure(
                    f"the kernel did not start ({type(error).__name__}): is the machine busy, or "
                    "out of memory?"
                ) from None
            kernel.run(skip)
            yield kernel


def keep_local(client: NotebookClient, folder: str) -> None:
    """Let a kernel be reached through sockets in `folder` instead of ports, where possible.

    Ports are open to every process of the machine, and two kernels may choose the same one.
    """
    client.create_kernel_manager()
    if os.name == "posix":
        client.km.transport = "ipc"
        client.km.ip = f"{folder}/kernel"


def _short_folder() -> str | None:
    """Return where the files of a kernel go: the usual folder, unless its name is too long.

    The name of a socket has at most 107 characters.
    """
    return "/tmp" if len(tempfile.gettempdir()) > LONGEST_FOLDER else None


def _silent() -> logging.Logger:
    """Return a logger for the client: what it would say, `KernelFailure` says to the learner."""
    logger = logging.getLogger(__name__)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _first_line(source: str) -> str:
    return source.strip().partition("\n")[0]


def _printed(cell: Any) -> str:  # noqa: ANN401
    return "".join(output["text"] for output in cell.outputs if output["output_type"] == "stream")
