"""What a learner has done so far: `.study/progress.json`.

The file belongs to the learner. Exercises that this version of the course does not know stay in it,
so that progress survives an upgrade and the way back.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from studykit.checks.judging import Judgement
from studykit.exercises.definition import Exercise
from studykit.files import file_lock, free_name, write_whole
from studykit.workspace import Workspace

SAME_FAILURES: Final = 3
"""After this many failures of one kind in a row, `check` offers a smaller case."""


@dataclass(slots=True)
class Progress:
    """The progress kept in one file. Every change is read, made and written under a lock."""

    path: Path
    notes: list[str] = field(default_factory=list)
    """What the learner should know about the file, a sentence each."""

    @classmethod
    def of_learner(cls) -> Progress:
        """Return the file of this clone, of `STUDY_HOME`, or where `STUDY_PROGRESS` says."""
        if chosen := os.environ.get("STUDY_PROGRESS"):
            return cls(Path(chosen))
        return cls(Workspace.of_clone().home / "progress.json")

    def passed(self, exercise: Exercise) -> bool:
        """Return whether the exercise was ever passed."""
        return self.of(exercise).get("passed", False) is True

    def of(self, exercise: Exercise) -> dict[str, Any]:
        """Return what is known of an exercise: passed, attempts, hints, misconceptions, and when.

        A value of another type than `_TYPES` says is left out: the file may have been edited.
        """
        return _entry(self._read(), exercise)

    def next_hint(self, exercise: Exercise) -> int:
        """Return the level of the first hint that was not read yet; 3 when all were read."""
        return min(int(self.of(exercise).get("hints", 0)) + 1, 3)

    def is_stuck(self, exercise: Exercise) -> bool:
        """Return whether the exercise has just failed in the same way for the 3rd, 6th, … time."""
        row = self.of(exercise).get("same", 0)
        return bool(row and row % SAME_FAILURES == 0)

    def record(self, judgement: Judgement) -> None:
        """Keep a judgement. What was passed once stays passed; `not attempted` is not kept.

        Raises:
            OSError: The file cannot be written.
            LockFailure: It cannot be locked.
        """
        if judgement.status == "not attempted":
            return

        def counted(known: dict[str, Any]) -> dict[str, Any]:
            entry: dict[str, Any] = {"attempts": known.get("attempts", 0) + 1}
            if judgement.status == "passed":
                entry |= {"passed": True, "same": 0}
            elif judgement.status == "failed":
                kind = f"{judgement.name} {judgement.shown}"
                again = known.get("same", 0) + 1 if known.get("kind") == kind else 1
                entry |= {"kind": kind, "same": again}
            return entry

        self._change(judgement.exercise, counted, judgement.misconception)

    def record_hint(self, exercise: Exercise, level: int) -> None:
        """Keep the highest level of the hints that were read.

        Raises:
            OSError: The file cannot be written.
            LockFailure: It cannot be locked.
        """
        self._change(exercise, lambda known: {"hints": max(level, known.get("hints", 0))}, None)

    def _change(
        self,
        exercise: Exercise,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        misconception: str | None,
    ) -> None:
        """Write what `change` makes of what is known of an exercise, and what it was taken for."""
        # Read under the lock: a notebook and a terminal may check at the same time.
        with file_lock(self.path.with_suffix(".lock")):
            data = self._read()
            known = _entry(data, exercise)
            mine = known | change(known) | {"at": int(time.time())}
            if misconception and misconception not in mine.setdefault("misconceptions", []):
                mine["misconceptions"].append(misconception)
            data["exercises"][exercise.id] = mine
            write_whole(self.path, json.dumps(data, indent=1, sort_keys=True) + "\n")

    def _read(self) -> dict[str, Any]:
        """Return the file's content. A damaged file is put aside with a note, never overwritten."""
        try:
            data = json.loads(self.path.read_text("utf-8"))
            if isinstance(data["exercises"], dict):
                return dict(data)
        except FileNotFoundError:
            return {"version": 1, "exercises": {}}
        except OSError as error:
            self._note(f"Your progress file {self.path} cannot be read ({error.strerror}).")
            return {"version": 1, "exercises": {}}
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        self._put_aside()
        return {"version": 1, "exercises": {}}

    def _put_aside(self) -> None:
        aside = free_name(self.path, "damaged")
        try:
            self.path.rename(aside)
        except OSError:
            where = f"cannot be put aside: move {self.path} away yourself"
        else:
            where = f"is kept as {aside}, and a new one begins"
        self._note(f"Your progress file was damaged: it {where}.")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


_TYPES: Final[dict[str, type]] = {
    "at": int,
    "passed": bool,
    "attempts": int,
    "hints": int,
    "same": int,
    "kind": str,
    "misconceptions": list,
}


def _entry(data: dict[str, Any], exercise: Exercise) -> dict[str, Any]:
    """Return a copy of the entry of an exercise, without values of a type that it never has."""
    entry = data["exercises"].get(exercise.id, {})
    if not isinstance(entry, dict):
        return {}
    return {
        # Not isinstance: for Python True is an int.
        name: value
        for name, value in entry.items()
        if type(value) is _TYPES.get(name, type(value))
    }
