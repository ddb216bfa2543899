"""What check passes, grade passes: every form of answer, as every editor saves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studykit.course.learner.check import check_notebook
from studykit.grading.box.shell import make_shell
from studykit.grading.notebook.reading import read_notebook
from studykit.grading.notebook.rebuild import Original, rebuild
from tests.support import jupyter
from tests.support.grading.forms import EDITORS, Form, forms, saved
from tests.support.grading.submissions import COURSE, LAB, graded, put, verdicts

ORIGINAL = Original.of(LAB, COURSE)
FORMS = forms()


def test_the_corpus_is_large() -> None:
    assert len(FORMS) * len(EDITORS) >= 150
    assert len({form.name for form in FORMS}) == len(FORMS)


@pytest.fixture(scope="module")
def plain() -> Iterator[jupyter.Warm]:
    warm = jupyter.Warm(LAB, jupyter.plain_shell)
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def box() -> Iterator[jupyter.Warm]:
    warm = jupyter.Warm(LAB, make_shell)
    yield warm
    warm.close()


def code_cells(form: Form) -> list[str]:
    """Return the sources that Jupyter runs, but for the checks."""
    return [
        cell["source"]
        for cell in form.notebook["cells"]
        if cell["cell_type"] == "code" and "check" not in cell["metadata"].get("tags", ())
    ]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_notebook_means_what_it_meant_in_jupyter(
    form: Form, plain: jupyter.Warm, box: jupyter.Warm, tmp_path: Path
) -> None:
    (tmp_path / "jupyter").mkdir()
    wanted = plain.verdicts(code_cells(form), tmp_path / "jupyter", form.files)
    plans: dict[tuple[str, ...], list[str]] = {}
    for editor in EDITORS:
        plan = rebuild(ORIGINAL, read_notebook(saved(editor, form.notebook)), form.files)
        plans.setdefault(tuple(cell.source for cell in plan.cells), []).append(editor)
    for number, (plan, editors) in enumerate(plans.items()):
        (tmp_path / f"box{number}").mkdir()
        assert box.verdicts(plan, tmp_path / f"box{number}") == wanted, editors


@pytest.mark.slow
def test_both_engines_agree_with_jupyter_on_the_whole_corpus(
    plain: jupyter.Warm, tmp_path: Path
) -> None:
    """Each form as one editor after the other saves it, in a real sandbox."""
    wanted = {}
    for number, form in enumerate(FORMS):
        home = tmp_path / "in" / form.name
        put(home, {"lab.ipynb": saved(list(EDITORS)[number % len(EDITORS)], form.notebook)})
        put(home, {name: text.encode() for name, text in form.files.items()})
        (tmp_path / form.name).mkdir()
        found = plain.verdicts(code_cells(form), tmp_path / form.name, form.files)
        wanted[form.name] = {exercise: status == "passed" for exercise, status in found.items()}
    for engine in ("fork", "testbook"):
        book = graded(tmp_path / "in", tmp_path / engine, engine=engine)
        passed = {
            name: {exercise: verdict == "pass" for exercise, verdict in verdicts(student).items()}
            for name, student in book.items()
        }
        assert passed == wanted, engine


SAMPLE = {
    "binds-try",
    "answer-percent-pip",
    "answer-half",
    "below-hole-above",
    "below-scratch-error",
    "import-in-a-given-cell",
    "module-of-module",
    "module-in-a-folder",
    "file-read",
    "file-written",
    "untouched",
}


@pytest.mark.slow
def test_check_agrees_with_jupyter_on_a_sample(plain: jupyter.Warm, tmp_path: Path) -> None:
    """A real kernel, as `study check` starts one; both engines are in the test above."""
    for number, form in enumerate(form for form in FORMS if form.name in SAMPLE):
        data = saved(list(EDITORS)[number % len(EDITORS)], form.notebook)
        home = tmp_path / form.name
        put(home, {"lab.ipynb": data.replace(b"%pip", b"#")})
        put(home, {name: text.encode() for name, text in form.files.items()})
        answers, _ = check_notebook(home / "lab.ipynb", LAB.exercises)
        (tmp_path / f"{form.name}-plain").mkdir()
        wanted = plain.verdicts(code_cells(form), tmp_path / f"{form.name}-plain", form.files)
        assert {answer.exercise.id: answer.mark == "ok" for answer in answers} == {
            exercise: status == "passed" for exercise, status in wanted.items()
        }, form.name
