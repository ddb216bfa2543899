"""Which cases are asked: the same for the same work, others for another, equally hard for all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from studykit.checks.judging import cases_of
from studykit.errors import StudyError
from studykit.exercises.catalog import labs
from studykit.exercises.definition import Exercise
from studykit.grading.cases import HIDDEN, Cases, Drawer, kind_of, private_cases, work_of
from studykit.grading.secret import Secret
from tests.support.grading.submissions import LAB

SECRET = Secret(b"a secret that only tests know")
WITH_ARGUMENTS = [
    pytest.param(Drawer(lab, SECRET), exercise, id=exercise.id)
    for lab in labs()
    for exercise in lab.exercises
    if exercise.random_case
]
TO_MS = LAB.exercises[1]


def drawn(work: str, key: bytes = SECRET.key) -> Cases:
    return Drawer(LAB, Secret(key)).cases(TO_MS, work)


def test_the_same_work_is_asked_the_same_and_another_is_asked_others() -> None:
    once, again = drawn(work_of(["a", "b"])), drawn(work_of(["a", "b"]))
    assert once == again
    for other in (drawn(work_of(["ab"])), drawn(work_of(["a", "c"])), drawn("a", b"other" * 4)):
        assert other.public == once.public
        assert not {*other.hidden} & {*once.hidden}


def test_public_cases_are_those_of_the_check() -> None:
    assert drawn("w").public == cases_of(TO_MS)


@pytest.mark.parametrize(("drawer", "exercise"), WITH_ARGUMENTS)
def test_everybody_is_asked_as_many_cases_of_each_kind(drawer: Drawer, exercise: Exercise) -> None:
    due = drawer.due(exercise)
    assert due.total() == HIDDEN
    for work in ("one", "two", "three"):
        hidden = drawer.cases(exercise, work).hidden
        assert Counter(kind_of(exercise, args) for args in hidden) == due


@pytest.mark.parametrize(("drawer", "exercise"), WITH_ARGUMENTS)
def test_everybody_s_cases_find_out_every_wrong_answer_that_chance_can(
    drawer: Drawer, exercise: Exercise
) -> None:
    """What a hundred cases of the check's own generator find out often, every set finds out."""
    found = frozenset[str]().union(*drawer.due(exercise))
    hidden = drawer.cases(exercise, "some work").hidden
    assert frozenset[str]().union(*(kind_of(exercise, args) for args in hidden)) == found
    assert found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CASES = {'L09.9': [(1,)]}", "has no exercise 'L09.9'; it has L01.1"),
        ("CASES = {'L01.2': 7}", "the cases of L01.2 are no list: 7"),
        ("CASES = {'L01.2': [7]}", r"the case 7 is no tuple of arguments: write \(7,\)"),
        ("CASES = {'L01.2': [(1, 2)]}", r"\(1, 2\) has 2 arguments; to_ms takes \(stamp\)"),
        ("CASES = {'L01.2': [()]}", r"\(\) has 0 arguments; to_ms takes \(stamp\)"),
        ("CASES = {'L01.2': [({1},)]}", r"\(\{1\},\) is not made of JSON values"),
        ("CASES = {'L01.2': [(float('nan'),)]}", "is not made of JSON values"),
        ("CASES = {'L01.2': [('x',)]}", "cannot be answered by the reference: TypeError"),
        ("CASES = [1]", "does not hold CASES"),
        ("CASES =", "does not hold CASES"),
    ],
)
def test_a_case_that_cannot_be_asked_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / f"{LAB.name}.py").write_text(text, "utf-8")
    with pytest.raises(StudyError, match=said) as error:
        private_cases(tmp_path, LAB)
    assert "\n" not in str(error.value)


def test_private_cases_come_as_they_would_over_a_wire(tmp_path: Path) -> None:
    (tmp_path / f"{LAB.name}.py").write_text("CASES = {'L01.2': [[1_999_999_999]]}", "utf-8")
    private = private_cases(tmp_path, LAB)
    assert Drawer(LAB, SECRET, private).cases(TO_MS, "w").hidden[0] == (1_999_999_999,)
