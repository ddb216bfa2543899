"""Runs in Pyodide, not in pytest: prints one line of JSON on each lesson that the site has.

Each cell runs in IPython, from the lesson's folder, as it does for a visitor. Widgets are made and
draw their pictures; nobody looks at them.
"""

import json
import os
import time
import warnings
from pathlib import Path
from typing import ClassVar

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

NOTEBOOKS = Path("/course/notebooks")


class Shown(DisplayHook):
    """What a cell's last line gives, instead of a line on the screen."""

    bundles: ClassVar[list[dict[str, str]]] = []

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, str], md_dict: object = None) -> None:
        self.bundles.append(format_dict)

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    displayhook_class = Shown


def ran(shell: InteractiveShell, source: str) -> dict[str, object]:
    """Run a cell; return what it printed, its picture or text, and its error."""
    Shown.bundles = []
    with capture_output() as captured:
        result = shell.run_cell(source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    bundles = [*(output.data for output in captured.outputs), *Shown.bundles]
    return {
        "printed": captured.stdout,
        "error": f"{type(error).__name__}: {error}" if error else "",
        "shown": [bundle["text/plain"] for bundle in bundles],
        "pictures": sum(bundle.get("text/html", "").count("<img ") for bundle in bundles),
    }


def main() -> None:
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        began = time.perf_counter()
        os.chdir(NOTEBOOKS)
        shell = Shell()
        cells = json.loads(path.read_text("utf-8"))["cells"]
        told = [
            ran(shell, "".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"
        ]
        seconds = round(time.perf_counter() - began, 1)
        print(json.dumps({"lesson": path.stem, "cells": told, "seconds": seconds}), flush=True)


if __name__ == "__main__":  # pytest imports every module, to look for examples in it
    warnings.simplefilter("ignore")
    main()
