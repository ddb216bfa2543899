"""Facts about an answer that its results alone do not tell: its source, its names, what it prints.

This code runs in the notebook's kernel, beside `running`. It knows no expected value.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
import io
import json
import re
from dataclasses import asdict, dataclass, field
from types import CodeType, FunctionType
from typing import Any

from studykit.checks.deadline import TooLong, deadline
from studykit.checks.running import Outcome, run_cases
from studykit.exercises.definition import Args

ALONE_S = 1.0
"""Seconds for the one case that is called alone."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a learner's function.

    Attributes:
        source: Its source; empty where Python does not know it.
        parameters: The names of its parameters.
        mentions: The globals that it mentions.
        overwritten: Builtins that it mentions and that the notebook has given another value.
        alone: The outcome of the shown case when no other call came before it.
        printed: What the function printed in that call.
        elsewhere: Whether an earlier cell of the session defines a function of that name, too.
    """

    source: str = ""
    parameters: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    alone: Outcome = field(default_factory=dict)
    printed: str = ""
    elsewhere: bool = False


def facts_of(namespace: dict[str, Any], name: str, case: Args) -> Facts:
    """Return what is known of the function `name` of `namespace`; this calls it with `case`."""
    function = namespace.get(name)
    if not isinstance(function, FunctionType):
        return Facts()
    mentions = sorted(_mentions(function.__code__))
    alone, printed = _alone(function, case)
    return Facts(
        source=source_of(function),
        parameters=list(inspect.signature(function).parameters),
        mentions=mentions,
        overwritten=[word for word in mentions if word in namespace and hasattr(builtins, word)],
        alone=alone,
        printed=printed[:200],
        elsewhere=_defined_before(namespace, name),
    )


def reply(namespace: dict[str, Any], payload: str) -> str:
    """Return the facts as JSON to a process outside; `payload` is `[name, case]` in JSON."""
    name, case = json.loads(payload)
    return json.dumps(asdict(facts_of(namespace, name, tuple(case))))


def source_of(function: FunctionType) -> str:
    """Return the source of a function; empty where Python does not know it."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError, SyntaxError):
        return ""


def _mentions(code: CodeType) -> set[str]:
    nested = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_mentions, nested))


def _alone(function: FunctionType, case: Args) -> tuple[Outcome, str]:
    """Call a function once, with nothing before it, and return the outcome and what it printed."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), deadline(2 * ALONE_S):
            (outcome,) = run_cases(function, [case], ALONE_S)
    except (TooLong, ValueError):
        outcome = {}
    return outcome, printed.getvalue()


def _defined_before(namespace: dict[str, Any], name: str) -> bool:
    """Return whether another cell of this session defined the function, without a hole."""
    cells = namespace.get("In", [])
    head = re.compile(rf"^def {name}\(", re.MULTILINE)
    return any(
        head.search(cell) and "NotDone" not in cell for cell in cells if isinstance(cell, str)
    )
