"""Notebooks as people write them and as editors and course systems hand them on.

A form is a way to answer the second exercise of lab 01; an editor is a way to save a notebook. Each
form is a whole notebook of which Jupyter, running it from top to bottom, has its own opinion.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import nbformat

from studykit.grading.example.maker import answer_cell
from tests.support.grading.submissions import solved, untouched

Notebook = dict[str, Any]

RIGHT = """def to_ms(stamp):
    if stamp < SECONDS:
        return stamp * 1_000
    return stamp if stamp < MILLIS else stamp // 1_000"""
PLAIN = RIGHT.replace("SECONDS", "10**11").replace("MILLIS", "10**14")
NAMED = "SECONDS, MILLIS = 10**11, 10**14"


@dataclass(frozen=True)
class Form:
    """A notebook, and what lies beside it."""

    name: str
    notebook: Notebook
    files: dict[str, str] = field(default_factory=dict)


def code(source: str, name: str = "") -> dict[str, Any]:
    """Return a cell that somebody has added."""
    return {
        "cell_type": "code",
        "id": name or f"added-{abs(hash(source)) % 10**8}",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def above(*sources: str, answer: str = RIGHT) -> Notebook:
    """Return a notebook with cells added above an answer."""
    notebook = solved({"to_ms": answer})
    place = notebook["cells"].index(answer_cell(notebook, "to_ms"))
    notebook["cells"][place:place] = [
        code(source, f"above-{n}") for n, source in enumerate(sources)
    ]
    return notebook


def below(*sources: str, hole: bool = True, answer: str = PLAIN) -> Notebook:
    """Return a notebook with cells added below an answer, or below its hole."""
    notebook = solved({"to_ms": answer})
    cell = answer_cell(notebook, "to_ms")
    if hole:
        cell["source"] = answer_cell(untouched(), "to_ms")["source"]
    place = notebook["cells"].index(cell) + 1
    notebook["cells"][place:place] = [
        code(source, f"below-{n}") for n, source in enumerate(sources)
    ]
    return notebook


def _given(change: Callable[[str], str], contains: str) -> Notebook:
    """Return a notebook in which a cell of the course was changed."""
    notebook = solved({"to_ms": PLAIN.replace("stamp // 1_000", "math.floor(stamp / 1_000)")})
    cell = next(cell for cell in notebook["cells"] if contains in cell["source"])
    cell["source"] = change(cell["source"])
    return notebook


def _last_first() -> Notebook:
    notebook = below(PLAIN)
    place = notebook["cells"].index(answer_cell(notebook, "to_ms"))
    notebook["cells"].insert(place, notebook["cells"].pop(place + 1))
    return notebook


def _without(name: str) -> Notebook:
    notebook = solved()
    notebook["cells"].remove(answer_cell(notebook, name))
    return notebook


BINDINGS = {
    "tuple": NAMED,
    "chained": "SECONDS = LOW = 10**11\nMILLIS = LOW * 1_000",
    "starred": "SECONDS, *REST = 10**11, 10**14\n(MILLIS,) = REST",
    "annotated": "SECONDS: int = 10**11\nMILLIS: int = 10**14",
    "augmented": "SECONDS = 10**10\nSECONDS *= 10\nMILLIS = SECONDS\nMILLIS *= 1_000",
    "walrus": "if (SECONDS := 10**11) and (MILLIS := 10**14):\n    pass",
    "comprehension": "[(SECONDS := 10**11, MILLIS := 10**14) for _ in range(1)]",
    "if": "if True:\n    SECONDS = 10**11\nelse:\n    SECONDS = 0\nif 1: MILLIS = 10**14",
    "try": "try:\n    import nowhere\nexcept ImportError:\n    SECONDS, MILLIS = 10**11, 10**14",
    "for": "for SECONDS in (1, 10**11):\n    MILLIS = SECONDS * 1_000",
    "with": "import contextlib\nwith contextlib.nullcontext((10**11, 10**14)) as (SECONDS, MILLIS):"
    "\n    pass",
    "match": "match [10**11, 10**14]:\n    case [SECONDS, MILLIS]:\n        pass",
    "global": "def limits():\n    global SECONDS, MILLIS\n    SECONDS, MILLIS = 10**11, 10**14\n"
    "limits()",
    "exec": "exec('SECONDS, MILLIS = 10**11, 10**14')",
    "globals": "globals().update(SECONDS=10**11, MILLIS=10**14)",
    "while": "while True:\n    SECONDS, MILLIS = 10**11, 10**14\n    break",
    "await": "import asyncio\n\n\nasync def limits():\n    return 10**11, 10**14\n\n"
    "SECONDS, MILLIS = await limits()",
    "class": "class Limits:\n    low = 10**11\n\nSECONDS = Limits.low\n"
    "MILLIS = Limits().low * 1_000",
    "a-semicolon": "SECONDS = 10**11; MILLIS = 10**14",
}
"""How the two limits are named in a cell above the answer."""

ANSWERS = {
    "lambda": "to_ms = lambda stamp: stamp * 1_000 if stamp < 10**11 else stamp if stamp < 10**14 "
    "else stamp // 1_000",
    "decorated": f"import functools\n\n@functools.lru_cache(None)\n{PLAIN}",
    "class-instance": "class Convert:\n    def __call__(self, stamp):\n        "
    "n = len(str(stamp))\n"
    "        return stamp * 1_000 if n < 12 else stamp if n < 15 else stamp // 1_000\n\n"
    "to_ms = Convert()",
    "partial": "import functools\ndef convert(unit, stamp):\n    n = len(str(stamp))\n"
    "    return stamp * unit if n < 12 else stamp if n < 15 else stamp // unit\n"
    "to_ms = functools.partial(convert, 1_000)",
    "in-an-if": "if True:\n    " + PLAIN.replace("\n", "\n    "),
    "in-a-try": "try:\n    " + PLAIN.replace("\n", "\n    ") + "\nexcept Exception:\n    pass",
    "pip": f"!pip install -q pandas\n{PLAIN}",
    "percent-pip": f"%pip install -q numpy\n{PLAIN}",
    "pip-over-two-lines": f"!pip install \\\n    numpy\n{PLAIN}",
    "inline": f"%matplotlib inline\n{PLAIN}",
    "timed": f"%%time\n{PLAIN}",
    "captured": f"%%capture\n{PLAIN}",
    "reloading": f"%load_ext autoreload\n%autoreload 2\n{PLAIN}",
    "retina": f"%config InlineBackend.figure_format = 'retina'\n{PLAIN}",
    "help": f"len?\n{PLAIN}",
    "output": f"found = !date\n{PLAIN}",
    "checks-itself": f"from studykit.checks import lab\nlab.hint('L01.2')\n{PLAIN}\n"
    "lab.check('L01.2')",
    "wrong": "def to_ms(stamp):\n    return stamp",
    "half": "def to_ms(stamp):\n    return stamp * 1_000 if stamp < 10**11 else stamp",
    "syntax": "def to_ms(stamp:\n    return 1",
    "name": "def to_ms(stamp):\n    return missing(stamp)",
    "raises": "1 / 0\n" + PLAIN,
    "deleted-again": f"{PLAIN}\ndel to_ms",
    "renamed": PLAIN.replace("to_ms", "toms"),
}
"""What stands in the cell of the answer."""

BELOW = {
    "hole-above": (PLAIN,),
    "hole-above-and-helper": ("LOW = 10**11", PLAIN.replace("10**11", "LOW")),
    "wrapped": ("right = to_ms", "def to_ms(stamp):\n    return right(stamp)"),
    "overwritten": ("def to_ms(stamp):\n    return 0",),
    "made-none": ("to_ms = None",),
    "scratch-error": ("1 / 0", "undefined_name"),
    "scratch-print": ("print(to_ms(5))", "%timeit -n 1 -r 1 to_ms(5)", "to_ms?"),
    "shell": ("!ls", "%%bash\necho hello", "%%html\n<b>x</b>"),
    "changes-a-constant": ("EPOCH = None",),
    "mutates": ("SEEN = {}", "SEEN['unit'] = 1_000", PLAIN.replace("1_000", "SEEN['unit']")),
}
"""Cells below the answer; the first ones and `mutates` leave the hole untouched."""

HELPER = "def digits(stamp):\n    return len(str(stamp))\n"
USES_HELPER = """def to_ms(stamp):
    if {0}digits(stamp) == 10:
        return stamp * 1_000
    return stamp if {0}digits(stamp) == 13 else stamp // 1_000"""


def forms() -> list[Form]:
    """Return every form."""
    found = [Form(f"binds-{name}", above(source)) for name, source in BINDINGS.items()]
    found += [Form(f"answer-{name}", solved({"to_ms": text})) for name, text in ANSWERS.items()]
    holes = {"hole-above", "hole-above-and-helper", "mutates"}
    found += [
        Form(f"below-{name}", below(*sources, hole=name in holes))
        for name, sources in BELOW.items()
    ]
    return [
        *found,
        Form("solved", solved()),
        Form("untouched", untouched()),
        Form("import", above("import math", NAMED)),
        Form("from-import", above("from math import floor\nfrom math import log10 as lg", NAMED)),
        Form("helper", above(HELPER, answer=USES_HELPER.format(""))),
        Form("helper-of-helper", above(
            "import math", "def size(x):\n    return math.floor(math.log10(x)) + 1",
            "def digits(stamp):\n    return size(stamp)", answer=USES_HELPER.format(""))),
        Form("helper-below", below(HELPER, hole=False, answer=USES_HELPER.format(""))),
        Form("answer-above-the-hole", _last_first()),
        Form("answer-deleted", _without("to_ms")),
        Form("import-in-a-given-cell", _given(lambda text: f"import math\n{text}", "EPOCH =")),
        Form("import-in-an-example", _given(lambda text: f"import math\n{text}", "delays_ms =")),
        Form("module", above("import helpers", answer=USES_HELPER.format("helpers.")),
             {"helpers.py": HELPER}),
        Form("module-star", above("from helpers import *", answer=USES_HELPER.format("")),
             {"helpers.py": HELPER}),
        Form("module-of-module", above("import mine", answer=USES_HELPER.format("mine.")),
             {"mine.py": "from parts.count import digits\n", "parts/count.py": HELPER}),
        Form("module-run", above("%run helpers.py", answer=USES_HELPER.format("")),
             {"helpers.py": HELPER}),
        Form("module-in-a-folder", above("import sys\nsys.path.append('src')\nimport helpers",
                                         answer=USES_HELPER.format("helpers.")),
             {"src/helpers.py": HELPER}),
        Form("file-read", above("import json\nUNIT = json.load(open('unit.json'))['unit']",
                                answer=PLAIN.replace("1_000", "UNIT")),
             {"unit.json": '{"unit": 1000}'}),
        Form("file-written", above("%%writefile helpers.py\n" + HELPER, "import helpers",
                                   answer=USES_HELPER.format("helpers."))),
        Form("module-missing", above("import nowhere_to_be_found", "import mine",
                                     answer=USES_HELPER.format("mine."))),
    ]  # fmt: skip


Editor = Callable[[Notebook], bytes]


def _jupyterlab(notebook: Notebook) -> bytes:
    return nbformat.writes(nbformat.from_dict(notebook), version=4).encode()


def _run(notebook: Notebook) -> bytes:
    """Save a notebook with outputs, and its texts as lists of lines."""
    for number, cell in enumerate(notebook["cells"]):
        cell["source"] = cell["source"].splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}]
            cell["metadata"]["execution"] = {"iopub.execute_input": "2026-03-01T10:00:00Z"}
    return json.dumps(notebook, indent=1).encode()


