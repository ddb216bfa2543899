"""Copies of labs that were made when things were kept elsewhere: they run and are checked."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from studykit.course.layout import Course
from studykit.course.session import check_notebook
from studykit.exercises.catalog import find_lab
from studykit.services.kills.lab import KillLab
from studykit.services.kills.rig import KillRig

NOW, BEFORE = "studykit.trace.story", "studykit.checks.story"


@pytest.mark.slow
def test_a_copy_with_the_older_imports_passes_as_the_solution_does(tmp_path: Path) -> None:
    lab = find_lab("05")
    solution = nbformat.read(Course.of_clone().solutions / f"{lab.name}.ipynb", as_version=4)
    sources = [cell.source for cell in solution.cells]
    for cell in solution.cells:
        cell.source = cell.source.replace(NOW, BEFORE)
    assert [cell.source for cell in solution.cells] != sources, "nothing is older in it"
    copy = tmp_path / "my_lab.ipynb"
    nbformat.write(solution, copy)
    answers, notes = check_notebook(copy, lab.exercises)
    assert [answer.mark for answer in answers] == ["ok"] * len(lab.exercises)
    assert notes == []


def test_a_copy_of_lab_09_finds_the_kill_rig_by_its_older_name() -> None:
    assert KillLab is KillRig
