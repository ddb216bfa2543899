"""Feast beside the course's store: the same rows into both, the same two questions to both."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, convert

from studykit.errors import StudyError
from studykit.services.feast.environment import VERSION, feast_python
from studykit.services.own_store import own_store
from studykit.workspace import Workspace

_PROGRAM: Final = Path(__file__).with_name("program.py")
_RECORDED: Final = Path(__file__).with_name("recorded.json")
_PATIENCE_S: Final = 300


class Answers(Struct, frozen=True):
    """What Feast says of one card. Each is a count of payments.

    Attributes:
        served: Read online; the event time of a row is the end of its window.
        joined: Joined at a moment; rows are matched by the end of their window, and of two with
            the same one the newer is taken.
        served_by_revision: As `served`, where a correction has an event time of 1 ms more.
        joined_by_readable: As `joined`, where rows are matched by since when they could be read.
    """

    served: int
    joined: int
    served_by_revision: int
    joined_by_readable: int


class Recording(Struct, frozen=True):
    """Answers of an earlier day, with what was asked then."""

    feast: str
    recorded: str
    rows: list[dict[str, int]]
    at_ms: int
    answers: Answers


def recording() -> Recording:
    """Return the answers that were kept."""
    return convert(json.loads(_RECORDED.read_text("utf-8")), Recording)


def beside_feast(rows: Iterable[Any], at_ms: int, workspace: Workspace | None = None) -> Answers:
    """Ask Feast what it serves after some rows, and what it joins at a moment.

    Feast runs where it is installed (`study feast`), on a Redis of its own that is gone afterwards.
    Elsewhere the answers are those that were recorded for the lesson's rows.

    Args:
        rows: Of one card, in the order in which they were written: `window_end` and `visible_ms`
            in milliseconds, `revision`, `value`.
        at_ms: The moment of the join, on the clock of the rows.
        workspace: Where Feast is looked for; the clone's if None.

    Raises:
        StudyError: Feast failed, or nothing was recorded for these rows.
    """
    names = ("window_end", "revision", "visible_ms", "value")
    told = [{name: getattr(row, name) for name in names} for row in rows]
    python = feast_python(workspace or Workspace.of_clone())
    if python is None:
        kept = recording()
        if (kept.rows, kept.at_ms) != (told, at_ms):
            raise StudyError("nothing was recorded for these rows: `study feast` installs Feast")
        print(f"Feast {kept.feast}, recorded on {kept.recorded}; `study feast` lets it run here.")
        return kept.answers
    print(f"Feast {VERSION} is asked, beside a Redis of its own: about ten seconds.")
    with own_store() as client, tempfile.TemporaryDirectory(prefix="feast-") as folder:
        port = client.get_connection_kwargs()["port"]
        return _asked(python, {"port": port, "folder": folder, "rows": told, "at_ms": at_ms})


def _asked(python: Path, question: dict[str, Any]) -> Answers:
    """Run the program in Feast's environment.

    Raises:
        StudyError: The program failed or gave no answer in time.
    """
    try:
        done = subprocess.run(
            [str(python), "-I", str(_PROGRAM)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StudyError(
            f"Feast has not answered within {_PATIENCE_S} s: run the cell again"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise StudyError(f"Feast {VERSION} ended with status {done.returncode}: {last}")
    return convert(json.loads(done.stdout.splitlines()[-1]), Answers)
