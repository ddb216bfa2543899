"""What a terminal shows of the labs: answers, progress, what is next, a race."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from studykit.checks.lab import follow_up
from studykit.checks.progress import Progress
from studykit.course.builder.navigation import lesson_of, title
from studykit.course.layout import Course
from studykit.course.learner.check import ExerciseCheck
from studykit.course.learner.copies import copy_of
from studykit.course.learner.engine import Lap, engine_line
from studykit.course.learner.recall import welcome
from studykit.exercises.catalog import find_exercise, labs
from studykit.exercises.definition import Exercise, Lab
from studykit.exercises.wording import counted


def checks_text(checks: Sequence[ExerciseCheck], notes: Sequence[str]) -> str:
    """Return a line per exercise, then the whole text of the first that failed.

    A single exercise is shown whole.
    """
    if len(checks) == 1:
        more = [checks[0].text]
        if checks[0].mark == "ok":
            more += ["", follow_up(*find_exercise(checks[0].exercise.id))]
        return "\n".join([*notes, *more])
    lines = [*notes, *map(_check_line, checks)]
    failed = next((check for check in checks if check.mark == "no"), None)
    if failed:
        return "\n".join([*lines, "", failed.text])
    done = sum(check.mark == "ok" for check in checks)
    return "\n".join([*lines, f"{done} of {len(checks)} done; `study next` says what is next."])


def _check_line(check: ExerciseCheck) -> str:
    begun = check.judgement is not None and check.judgement.status == "begun"
    return f"{check.mark}  {check.exercise.title}{'  begun' if begun else ''}"


def age_text(path: Path) -> str:
    """Return how long ago a notebook was saved, in words; nothing below a minute.

    A check reads the file: a learner who forgot to save would wonder about an old answer.
    """
    try:
        minutes = int((time.time() - path.stat().st_mtime) // 60)
    except OSError:
        return ""
    if minutes < 1:
        return ""
    if minutes < 120:
        return f", saved {counted(minutes, 'minute')} ago"
    hours = minutes // 60
    return f", saved {hours if hours < 48 else hours // 24} {'hours' if hours < 48 else 'days'} ago"


def next_exercise(progress: Progress) -> tuple[Lab, Exercise] | None:
    """Return the first exercise that was never passed, from the lab on where the learner began.

    What lies before that lab comes after the end of the course.
    """
    before = _labs_before(progress)
    return next(
        (
            (lab, exercise)
            for lab in [*labs()[len(before) :], *before]
            for exercise in lab.exercises
            if not progress.passed(exercise)
        ),
        None,
    )


def _labs_before(progress: Progress) -> Sequence[Lab]:
    """Return the labs before the first of which anything was tried; none where nothing was.

    Who reads a hint looks around, and has not begun there.
    """
    for place, lab in enumerate(labs()):
        known = map(progress.of, lab.exercises)
        if any(entry.get("attempts") or entry.get("passed") for entry in known):
            return labs()[:place]
    return ()


def _skipped(progress: Progress) -> str:
    """Name the labs before the learner's first one, until a second exercise is passed."""
    before = _labs_before(progress)
    if not before or sum(_done(lab, progress) for lab in labs()) > 1:
        return ""
    numbers = " to ".join(sorted({before[0].number, before[-1].number}))
    noun = "lab" if len(before) == 1 else "labs"
    return f"Not tried: {noun} {numbers}, before the one that you began with.\n"


def next_text(progress: Progress, course: Course) -> str:
    """Return what to do next, and where; before it, who was away for a week is welcomed back."""
    found = next_exercise(progress)
    if found is None:
        return f"{welcome(progress)}Every exercise is done."
    lab, exercise = found
    copy = copy_of(lab, course)
    where = f"in labs/{copy.name}" if copy else f"after `study start {lab.number}`"
    number = exercise.id[1:]
    return (
        f"{welcome(progress)}{_skipped(progress)}{_lesson_first(lab, progress, course)}"
        f"Next: {exercise.title} ({exercise.kind}, about {exercise.minutes} minutes), {where}.\n"
        f"{exercise.task}\n"
        f"Then `study check {number}`; a question that helps: `study hint {number}`."
    )


def _lesson_first(lab: Lab, progress: Progress, course: Course) -> str:
    """Return the lesson to read before a lab of which nothing was tried yet."""
    lesson = lesson_of(course.solutions / "src" / f"{lab.name}.py", course.lesson_sources())
    if lesson is None or any(progress.of(exercise).get("attempts") for exercise in lab.exercises):
        return ""
    if any(progress.passed(exercise) for exercise in lab.exercises):
        return ""
    return f"Lesson {lab.number} first: {title(lesson)}, notebooks/{lesson.stem}.ipynb.\n"


def progress_text(progress: Progress) -> str:
    """Return a line per lab: a letter for each exercise that is done, tried or open."""
    lines = [
        f"{lab.number} {lab.title:<28} {_bar(lab, progress)}  {_done(lab, progress)} of "
        f"{len(lab.exercises)}"
        for lab in labs()
    ]
    return "\n".join([*lines, engine_line(progress), "x done, o tried, . open"])


def race_text(laps: Sequence[Lap], events: int) -> str:
    """Return the table of a race: rows, those that differ, and events a second of both."""
    lines = [f"{'part':<22}{'rows':>8}{'differ':>8}{'yours /s':>14}{'course /s':>14}"]
    for lap in laps:
        if lap.trouble:
            lines.append(f"{lap.part.does:<22}{lap.part.exercise_id}: {lap.trouble}")
            continue
        speeds = f"{lap.mine_per_s:>14,.0f}{lap.course_per_s:>14,.0f}"
        lines.append(f"{lap.part.does:<22}{lap.rows:>8,}{lap.differing:>8,}{speeds}")
    wrong = [lap.part.exercise_id for lap in laps if lap.differing or lap.trouble]
    end = f"Look at {', '.join(wrong)} again." if wrong else "No row differs."
    return "\n".join([*lines, f"{counted(events, 'event')} of one seeded log. {end}"])


def _bar(lab: Lab, progress: Progress) -> str:
    return "".join(_mark(exercise, progress) for exercise in lab.exercises)


def _mark(exercise: Exercise, progress: Progress) -> str:
    if progress.passed(exercise):
        return "x"
    return "o" if progress.of(exercise).get("attempts") else "."


def _done(lab: Lab, progress: Progress) -> int:
    return sum(progress.passed(exercise) for exercise in lab.exercises)
