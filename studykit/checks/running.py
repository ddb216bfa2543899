"""Running an answer: what a learner's function makes of each case, as JSON values.

This half runs where the answer is, in the notebook's kernel. It knows no expected value, so that
what it reports can be judged elsewhere.
"""

from __future__ import annotations

import json
import linecache
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

from studykit.checks.deadline import TooLong, deadline
from studykit.exercises.definition import Args, Json, copy_args, copy_json

DEADLINE_S: Final = 5.0
"""Seconds that a function has for all cases together."""


class NotDone(Exception):
    """What the hole of an exercise raises until somebody writes the answer."""


Outcome = dict[str, Json]
"""One of: `value`; `not_done`; `raised` with `error` and `line`; `hung`; `no_json`."""


def run_cases(
    function: Callable[..., Json], cases: Sequence[Args], deadline_s: float = DEADLINE_S
) -> list[Outcome]:
    """Call `function` with each case and return what came of it.

    After a case that hung or was not attempted, the others are left out.
    """
    outcomes: list[Outcome] = []
    try:
        with deadline(deadline_s):
            for args in cases:
                outcomes.append(run_case(function, args))
                if "not_done" in outcomes[-1]:
                    break
    except TooLong:
        outcomes.append({"hung": deadline_s})
    return outcomes


def run_case(function: Callable[..., Json], args: Args) -> Outcome:
    """Call `function` once, with a copy of `args` that it may change."""
    try:
        value = function(*copy_args(args))
    except NotDone as hole:
        return {"not_done": str(hole)}
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}", "line": _their_line(error)}
    try:
        return {"value": copy_json(value)}
    except (TypeError, ValueError, RecursionError):
        return {"no_json": f"{type(value).__module__}.{type(value).__name__}"}


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


def _their_line(error: Exception) -> str:
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
