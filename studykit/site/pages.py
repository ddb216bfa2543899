"""The site's pages: JupyterLite with the lessons and labs, and Python for the browser beside them.

    python -m studykit.site --out FOLDER

Any server of static files will do. The notebooks are those of `notebooks/` and `labs/`, but for
cells that need a service: a sentence stands there, with the code in comments below it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from studykit.errors import StudyError
from studykit.site.python import assemble
from studykit.site.wheels import CLONE
from studykit.workspace import Workspace

_HERE: Final = Path(__file__).parent
_NOT_IN_A_BROWSER: Final = re.compile(
    r"^(?:from|import) (?:studykit\.widgets|studykit\.services\.feast)\b"
    r"|\bown_store\(|\bfeast\.\w|\bfrom pyflink\b|\btime\.tzset\b"
    r"|^# from studykit\.(?:services|flink)\b",
    re.MULTILINE,
)
"""Cells that need a process beside the kernel, a package without a wheel, or the system's clock.

A line that waits behind a `#` for a person to run it is among them."""
_SERVICE: Final = re.compile(
    r"^from studykit\.services\.\S+ import (?!skewed_store).*\n?", re.MULTILINE
)
"""Imports that only cells with the tag `needs-services` use."""
_ELSEWHERE: Final = ("11_pyflink", "12_production_job")
"""Lessons of which no cell can run: they can be read, with what their cells have printed."""
_INSTEAD: Final = 'print("This cell needs what no browser has: run it in the installed lab.")\n'
_LINK: Final = re.compile(r"\]\(\.\./([^)#\s]+)")
_READ: Final = re.compile(r"Path\(\"\.\./([^\"]+)\"\)")
_START: Final = (
    "event-time-lab",
    "ipykernel",
    "comm",
    "pyodide-kernel",
    "jedi",
    "ipython",
    "ipywidgets",
    "anywidget",
)
"""The packages that are loaded before the first cell."""
_UNUSED: Final = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterhub/jupyter-server-proxy",  # installed here, and each asks for a server
    "jupyterlab-jupytext",
)


def build(out: Path) -> int:
    """Build the site and return its size in bytes.

    Args:
        out: The folder of the site; what an earlier build left there is replaced.

    Raises:
        StudyError: A download failed, or JupyterLite did not build.
    """
    cache = Workspace.of_clone().home / "site"
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache) as name:
        lite = Path(name)
        assemble(lite / "static" / "pyodide", cache)
        write_contents(lite / "files")
        _write_settings(lite)
        _run_lite(lite, out)
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def for_browser(notebook: dict[str, Any], stem: str) -> dict[str, Any]:
    """Return a notebook as the site has it, with a sentence for each cell that cannot run there.

    Args:
        notebook: A lesson, a lab or a solution; it is left as it is.
        stem: Its name.
    """
    cells = [
        {**cell, "source": _source_for_browser(cell, stem)} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    kernel = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
    return {**notebook, "cells": cells, "metadata": {**notebook["metadata"], "kernelspec": kernel}}


def _source_for_browser(cell: dict[str, Any], stem: str) -> list[str]:
    source = "".join(cell["source"])
    needs_services = "needs-services" in cell["metadata"].get("tags", ())
    if stem in _ELSEWHERE or needs_services or _NOT_IN_A_BROWSER.search(source):
        return [_INSTEAD, *(f"# {line}".rstrip(" ") for line in source.splitlines(keepends=True))]
    return _SERVICE.sub("", source).splitlines(keepends=True)


def write_contents(folder: Path) -> None:
    """Write the notebooks, and the files that they link to or read, as a learner has them."""
    named: set[str] = {"StudyDoc.md"}
    for pattern in ("notebooks/[0-9]*.ipynb", "labs/lab[0-9]*_*.ipynb"):
        for path in sorted(CLONE.glob(pattern)):
            notebook = for_browser(json.loads(path.read_text("utf-8")), path.stem)
            _write(folder / path.relative_to(CLONE), json.dumps(notebook, indent=1))
            text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
            named |= {*_LINK.findall(text), *_READ.findall(text)}
    for name in sorted(named):
        if (CLONE / name).is_file() and not name.endswith(".ipynb"):
            _write(folder / name, (CLONE / name).read_text("utf-8"))
    _write(folder / "README.md", (_HERE / "welcome.md").read_text("utf-8"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _write_settings(lite: Path) -> None:
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": list(_START)}}
    config = {
        "appName": "The event-time lab",
        "disabledExtensions": list(_UNUSED),
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
    }
    page = {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}
    (lite / "jupyter-lite.json").write_text(json.dumps(page), "utf-8")
    shutil.copy(CLONE / "studykit/cli/jupyter_settings/overrides.json", lite / "overrides.json")


def _run_lite(lite: Path, out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "jupyter-lite", "build", "--lite-dir", lite, "--contents",
         lite / "files", "--output-dir", out.absolute(), "--no-sourcemaps", "--apps", "lab",
         "--apps", "notebooks"],
        cwd=lite, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StudyError(f"JupyterLite did not build: {(done.stdout + done.stderr)[-2000:]}")
