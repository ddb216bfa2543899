"""State: what a function remembers between its calls, and how a check leaves it as it was."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, Final

_CONTAINERS: Final = (list, dict, set)
_PLAIN: Final = (bool, int, float, str, bytes, tuple, frozenset, type(None))


@contextmanager
def kept(function: object) -> Iterator[None]:
    """Undo, at the end, what calls of `function` changed in its globals and its default values.

    Else a second check would begin with what the function remembers of the first one. Objects
    that cannot be copied or compared stay as they are.
    """
    if not isinstance(function, FunctionType):
        yield
        return
    # Plain values are only noted: they cannot change, but the name may be bound to another one.
    namespace = function.__globals__
    plain = {name: namespace[name] for name in _names(function) if _is_plain(namespace, name)}
    holders = [namespace[name] for name in _names(function) if name in namespace]
    holders += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    holders.append(function.__dict__)
    before = [(holder, _copied(holder)) for holder in holders if isinstance(holder, _CONTAINERS)]
    try:
        yield
    finally:
        namespace.update(plain)
        for holder, content in before:
            _restore(holder, content)


def _names(function: FunctionType) -> set[str]:
    """Return the globals that a function and the helpers of its notebook mention."""
    found: set[str] = set()
    left: list[CodeType] = [function.__code__]
    while left:
        code = left.pop()
        left += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for name in set(code.co_names) - found:
            found.add(name)
            helper = function.__globals__.get(name)
            if isinstance(helper, FunctionType) and helper.__globals__ is function.__globals__:
                left.append(helper.__code__)
    return found


def _is_plain(namespace: dict[str, Any], name: str) -> bool:
    return name in namespace and isinstance(namespace[name], _PLAIN)


def _copied(holder: Any) -> Any:  # noqa: ANN401
    try:
        return copy.deepcopy(holder)
    except Exception:  # something inside refuses to be copied: the container's own items will do
        return copy.copy(holder)


def _restore(holder: Any, content: Any) -> None:  # noqa: ANN401
    try:
        if holder == content:
            return
    except Exception:  # what cannot be compared, such as arrays, is left alone
        return
    # The same object, not a copy in its place: other cells may hold it by another name.
    holder.clear()
    if isinstance(holder, list):
        holder.extend(content)
    else:
        holder.update(content)
