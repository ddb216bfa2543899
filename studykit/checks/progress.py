"""What a learner has done so far: `.study/progress.json`.

The file belongs to the learner. Exercises that this version of the course does not know stay in it,
so that progress survives an upgrade and the way back.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studykit.checks.judging import Judgement
from studykit.exercises.definition import Exercise
from studykit.files import file_lock, free_name, write_whole
from studykit.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress kept in one file. Every change is read, made and written under a lock."""

    path: Path

    @classmethod
    def of_learner(cls) -> Progress:
        """Return the file of this clone, of `STUDY_HOME`, or where `STUDY_PROGRESS` says."""
        if chosen := os.environ.get("STUDY_PROGRESS"):
            return cls(Path(chosen))
        return cls(Workspace.of_clone().home / "progress.json")

    def passed(self, exercise: Exercise) -> bool:
        """Return whether the exercise was ever passed."""
        return bool(self.of(exercise).get("passed", False))

    def of(self, exercise: Exercise) -> dict[str, Any]:
        """Return what is known of an exercise: passed, attempts, hints, misconceptions."""
        entry = self._read()["exercises"].get(exercise.id, {})
        return entry if isinstance(entry, dict) else {}

    def record(self, verdict: Judgement) -> None:
        """Remember a verdict. What was passed once stays passed; an untouched hole is nothing."""
        if verdict.status == "not attempted":
            return
        entry = {"attempts": self.of(verdict.exercise).get("attempts", 0) + 1}
        if verdict.status == "passed":
            entry["passed"] = True
        self._change(verdict.exercise, entry, verdict.misconception)

    def record_hint(self, exercise: Exercise, level: int) -> None:
        """Remember the highest hint that was read."""
        self._change(exercise, {"hints": max(level, self.of(exercise).get("hints", 0))}, None)

    def _change(self, exercise: Exercise, entry: dict[str, Any], misconception: str | None) -> None:
        with file_lock(self.path.with_suffix(".lock")):
            data = self._read()
            mine = data["exercises"].setdefault(exercise.id, {})
            mine.update(entry)
            if misconception and misconception not in mine.setdefault("misconceptions", []):
                mine["misconceptions"].append(misconception)
            write_whole(self.path, json.dumps(data, indent=1, sort_keys=True) + "\n")

    def _read(self) -> dict[str, Any]:
        """Return the file's content; a damaged file is put aside, never overwritten."""
        try:
            data = json.loads(self.path.read_text("utf-8"))
            if isinstance(data["exercises"], dict):
                return dict(data)
        except FileNotFoundError:
            return {"version": 1, "exercises": {}}
        except (ValueError, KeyError, TypeError):
            pass
        free_name(self.path, "damaged").write_bytes(self.path.read_bytes())
        self.path.unlink()
        return {"version": 1, "exercises": {}}
