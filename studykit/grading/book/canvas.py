"""Marks for Canvas over its interface for programs, instead of uploading the filled grade file.

What is sent is the column that `study grade --fill` has filled, so the matching of people to rows
has been done and looked at. Canvas is asked first what it has; only what differs is sent.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from studykit.errors import StudyError
from studykit.grading.book.gradefile import GradeFile

_ASSIGNMENT: Final = re.compile(r".+ \((\d+)\)")
_PATIENCE_S: Final = 120.0
_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class MarkChange:
    """A mark that Canvas has otherwise, or not at all; `person` is Canvas's own number."""

    person: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CanvasAssignment:
    """An assignment on a Canvas, by way of `canvasapi`."""

    client: Any

    @classmethod
    def find(
        cls, course: int, number: int, environ: Mapping[str, str] = os.environ
    ) -> CanvasAssignment:
        """Log in with `CANVAS_URL` and the token in the file `CANVAS_TOKEN_FILE`.

        Raises:
            StudyError: A setting or the package is missing, or Canvas refuses or does not answer.
        """
        try:
            from canvasapi import Canvas  # noqa: PLC0415 - in few environments
        except ImportError:
            raise StudyError(
                "canvasapi is not installed: run .venv/bin/uv pip install --python .venv canvasapi"
            ) from None
        address, file = environ.get("CANVAS_URL"), environ.get("CANVAS_TOKEN_FILE")
        if not address or not file:
            raise StudyError(
                "set CANVAS_URL to the address of Canvas, and CANVAS_TOKEN_FILE to a file with an "
                "access token of yours (Account, Settings, New Access Token)"
            )
        try:
            token = Path(file).expanduser().read_text("utf-8").strip()
        except OSError as error:
            raise StudyError(
                f"cannot read CANVAS_TOKEN_FILE {file} ({error.strerror}): name another"
            ) from None
        with _answering():
            found = Canvas(address, token).get_course(course).get_assignment(number)
        return cls(found)

    def differing(self, marks: Mapping[int, str]) -> tuple[list[MarkChange], list[int]]:
        """Return what would change, and the people of `marks` whom the assignment does not have."""
        with _answering():
            held = {s.user_id: s.score for s in self.client.get_submissions(per_page=100)}
        changes = [
            MarkChange(person, _text(held[person]), after)
            for person, after in marks.items()
            if person in held and _number(_text(held[person])) != _number(after)
        ]
        return changes, sorted(marks.keys() - held.keys())

    def send(self, changes: list[MarkChange]) -> None:
        """Send changes as one job of Canvas, and wait until it is done.

        Raises:
            StudyError: Canvas refuses, fails, or is not done after two minutes.
        """
        data = {str(change.person): {"posted_grade": change.after} for change in changes}
        with _answering():
            progress = self.client.submissions_bulk_update(grade_data=data)
            end = time.monotonic() + _PATIENCE_S
            while progress.workflow_state in ("queued", "running") and time.monotonic() < end:
                time.sleep(_PAUSE_S)
                progress = progress.query()
        if progress.workflow_state != "completed":
            raise StudyError(
                f"Canvas has not taken the marks (its job is {progress.workflow_state}): look at "
                "its gradebook, then send again; what has arrived is not sent twice"
            )


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what `canvasapi` raises into one sentence, which never holds the token."""
    from canvasapi.exceptions import CanvasException  # noqa: PLC0415 - in few environments

    try:
        yield
    except CanvasException as error:
        raise StudyError(
            f"Canvas refuses ({type(error).__name__}): check the course, the assignment in the "
            "column's name, and that your token may grade"
        ) from None
    except OSError:  # of requests, by which canvasapi asks
        raise StudyError("Canvas does not answer: check CANVAS_URL and the connection") from None


def column_of(path: Path, column: str | None = None) -> tuple[int, dict[int, str]]:
    """Return the assignment's number, and by Canvas's number of a person the mark in the file.

    Raises:
        StudyError: It is no gradebook of Canvas, or the column is not certain.
    """
    file = GradeFile.read(path, column)
    if file.layout.system != "canvas":
        raise StudyError(
            f"{path} is of {file.layout.system}: fill the gradebook that Canvas exports"
        )
    head = file.lines[0]
    found = _ASSIGNMENT.fullmatch(head[file.column])
    assert found is not None  # Canvas's layout has looked
    place = head.index("ID")
    marks = {
        int(line[place]): line[file.column].strip()
        for line in file.lines[1:]
        if len(line) > max(place, file.column) and line[place].strip().isdecimal()
        if _number(line[file.column]) is not None
    }
    return int(found[1]), marks


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None


def _text(score: float | None) -> str:
    return "" if score is None else f"{score:g}"
