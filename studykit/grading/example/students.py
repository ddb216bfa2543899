"""The example class: honest, wrong in named ways, broken and hostile submissions of lab 01."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from studykit.course.builder.cells import Notebook
from studykit.course.layout import Course
from studykit.exercises.catalog import find_lab
from studykit.grading.example.maker import Maker, as_bytes
from studykit.grading.secret import Secret

SECRET: Final = Secret(b"everybody knows the secret of the example class")
FILE: Final = "lab01_clocks.ipynb"
WRONG: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "eriksson": ((0, 0),),
    "fofana": ((0, 1), (1, 0)),
    "garcia": ((1, 1),),
    "haddad": ((1, 1), (3, 0)),
    "ivanova": ((2, 0),),
    "jansen": ((2, 0), (4, 0)),
    "kimura": ((2, 1), (3, 1)),
    "lopez": ((3, 0),),
    "murphy": ((3, 0), (4, 1)),
    "nguyen": ((4, 0),),
    "okafor": ((0, 2), (1, 2), (3, 2), (4, 2)),
    "petrov": ((0, 3), (1, 3), (2, 3), (3, 3), (4, 3)),
}
"""By student, the misconceptions that they have: exercise and misconception, counted from 0."""

_SPLIT = """
def digits(stamp):
    return len(str(stamp))


def to_ms(stamp):
    if digits(stamp) == 10:
        return stamp * 1_000
    return stamp if digits(stamp) == 13 else stamp // 1_000
"""
_PATCHED = """
import studykit.checks.running as running
import studykit.grading.box.runner as runner

running.run_cases = runner.run_cases = lambda function, cases, s=0: [{"value": 1}] * len(cases)


def to_ms(stamp):
    return 1
"""
ANSWERS: Final = {
    "baker": _SPLIT,
    "tanaka": _SPLIT.replace("digits", "n_digits"),
    "quinn": 'def to_ms(stamp):\n    """Convert."""\n    return int(stamp * 1e3)  # hope',
    "rossi": "def to_ms(stamp:\n    return stamp",
    "singh": (
        "import random\n\n\ndef to_ms(stamp):\n    return random.choice([stamp, stamp * 1_000])"
    ),
    "xu": "import os\n\nos._exit(0)",
    "yilmaz": "def to_ms(stamp):\n    while True:\n        pass",
    "zuma": "def to_ms(stamp):\n    return [0] * 10**10",
    "mallory": "while True:\n    print('marks, please' * 100)",
    "eve": _PATCHED,
}
"""By student, their answer to the second exercise; the others are right."""

Files: TypeAlias = dict[str, bytes]


def write_class(folder: Path, course: Course) -> None:
    """Write the class to `folder`, one folder for each student."""
    for student, files in submissions(course).items():
        home = folder / student
        home.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (home / name).write_bytes(data)
    (folder / "trudy").mkdir(exist_ok=True)
    link = folder / "trudy" / FILE
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")


def submissions(course: Course) -> dict[str, Files]:
    """Return what each student handed in, but for the one who handed in a link."""
    maker = Maker(find_lab("01"), course)
    found = {name: {FILE: as_bytes(notebook)} for name, notebook in _notebooks(maker)}
    found["ueda"] = {FILE: as_bytes(maker.solved())[:5_000]}
    found["valdez"] = {FILE: b""}
    found["oscar"] = {"lab01.zip": _escaping_zip(as_bytes(maker.solved()))}
    return found


def _notebooks(maker: Maker) -> Iterator[tuple[str, Notebook]]:
    yield "abebe", maker.solved()
    yield "castro", maker.untouched()
    yield "dubois", maker.half_done()
    for name, chosen in WRONG.items():
        yield name, maker.wrong(*chosen)
    for name, source in ANSWERS.items():
        yield name, maker.solved({"to_ms": source})
    yield "weber", _without_check(maker.solved())


def _without_check(notebook: Notebook) -> Notebook:
    """Return a notebook that says of itself that it is right."""
    cell = next(cell for cell in notebook["cells"] if 'lab.check("L01.2")' in cell["source"])
    cell["source"] = "print('L01.2 done.')"
    return notebook


def _escaping_zip(data: bytes) -> bytes:
    """Return an archive whose file would land outside of the folder that it is unpacked in."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo("../../lab.ipynb"), data)
    return archive.getvalue()
