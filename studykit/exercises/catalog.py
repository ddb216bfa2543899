"""The catalog: every lab and every exercise, and how a name that a person types finds one.

A lab is a package `labNN_topic` beside this module that defines `LAB`. Who adds the package has
added the lab: there is no other list.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from studykit.errors import StudyError
from studykit.exercises.definition import Exercise, Lab


@cache
def labs() -> tuple[Lab, ...]:
    """Return every lab, by number."""
    names = sorted(module.name for module in pkgutil.iter_modules(_FOLDER) if _is_lab(module.name))
    return tuple(import_module(f"{__package__}.{name}").LAB for name in names)


_FOLDER: Final = [str(Path(__file__).parent)]


def find_lab(text: str) -> Lab:
    """Return the lab that `text` means: `2`, `02`, `lab02` or `lab02_watermarks`.

    Raises:
        StudyError: There is no such lab.
    """
    wanted = text.lower().removeprefix("my_").removeprefix("lab").removeprefix("l")
    number = wanted.split("_")[0].zfill(2)
    for lab in labs():
        if lab.number == number:
            return lab
    known = ", ".join(lab.number for lab in labs())
    raise StudyError(f"there is no lab {text!r}: choose one of {known}")


def find_exercise(text: str) -> tuple[Lab, Exercise]:
    """Return the exercise that `text` means, and its lab: `L02.3`, `02.3` or `lab02.3`.

    Raises:
        StudyError: There is no such lab or exercise.
    """
    lab_text, _, number = text.partition(".")
    lab = find_lab(lab_text)
    for exercise in lab.exercises:
        if exercise.id.partition(".")[2] == number:
            return lab, exercise
    known = ", ".join(exercise.id for exercise in lab.exercises)
    raise StudyError(f"there is no exercise {text!r}: {lab.name} has {known}")


def _is_lab(name: str) -> bool:
    return name[:3] == "lab" and name[3:5].isdigit()
