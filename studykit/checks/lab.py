"""What a lab imports: `lab.check`, `lab.hint` and the exception that holes raise."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from studykit.checks.judging import Judgement, cases_of, judge
from studykit.checks.progress import Progress
from studykit.checks.running import NotDone, run_cases
from studykit.errors import StudyError
from studykit.exercises.catalog import find_exercise
from studykit.exercises.definition import Exercise, Lab

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
    """Check your function of this exercise and print what came of it."""
    try:
        lab, exercise = find_exercise(exercise_id)
        verdict = check_in(sys._getframe(1).f_globals, exercise)
    except StudyError as error:
        print(error)
        return
    print(verdict.text)
    if verdict.message and verdict.message.scene and _in_notebook():
        from studykit.checks.picture import show  # noqa: PLC0415 - only a failure draws

        show(verdict.message.scene)
    if verdict.status == "passed":
        print(f"\n{follow_up(lab, exercise)}")
    try:
        Progress.of_learner().record(verdict)
    except OSError as error:
        print(
            f"Your progress could not be kept ({error.strerror}): set STUDY_HOME to a folder that "
            "you may write to."
        )


def _in_notebook() -> bool:
    """Return whether there is a page that can show a picture."""
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


def hint(exercise_id: str, level: int = 1) -> None:
    """Print a question that helps: level 1 is broad, level 3 almost the answer."""
    try:
        _, exercise = find_exercise(exercise_id)
        print(hint_text(exercise, level))
    except StudyError as error:
        print(error)


def check_in(namespace: dict[str, Any], exercise: Exercise) -> Judgement:
    """Check the answer that stands in `namespace`.

    Raises:
        StudyError: No function of that name is there.
    """
    cases = cases_of(exercise)
    return judge(exercise, cases, run_cases(answer_in(namespace, exercise), cases))


def answer_in(namespace: dict[str, Any], exercise: Exercise) -> Any:  # noqa: ANN401
    """Return the learner's function.

    Raises:
        StudyError: There is none.
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


def hint_text(exercise: Exercise, level: int) -> str:
    """Return a hint, and remember that it was read.

    Raises:
        StudyError: There is no such level.
    """
    if level not in (1, 2, 3):
        raise StudyError(f"there is no hint {level}: choose 1, 2 or 3")
    Progress.of_learner().record_hint(exercise, level)
    more = f"  (hint {level} of 3)"
    return f"{exercise.id}  {exercise.hints[level - 1]}{more}"


_show_holes_neutrally()
