"""The table of promises: the guide shows it, and each promise is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from studykit.grading.sandbox import selftest
from studykit.grading.sandbox.promises import LEVELS, PROMISES, Promise, markdown
from tests.support.grading.variants import CASES

GUIDE = Path(__file__).parents[3] / "labs" / "INSTRUCTORS.md"


def test_the_guide_shows_the_table_as_it_is() -> None:
    assert markdown() in GUIDE.read_text("utf-8")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.text[:40])
def test_every_promise_is_tried_by_something_that_is_there(promise: Promise) -> None:
    known = {*selftest._ATTEMPTS, *(case.name for case in CASES)}
    assert promise.tried_by
    assert set(promise.tried_by) <= known
    assert len(promise.kept) == len(LEVELS)


def test_every_attempt_of_the_self_test_keeps_a_promise() -> None:
    assert set(selftest._ATTEMPTS) <= {name for promise in PROMISES for name in promise.tried_by}
