"""Running an answer: what a learner's function makes of each case, as JSON values.

This code runs where the answer is, in the notebook's kernel. It knows no expected value: a hostile
answer can read everything in its process, so the judging is done in another one.
"""

from __future__ import annotations

import builtins
import json
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.state import kept
from studykit.exercises.definition import Args, Json, copy_args, copy_json, not_json

DEADLINE_S: Final = 5.0
"""Wall time, in seconds, that a function has for all cases together."""


class NotDone(Exception):
    """What the hole of an exercise raises until somebody writes the answer."""


Outcome = dict[str, Json]
"""What came of a case, as JSON. It has one of these keys:

- `value`: the result.
- `not_done`: the text of the hole that was reached.
- `raised` and `line`: the exception, and the line of the learner's cell.
- `hung`: the deadline that passed, in seconds.
- `no_json`: the part of the result that is no JSON value.
"""


class NotHere(Exception):
    """The refusal of what an answer may not do in a check: ask a person, or end the program."""


def run_cases(
    function: Callable[..., Json], cases: Sequence[Args], deadline_s: float = DEADLINE_S
) -> list[Outcome]:
    """Call `function` with each case and return the outcomes.

    The outcomes end with the first case that hung. Globals and default values that the function
    changes between its calls are restored at the end: a second check begins as the first did.
    """
    outcomes: list[Outcome] = []
    try:
        with kept(function), _alone(), deadline(deadline_s):
            for args in cases:
                outcomes.append(run_case(function, args))
    except TooLong:
        outcomes.append({"hung": deadline_s})
    return outcomes


def run_case(function: Callable[..., Json], args: Args) -> Outcome:
    """Call `function` once and return the outcome. It gets copies: it may change its arguments."""
    try:
        value = function(*copy_args(args))
    except NotDone as hole:
        return {"not_done": str(hole)}
    except (Exception, SystemExit) as error:  # not BaseException: TooLong must get through
        return {"raised": f"{type(error).__name__}: {error}", "line": _their_line(error)}
    try:
        return {"value": copy_json(value)}
    except (TypeError, ValueError, RecursionError):
        return {"no_json": _strange(value)}


def _strange(value: object) -> str:
    try:
        return not_json(value) or f"a {type(value).__name__} that cannot be read"
    except Exception:  # a list that holds itself, or a class of the learner's
        return f"a {type(value).__name__} that cannot be read"


@contextmanager
def _alone() -> Iterator[None]:
    """Make `input()`, `exit()` and `quit()` inside raise `NotHere`.

    `exit()` in a notebook ends its kernel only later, while another exercise is checked.
    """
    shell = _shell()
    replaced: list[tuple[Any, str, Any]] = [(builtins, "input", _no_input)]
    replaced.append((builtins, "exit", _no_exit))
    replaced.append((builtins, "quit", _no_exit))
    if shell is not None:
        replaced.append((shell, "ask_exit", _no_exit))
    before = [(home, name, getattr(home, name, _ABSENT)) for home, name, _ in replaced]
    for home, name, function in replaced:
        setattr(home, name, function)
    try:
        yield
    finally:
        for home, name, function in before:
            if function is _ABSENT:
                delattr(home, name)
            else:
                setattr(home, name, function)


# `exit` and `quit` are not there in a Python that runs without `site`.
_ABSENT: Final = object()


def _shell() -> Any:  # noqa: ANN401
    ipython = sys.modules.get("IPython")
    return ipython and ipython.get_ipython()


def _no_input(*_words: object) -> NoReturn:
    raise NotHere("input() waits for a person")


def _no_exit(*_status: object) -> NoReturn:
    raise NotHere("exit() ends the program")


def no_exit_in_cells() -> None:
    """Make `exit()` in any cell of this kernel an error of that cell, and nothing else."""
    shell = _shell()
    if shell is not None:
        shell.ask_exit = _no_exit


def reply(namespace: dict[str, Any], payload: str) -> str:
    """Return the outcomes of each request, as JSON, to a process outside the kernel.

    Args:
        namespace: The notebook's globals.
        payload: JSON: a list of `[function, source or null, cases]`. A source is run in a copy of
            the namespace, and the function is taken from there.
    """
    return json.dumps([_outcomes(namespace, *request) for request in json.loads(payload)])


def _outcomes(
    namespace: dict[str, Any], name: str, source: str | None, cases: list[list[Json]]
) -> list[Outcome] | None:
    """Return the outcomes of the cases; None without such a function."""
    if source is not None:
        namespace = dict(namespace)
        exec(source, namespace)
    function = namespace.get(name)
    return run_cases(function, [tuple(args) for args in cases]) if callable(function) else None


def _their_line(error: BaseException) -> str:
    """Return the last line of a notebook cell in a traceback: the learner's, never ours."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "ipykernel" in frame.filename or frame.filename.startswith("<")
    ]
    if not frames:
        return ""
    last = frames[-1]
    text = last.line or linecache.getline(last.filename, last.lineno or 0).strip()
    return f"line {last.lineno} of its cell: {text}" if text else f"line {last.lineno} of its cell"
