"""How values and calls are written in messages: short, and as one would type them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

LONG_LIST: Final = 12
"""A list with more items than this is shown by its beginning and its length."""

WIDTH: Final = 96
"""Messages are wrapped at this column."""

LONG_TEXT: Final = 200
"""A longer text is cut, in characters."""

_COUNTS: Final = {3: "three", 4: "four", 6: "six"}


def short(value: object) -> str:
    """Return `value` as Python code, with digits in groups.

    >>> short([9999, 12_000, {"reason": "late"}, None])
    "[9_999, 12_000, {'reason': 'late'}, None]"
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}"
    if isinstance(value, list):
        return f"[{_listed(value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {short(value[name])}" for name in sorted(value)) + "}"
    text = repr(value)
    return text if len(text) <= LONG_TEXT else f"{text[:LONG_TEXT]}... ({len(text):_} characters)"


def _listed(items: Sequence[object]) -> str:
    text = ", ".join(short(item) for item in items[:LONG_LIST])
    rest = len(items) - LONG_LIST
    return f"{text}, ... {rest} more" if rest > 0 else text


def call(name: str, function: Callable[..., object], args: Sequence[object]) -> str:
    """Return the call of `name` with `args`; all but the first are named as in `function`.

    >>> def watermark(max_seen_ms, bound_ms): ...
    >>> call("watermark", watermark, [14_000, 4_000])
    'watermark(14_000, bound_ms=4_000)'
    """
    names = _parameters(function)
    parts = [
        short(value) if index == 0 else f"{names[index]}={short(value)}"
        for index, value in enumerate(args)
    ]
    return f"{name}({', '.join(parts)})"


@lru_cache
def _parameters(function: Callable[..., object]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def with_article(noun: str) -> str:
    """Return a noun behind the article that is spoken before it.

    >>> with_article("int"), with_article("list")
    ('an int', 'a list')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "test"), counted(2, "test")
    ('1 test', '2 tests')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def first_difference(left: Sequence[object], right: Sequence[object]) -> int:
    """Return the first index at which two lists differ; the shorter length if one is a prefix.

    >>> first_difference([1, 2, 3], [1, 5, 3]), first_difference([1], [1, 2])
    (1, 1)
    """
    for index, (mine, wanted) in enumerate(zip(left, right, strict=False)):
        if mine != wanted:
            return index
    return min(len(left), len(right))


def item(values: Sequence[object], index: int) -> str:
    """Return the item at `index` as text, or that there is none.

    >>> item([5], 0), item([5], 1)
    ('5', 'nothing')
    """
    return short(values[index]) if index < len(values) else "nothing"


def wrong_number(names: Sequence[str], got: Sequence[object], expected: Sequence[object]) -> str:
    """Say which of the numbers of a prediction is the first wrong one; `names` says what each is.

    >>> wrong_number(("rows of a", "rows of b", "letters"), [1, 5, 0], [1, 2, 0])
    'rows of b: you say 5'
    >>> wrong_number(("rows of a", "rows of b", "letters"), [1, 2, 0, 9], [1, 2, 0])
    'you predict 4 numbers, and three are asked for'
    """
    index = first_difference(got, expected)
    if index == len(expected):
        return f"you predict {len(got)} numbers, and {_COUNTS[len(expected)]} are asked for"
    return f"{names[index]}: you say {item(got, index)}"


def window(start_ms: int, end_ms: int) -> str:
    """Return a half-open span of time.

    >>> window(0, 10_000)
    '[0, 10_000)'
    """
    return f"[{short(start_ms)}, {short(end_ms)})"


def labelled(label: str, text: str) -> str:
    r"""Return `text` behind a label, wrapped, with its further lines below its first.

    >>> print(labelled("rule", "one\ntwo"))
    rule      one
              two
    """
    indent = " " * 10
    lines = [
        textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)
        for line in text.split("\n")
    ]
    return f"{label:<10}" + "\n".join(lines)[10:]
