"""The site's pages: JupyterLite with the labs, and Python for the browser beside them.

    python -m studykit.site --out FOLDER

Any server of static files will do. The labs are the notebooks of `labs/`, but for cells that need a
service or matplotlib, for which there is no wheel: a sentence stands there instead.
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
_NOT_IN_A_BROWSER: Final = re.compile(r"^(?:from|import) studykit\.widgets\b", re.MULTILINE)
_INSTEAD: Final = (
    'print("This cell needs a broker and a store, which no browser has: "\n'
    '      "run it in the installed lab.")'
)
_START: Final = (
    "event-time-lab",
    "ipykernel",
    "comm",
    "pyodide-kernel",
    "jedi",
    "ipython",
    "ipywidgets",
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
        _write_contents(lite / "files")
        _write_settings(lite)
        _run_lite(lite, out)
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def for_browser(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook as the site has it, with a sentence for each cell that cannot run there."""
    cells = [
        {**cell, "source": [_INSTEAD]}
        if cell["cell_type"] == "code" and _NOT_IN_A_BROWSER.search("".join(cell["source"]))
        else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _write_contents(folder: Path) -> None:
    (folder / "labs").mkdir(parents=True)
    for path in sorted((CLONE / "labs").glob("lab[0-9][0-9]_*.ipynb")):
        notebook = for_browser(json.loads(path.read_text("utf-8")))
        notebook["metadata"]["kernelspec"] = {
            "name": "python", "display_name": "Python (Pyodide)", "language": "python",
        }  # fmt: skip
        (folder / "labs" / path.name).write_text(json.dumps(notebook, indent=1), "utf-8")
    shutil.copy(_HERE / "welcome.md", folder / "README.md")


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
