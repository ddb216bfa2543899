"""Runs in Pyodide, not in pytest: prints one line of JSON on each lab that needs no service.

The notebooks are read from the folder `/course`; the packages are those of the site. A wrong answer
that has a picture gets it.
"""

import contextlib
import io
import json
import os
import time
from pathlib import Path

from studykit.checks.judging import wrong_source
from studykit.checks.lab import NotDone, check_in
from studykit.checks.picture import picture
from studykit.exercises.catalog import labs


def globals_of(notebook: Path) -> tuple[dict[str, object], list[str]]:
    """Run the code cells one after the other, as a learner does; return what went wrong, too."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    wrong = []
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, "<cell>", "exec"), namespace)
        except NotDone:
            pass  # the hole of an untouched lab
        except Exception as error:
            wrong.append(f"{source.splitlines()[0]}: {error!r}")
    return namespace, wrong


def main() -> None:
    os.chdir("/tmp")  # where progress is kept
    for lab in labs():
        began = time.perf_counter()
        solved, cells = globals_of(Path("/course/solutions") / f"{lab.name}.ipynb")
        untouched, holes = globals_of(Path("/course/labs") / f"{lab.name}.ipynb")
        drawn: list[bool] = []
        report = {"lab": lab.number, "cells": cells, "holes": holes, "exercises": {}}
        for exercise in lab.exercises:
            named = {}
            for bad in exercise.misconceptions:
                namespace = dict(solved)
                code = compile(
                    f"from __future__ import annotations\n{wrong_source(exercise, bad)}",
                    "<bad>",
                    "exec",
                )
                exec(code, namespace)
                judgement = check_in(namespace, exercise)
                named[bad.name] = judgement.misconception
                if judgement.message and judgement.message.scene:
                    drawn.append(picture(judgement.message.scene).png.startswith(b"<svg"))
            report["exercises"][exercise.id] = {
                "solution": check_in(solved, exercise).status,
                "lab": check_in(untouched, exercise).status,
                "named": named,
            }
        report["drawn"] = all(drawn)
        report["seconds"] = round(time.perf_counter() - began, 1)
        print(json.dumps(report), flush=True)


if __name__ == "__main__":  # pytest imports every module, to look for examples in it
    main()
