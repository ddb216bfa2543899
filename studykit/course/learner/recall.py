"""Recall: what a learner who comes back is asked about what was passed before."""

from __future__ import annotations

import time
from random import Random
from typing import Final

from studykit.checks.progress import Progress
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Exercise
from studykit.exercises.wording import counted, labelled

DAY_S: Final = 86_400
AWAY_DAYS: Final = 7
"""Who did nothing for so many days is told where he was, and is asked for what he passed."""

QUESTIONS: Final = 3


def recall(progress: Progress, now_s: float | None = None) -> list[Exercise]:
    """Return up to three passed exercises to be asked about, the same ones for a whole day.

    An exercise that took several attempts or a hint is asked about before one that took none.
    Predictions are left out: their questions have one answer, which says nothing of a rule.
    """
    passed = [
        exercise
        for lab in labs()
        for exercise in lab.exercises
        if progress.passed(exercise) and exercise.kind != "predict"
    ]
    day = int((time.time() if now_s is None else now_s) // DAY_S)
    Random(day).shuffle(passed)
    passed.sort(key=lambda exercise: not _was_hard(progress, exercise))
    chosen = passed[:QUESTIONS]
    return sorted(chosen, key=lambda exercise: exercise.id)


def recall_text(progress: Progress, *, answers: bool, now_s: float | None = None) -> str:
    """Return the questions, a line each, or with their answers: the rule of each exercise."""
    asked = recall(progress, now_s)
    if not asked:
        return "Nothing to recall yet: `study next` says where to begin."
    lines = []
    for number, exercise in enumerate(asked, 1):
        lines.append(f"{number}. {exercise.title}: {exercise.hints[0]}")
        lines += [labelled("", exercise.rule)] if answers else []
    rest = [] if answers else ["Say each answer aloud; then `study recall --answers`."]
    return "\n".join([*lines, *rest])


def welcome(progress: Progress, now_s: float | None = None) -> str:
    """Return where a learner was who has been away for a week, and what to recall; else nothing."""
    times = {
        exercise.id: (progress.of(exercise).get("at", 0), exercise)
        for lab in labs()
        for exercise in lab.exercises
    }
    last_s, last = max(times.values(), key=lambda row: row[0])
    days = int(((time.time() if now_s is None else now_s) - last_s) // DAY_S)
    if last_s == 0 or days < AWAY_DAYS:
        return ""
    how = "done" if progress.passed(last) else "not done yet"
    return (
        f"Welcome back. {counted(days, 'day')} ago you were at {last.title}, which is {how}.\n"
        f"What do you remember?\n{recall_text(progress, answers=False, now_s=now_s)}\n\n"
    )


def _was_hard(progress: Progress, exercise: Exercise) -> bool:
    entry = progress.of(exercise)
    return bool(entry.get("attempts", 0) > 1 or entry.get("hints", 0) > 0)
