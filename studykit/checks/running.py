"""Running an answer: what a learner's function makes of each case, as JSON values.

This half runs where the answer is, in the notebook's kernel. It knows no expected value, so that
what it reports can be judged elsewhere.
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
"""Seconds that a function has for all cases together."""


class NotDone(Exception):
    """What the hole of an exercise raises until somebody writes the answer."""


Outcome = dict[str, Json]
"""One of: `value`; `not_done`; `raised` and `line`; `hung`; `no_json`: what it is, and where."""


class NotHere(Exception):
    """What an answer may not do while it is checked: ask a person, or end the program."""


def run_cases(
    function: Callable[..., Json], cases: Sequence[Args], deadline_s: float = DEADLINE_S
) -> list[Outcome]:
    """Call `function` with each case and return what came of it.

    After a case that hung the others are left out. What the function remembers between the calls
    is as it was before when they are over.
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
    """Call `function` once, with a copy of `args` that it may change."""
    try:
        value = function(*copy_args(args))
    except NotDone as hole:
        return {"not_done": str(hole)}
    except (Exception, SystemExit) as error:
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
    """Let nothing that runs inside wait for a person or end the program.

    `exit()` in a notebook would end its kernel only later, when another exercise is checked.
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


_ABSENT: Final = object()


def _shell() -> Any:  # noqa: ANN401
    ipython = sys.modules.get("IPython")
    return ipython and ipython.get_ipython()


def _no_input(*_words: object) -> NoReturn:
    raise NotHere("input() waits for a person")


def _no_exit(*_status: object) -> NoReturn:
    raise NotHere("exit() ends the program")


def no_exit_in_cells() -> None:
    """Let `exit()` in any cell of this kernel be an error of that cell, and nothing else."""
    shell = _shell()
    if shell is not None:
        shell.ask_exit = _no_exit


def reply(namespace: dict[str, Any], payload: str) -> str:
    """Answer what a process outside asks, in JSON: for each request its outcomes.

    Args:
        namespace: The notebook's globals.
        payload: A list of `[function, source or null, cases]`. With a source, the function is
            defined by it in a copy of the namespace first.
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
