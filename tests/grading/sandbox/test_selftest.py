"""The self-test: it refuses to say that something holds which it did not try."""

from __future__ import annotations

import pytest

from studykit.grading.sandbox import selftest
from studykit.grading.sandbox.warden import EngineFailure
from tests.support.grading.submissions import LAB


def test_what_it_looks_for_is_there() -> None:
    answers, grader = selftest._kept_out(LAB.name)
    assert answers.name == f"studykit.exercises.{LAB.name}"
    assert grader.name == "studykit.grading.secret"


@pytest.mark.parametrize("gone", ["studykit.exercises.{lab}_moved", "studykit.grading.moved"])
def test_a_module_that_has_moved_is_no_break_out_that_failed(
    gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "_KEPT_OUT", (gone, "studykit.grading.secret"))
    with pytest.raises(EngineFailure, match="has moved"):
        selftest._kept_out(LAB.name)
