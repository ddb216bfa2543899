"""Replies from a sandbox: parsed strictly, so that nothing but plain JSON values comes in."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, Literal, NoReturn, TypeAlias

from studykit.checks.running import Outcome
from studykit.exercises.definition import Json

Trouble: TypeAlias = Literal["timeout", "crashed", "mem", "output", "protocol"]

MAX_DEPTH: Final = 32
MAX_NODES: Final = 100_000
TEXT: Final = 400
"""Longest text of an error that is kept, in characters."""

_TROUBLES: Final[tuple[Trouble, ...]] = ("timeout", "crashed", "mem", "output", "protocol")


_PLACE: Final = re.compile(r"\((?:<[\w-]+>|\w+\.py), (line \d+\)$)")
"""Where a syntax error is: file and line."""


class BadReply(ValueError):
    """A reply breaks the protocol. The error's text says how."""


def parse(line: bytes, nonce: str) -> dict[str, Any]:
    """Return the reply in `line` to the request `nonce`.

    Raises:
        BadReply: It is no JSON object, or answers another request.
    """
    try:
        reply = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"no JSON: {type(error).__name__}") from None
    if type(reply) is not dict or reply.get("nonce") != nonce:
        raise BadReply("an answer to nothing that was asked")
    return reply


def outcomes(
    reply: dict[str, Any], times: int, count: int, hung_s: float
) -> list[list[Outcome] | None] | Trouble:
    """Return a call's outcomes, once for each time: None without a function; or the trouble.

    Args:
        reply: A parsed reply.
        times: How often was asked.
        count: How many cases were asked for each time.
        hung_s: What to say that a call that hung had, in seconds.

    Raises:
        BadReply: It is none of these.
    """
    if reply.get("died") in _TROUBLES:
        return next(trouble for trouble in _TROUBLES if trouble == reply["died"])
    if "outcomes" not in reply:
        raise BadReply("no outcomes")
    found = reply["outcomes"]
    if type(found) is not list or not 0 < len(found) <= times:
        raise BadReply("not an answer for each time")
    return [_answer(answer, count, hung_s) for answer in found]


def error_of(reply: dict[str, Any]) -> tuple[str, str] | None:
    """Return the name and the text of a cell's error, or None.

    Raises:
        BadReply: It is neither.
    """
    error = reply.get("error")
    if error is None:
        return None
    if type(error) is not list or [type(part) for part in error] != [str, str]:
        raise BadReply("an error that is none")
    return clean_error(error[0], error[1])


def clean_error(name: str, text: str) -> tuple[str, str]:
    """Return an error's name and text without the name that a cell has inside."""
    return clean(name), _PLACE.sub(r"(\1", clean(text))


def clean(text: str) -> str:
    """Return a text from a submission so that it can be shown: short, and of visible characters."""
    text = text if len(text) <= TEXT else f"{text[:TEXT]}..."
    return "".join(character if character.isprintable() else " " for character in text)


def _answer(found: Any, count: int, hung_s: float) -> list[Outcome] | None:  # noqa: ANN401
    if found is None:
        return None
    if type(found) is not list or not 0 < len(found) <= count:
        raise BadReply("not an outcome for each case")
    return [_outcome(outcome, hung_s) for outcome in found]


def _outcome(found: Any, hung_s: float) -> Outcome:  # noqa: ANN401
    if type(found) is not dict:
        raise BadReply("an outcome that is no object")
    if list(found) == ["value"]:
        _require_plain(found["value"])
        return {"value": found["value"]}
    if list(found) == ["hung"]:
        return {"hung": hung_s}
    texts = {name: clean(text) for name, text in found.items() if type(text) is str}
    known = ({"not_done"}, {"raised", "line"}, {"no_json"})
    if len(texts) != len(found) or set(found) not in known:
        raise BadReply("an outcome of no known kind")
    return texts


def _require_plain(value: Json) -> None:
    """Refuse values that are too deep, too many, not finite or no text."""
    # A loop: how deep a value goes is for the sender to choose, and recursion ends early.
    left = [(value, 0)]
    nodes = 0
    while left:
        node, depth = left.pop()
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise BadReply("a value that is too deep or too large")
        _require_leaf(node)
        inside = node.values() if type(node) is dict else node if type(node) is list else ()
        left += [(each, depth + 1) for each in inside]
        if type(node) is dict:
            left += [(name, depth + 1) for name in node]


def _require_leaf(value: Json) -> None:
    if type(value) is float and not math.isfinite(value):
        raise BadReply("a number that is not finite")
    if type(value) is str and any("\ud800" <= char <= "\udfff" for char in value):
        raise BadReply("a text that is no Unicode")


def _no_constant(name: str) -> NoReturn:
    raise BadReply(f"{name} is no JSON")
