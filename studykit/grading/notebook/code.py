"""What Python says of a cell: the names that it binds, and commands in it that are no Python."""

from __future__ import annotations

import re
import symtable
from dataclasses import dataclass
from typing import Final

from studykit.grading.box.shell import INSTALLERS, SHELLS

LONGEST: Final = 100
"""Longest text of a command that is shown, in characters."""

_BODIES: Final = frozenset({"capture", "prun", "time", "timeit"})
"""Cell magics whose body is Python of the notebook."""

_CELL_MAGIC: Final = re.compile(r"\s*%%(!|\w+)[^\n]*\n?")
_LINE_MAGIC: Final = re.compile(
    r"(?P<indent>[ \t]*)(?P<target>\w[\w.,\[\]'\" ]*=[ \t]*)?(?P<mark>[!%].*)"
)
_DEFINITION: Final = re.compile(r"^[ \t]*(?:async +)?def +(\w+)", re.MULTILINE)
_STAR: Final = re.compile(r"^[ \t]*from[ \t]+[\w.]+[ \t]+import[ \t]*\*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Code:
    """What a cell says: `bound` are names of the module, `commands` are for a shell.

    With a `star` it imports names that only running it tells.
    """

    bound: frozenset[str]
    commands: tuple[str, ...] = ()
    star: bool = False


def read_code(source: str) -> Code:
    r"""Return what Python makes of a cell, as IPython would hand it over.

    Every form that binds a name of the module counts, however deep it stands: imports, definitions,
    assignments, `with`, `for`, `except`, `match`, `:=` and `global`. Of a cell that Python refuses
    only its `def` lines are read.

    >>> sorted(read_code("import os.path as p\nif True:\n    A, (B, *C) = f(D := 1)").bound)
    ['A', 'B', 'C', 'D', 'p']
    """
    bound = _bound(source)
    if bound is not None:
        return Code(bound, star=_STAR.search(source) is not None)
    commands: list[str] = []
    found = _CELL_MAGIC.match(source)
    if found and found[1] not in _BODIES:
        return Code(frozenset(), (first_line(source),) if found[1] in SHELLS else ())
    body = source[found.end() :] if found else source
    bound = _bound(_without_magics(body, commands))
    if bound is None:
        bound = frozenset(_DEFINITION.findall(body))
    return Code(bound, tuple(commands))


def _bound(source: str) -> frozenset[str] | None:
    """Return the names that a text binds in its module; None where it is no Python."""
    try:
        top = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
    names = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        inner += table.get_children()
        names |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_declared_global() and symbol.is_assigned()
        }
    return frozenset(names)


def _without_magics(source: str, commands: list[str]) -> str:
    """Return a text with lines that only IPython reads replaced; add shell commands to a list."""
    lines: list[str] = []
    inside = False
    for line in source.split("\n"):
        found = _LINE_MAGIC.fullmatch(line)
        if inside:
            lines.append("")
            inside = line.endswith("\\")
        elif found:
            if _is_command(found["mark"]):
                commands.append(first_line(line))
            target = found["target"]
            lines.append(f"{found['indent']}{f'{target}None' if target else 'pass'}")
            inside = line.endswith("\\")
        elif line.rstrip().endswith("?") or line.lstrip().startswith("?"):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}pass")
        else:
            lines.append(line)
    return "\n".join(lines)


def _is_command(mark: str) -> bool:
    words = mark.lstrip("%").split()
    return mark.startswith("!") or (bool(words) and words[0] in INSTALLERS)


def first_line(text: str) -> str:
    """Return the first line of a text, cut where it is long."""
    first = text.strip().partition("\n")[0]
    return first if len(first) <= LONGEST else f"{first[:LONGEST]}..."