def _classic(notebook: Notebook) -> bytes:
    """Save a notebook as Jupyter Notebook 6 does: format 4.4, cells without ids."""
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]
    return json.dumps(notebook, indent=1).encode()


def _colab(notebook: Notebook) -> bytes:
    """Save a notebook as Colab does: format 4.0, ids among the metadata, no tags, no origin."""
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}}
    for number, cell in enumerate(notebook["cells"]):
        del cell["id"]
        cell["metadata"] = {"id": f"Zx{number}"}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook).encode()


def _vscode(notebook: Notebook) -> bytes:
    """Save a notebook as VS Code does: a language in each cell, lines as a list, other ids kept."""
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell["metadata"] = {**cell["metadata"], "vscode": {"languageId": "python"}}
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.11.7"}
    return json.dumps(notebook, indent=1).encode()


def _nbgrader(notebook: Notebook) -> bytes:
    for cell in notebook["cells"]:
        cell["metadata"]["nbgrader"] = {"grade": False, "grade_id": cell["id"], "solution": True}
    return json.dumps(notebook, indent=1).encode()


def _windows(notebook: Notebook) -> bytes:
    return b"\xef\xbb\xbf" + json.dumps(notebook, indent=1).replace("\n", "\r\n").encode()


def _format_3(notebook: Notebook) -> bytes:
    old = nbformat.from_dict(copy.deepcopy(notebook))
    return nbformat.writes(nbformat.convert(old, 3), version=3).encode()


EDITORS: dict[str, Editor] = {
    "jupyterlab": _jupyterlab,
    "run": _run,
    "classic": _classic,
    "colab": _colab,
    "vscode": _vscode,
    "nbgrader": _nbgrader,
    "windows": _windows,
    "format-3": _format_3,
}


def saved(editor: str, notebook: Notebook) -> bytes:
    """Return a notebook's file as an editor writes it."""
    return EDITORS[editor](copy.deepcopy(notebook))
