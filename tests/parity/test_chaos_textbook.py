"""The test of the chaos test: a job that splits late events the usual way does not pass it."""

from __future__ import annotations

import pytest

from tests.support.chaos import LAG, RESCALE, TEXTBOOK, Stage

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]


def test_the_usual_split_of_late_events_fails():
    with Stage.open(seed=32, job=TEXTBOOK) as stage:
        stage.disturb("kill TaskManager")
        stage.disturb(RESCALE)
        stage.disturb(LAG)
        outcome = stage.finish()
    found = outcome.differences
    assert found.lost > 0, "after a restart, late events pass as on time, and the windows drop them"
    assert found.counted_twice > 0, (
        "at parallelism 2, the windows' watermark lags behind a source's"
    )
    assert found.other > 0, "so rows differ from what the log calls for"
