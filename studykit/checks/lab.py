"""What a lab imports: `lab.check`, `lab.hint` and the exception that holes raise."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from studykit.checks.diagnosis.facts import Facts, facts_of
from studykit.checks.diagnosis.smaller import smaller
from studykit.checks.judging import Judgement, cases_of, failing_case, judge
from studykit.checks.progress import Progress
from studykit.checks.running import NotDone, run_cases
from studykit.errors import StudyError
from studykit.exercises.catalog import find_exercise
from studykit.exercises.definition import Exercise, Lab
from studykit.exercises.wording import call
from studykit.files import LockFailure

__all__ = ["NotDone", "check", "hint"]


def _show_holes_neutrally() -> None:
    """Let a notebook print one line where a hole is met; an error would be red, and is none."""
    shell = _shell()
    if shell is not None:
        shell.set_custom_exc((NotDone,), _print_hole)


def _print_hole(
    _shell: Any,  # noqa: ANN401
    _kind: type[BaseException],
    hole: BaseException,
    _traceback: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    print(f"not attempted yet: {hole}")


def check(exercise_id: str) -> None:
    """Check your function of an exercise and print the judgement.

    Args:
        exercise_id: The exercise, such as `L03.2`.
    """
    # The caller's globals: in a notebook those of its cells, where the learner's function is.
    namespace = sys._getframe(1).f_globals
    try:
        lab, exercise = find_exercise(exercise_id)
        judgement = check_in(namespace, exercise)
    except StudyError as error:
        print(error)
        return
    # Before anything is kept: progress that cannot be written takes no judgement away.
    print(judgement.text)
    if Path(os.environ.get("JPY_SESSION_NAME", "")).name == f"{lab.name}.ipynb":
        print(
            f"\nThis is the original of the lab. `study start {lab.number}` takes your work along "
            "into a copy, which an upgrade leaves alone."
        )
    if judgement.message and judgement.message.scene and _in_notebook():
        from studykit.checks.picture import show  # noqa: PLC0415 - only a failure draws

        show(judgement.message.scene)
    if judgement.status == "passed":
        print(f"\n{follow_up(lab, exercise)}")
    try:
        progress = Progress.of_learner()
        progress.record(judgement)
        if progress.is_stuck(exercise):
            _offer_smaller(namespace, judgement)
        line = [] if judgement.status == "not attempted" else ["", progress_line(lab, progress)]
        print("\n".join([*line, *progress.notes]), end="\n" if line or progress.notes else "")
    except (OSError, LockFailure) as error:
        print(not_kept(error))


def progress_line(lab: Lab, progress: Progress) -> str:
    """Return one line on a lab: `x` for each exercise that was passed, and the one to do next."""
    marks = "".join("x" if progress.passed(exercise) else "." for exercise in lab.exercises)
    done = marks.count("x")
    following = next((left for left in lab.exercises if not progress.passed(left)), None)
    rest = f"next is {following.title}" if following else "the lab is done"
    return f"lab {lab.number}  {marks}  {done} of {len(lab.exercises)} done; {rest}"


def _offer_smaller(namespace: dict[str, Any], judgement: Judgement) -> None:
    """After the same failure three times, show the smallest case that still fails."""
    exercise = judgement.exercise
    cases = cases_of(exercise)
    found = smaller(exercise, cases[judgement.shown], answer_in(namespace, exercise))
    if found is None:
        return
    print(
        f"\nThe same failure for the third time. A smaller case that fails:\n"
        f"{call(exercise.name, exercise.reference, found)} should be "
        f"{exercise.shown(exercise.expected(found))}. Follow it with a pencil, line by line."
    )


def _in_notebook() -> bool:
    """Return whether a notebook page is there to show a picture."""
    return hasattr(_shell(), "kernel")


def _shell() -> Any:  # noqa: ANN401
    """Return the shell of the notebook; None where nobody has started one, as on a terminal."""
    ipython = sys.modules.get("IPython")  # to import it takes longer than a whole check
    return ipython and ipython.get_ipython()


def follow_up(lab: Lab, exercise: Exercise) -> str:
    """Say how to continue after an exercise was passed."""
    place = lab.exercises.index(exercise) + 1
    if place == len(lab.exercises):
        return f"That was the last exercise of lab {lab.number}. `study next` says what comes now."
    following = lab.exercises[place]
    return f"Next: {following.title}, about {following.minutes} minutes."


def hint(exercise_id: str, level: int | None = None) -> None:
    """Print a hint of an exercise.

    Args:
        exercise_id: The exercise, such as `L03.2`.
        level: 1 is broad, 3 is nearly the answer; None is the first hint that was not read yet.
    """
    try:
        _, exercise = find_exercise(exercise_id)
        print(hint_text(exercise, level))
    except StudyError as error:
        print(error)


def check_in(namespace: dict[str, Any], exercise: Exercise) -> Judgement:
    """Check the answer to an exercise that `namespace` has.

    A wrong answer is judged with facts that cost more to find, such as whether an earlier answer
    that it calls is itself wrong.

    Raises:
        StudyError: The namespace has no function of that name.
    """
    cases = cases_of(exercise)
    outcomes = run_cases(answer_in(namespace, exercise), cases)
    failing = failing_case(exercise, cases, outcomes)
    # Facts call the function once more: an answer that passed is spared that.
    if failing is None:
        return judge(exercise, cases, outcomes)
    facts = facts_of(namespace, exercise.name, cases[failing])
    blamed = next(
        (
            used.title
            for used in used_exercises(exercise, facts)
            if callable(namespace.get(used.name)) and _fails(namespace[used.name], used)
        ),
        "",
    )
    return judge(exercise, cases, outcomes, facts, blamed)


def used_exercises(exercise: Exercise, facts: Facts) -> list[Exercise]:
    """Return the earlier exercises of a lab whose functions an answer mentions."""
    lab, _ = find_exercise(exercise.id)
    earlier = lab.exercises[: lab.exercises.index(exercise)]
    return [other for other in earlier if other.name in facts.mentions]


def _fails(function: Any, exercise: Exercise) -> bool:  # noqa: ANN401
    cases = cases_of(exercise)
    outcomes = run_cases(function, cases)
    is_begun = any("not_done" in outcome for outcome in outcomes)
    return not is_begun and failing_case(exercise, cases, outcomes) is not None


def answer_in(namespace: dict[str, Any], exercise: Exercise) -> Any:  # noqa: ANN401
    """Return the learner's function for an exercise.

    Raises:
        StudyError: The namespace has no function of that name.
    """
    function = namespace.get(exercise.name)
    if callable(function):
        return function
    raise StudyError(missing_text(exercise))


def missing_text(exercise: Exercise) -> str:
    """Say that the function of an exercise is not there."""
    return (
        f"{exercise.id}: there is no function {exercise.name}. "
        "Did you rename it, or not run its cell yet?"
    )


def hint_text(exercise: Exercise, level: int | None = None) -> str:
    """Return a hint, and keep in the learner's progress that it was read.

    Where progress cannot be kept, the hint is returned all the same, with a note.

    Args:
        exercise: The exercise that the hint is about.
        level: 1, 2 or 3; None is the first hint that was not read yet.

    Raises:
        StudyError: No hint has this level.
    """
    if level not in (1, 2, 3, None):
        raise StudyError(f"there is no hint {level}: choose 1, 2 or 3")
    progress = Progress.of_learner()
    try:
        level = level or progress.next_hint(exercise)
        progress.record_hint(exercise, level)
    except (OSError, LockFailure) as error:
        level = level or 1
        progress.notes.append(not_kept(error))
    text = f"{exercise.id}  {exercise.hints[level - 1]}  (hint {level} of 3)"
    return "\n".join([text, *progress.notes])


def not_kept(error: OSError | LockFailure) -> str:
    """Say that progress could not be written, and what to do."""
    return (
        f"Your progress could not be kept ({error.strerror}): set STUDY_HOME to a folder that you "
        "may write to."
    )


_show_holes_neutrally()
