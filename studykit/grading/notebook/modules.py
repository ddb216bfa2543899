"""Files that were handed in beside a notebook, put where it can import and open them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

MAX_FILES: Final = 50
MAX_BYTES: Final = 500_000
"""Most bytes of all files together."""

_TAKEN: Final = frozenset(sys.stdlib_module_names) | {"IPython", "flink_jobs", "studykit"}
_WORD: Final = re.compile(r"\b[^\W\d]\w*")

_SOURCE: Final = '''
def _make_importable(files):
    """Let files that were handed in be imported and, where that is allowed, opened."""
    import importlib.util
    import os
    import sys

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            place = name.replace(".", "/")
            for file, package in ((place + ".py", False), (place + "/__init__.py", True)):
                if file in files:
                    return importlib.util.spec_from_loader(
                        name, Loader(file), origin=file, is_package=package
                    )
            if any(file.startswith(place + "/") for file in files):
                return importlib.util.spec_from_loader(name, Loader(None), is_package=True)
            return None

    class Loader:
        def __init__(self, file):
            self.file = file

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            if self.file is not None:
                module.__file__ = os.path.abspath(self.file)
                exec(compile(files[self.file], self.file, "exec"), module.__dict__)

    sys.meta_path.insert(0, Finder)
    for file, text in files.items():
        try:
            os.makedirs(os.path.dirname(file) or ".", exist_ok=True)
            with open(file, "w", encoding="utf-8") as handle:
                handle.write(text)
        except OSError:
            pass  # a sandbox without a disk of its own


_make_importable({files!r})
del _make_importable
'''


@dataclass(frozen=True, slots=True)
class Importer:
    """A cell that makes files importable, and the files that a notebook names."""

    source: str
    used: tuple[str, ...]


def importer(files: Mapping[str, str], sources: Sequence[str]) -> Importer | None:
    """Return what makes the files importable that a notebook uses; None where it uses none.

    Files named like a module of Python or of the course are left out: those are loaded already.

    Args:
        files: Texts by path, relative to the notebook.
        sources: The notebook's cells.
    """
    if not files:
        return None
    python = {file: text for file, text in files.items() if file.endswith(".py")}
    tops = {_top(file) for file in python} - _TAKEN
    used: set[str] = set()
    new = tops & {word for source in sources for word in _WORD.findall(source)}
    while new:
        used |= new
        inside = [text for file, text in python.items() if _top(file) in new]
        new = (tops & {word for text in inside for word in _WORD.findall(text)}) - used
    kept = {file: text for file, text in python.items() if _top(file) in used}
    everything = "\n".join([*sources, *kept.values()])
    kept |= {
        file: text
        for file, text in files.items()
        if file not in python and PurePosixPath(file).name in everything
    }
    if not kept:
        return None
    return Importer(_SOURCE.replace("{files!r}", repr(kept)), tuple(sorted(kept)))


def _top(file: str) -> str:
    return PurePosixPath(file).parts[0].removesuffix(".py")
