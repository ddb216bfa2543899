"""The production job on a cluster, killed in all its parts while events flow: exactly once.

The last test is the test of this test: a job that splits late events the usual way does not pass.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from studykit.workspace import Workspace
from tests.support.accounts import Differences
from tests.support.chaos import DISTURBANCES, LAG, RESCALE, TEXTBOOK, Stage, schedule
from tests.support.services import TestServices, home_for_services

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

ROUNDS = 2 * len(DISTURBANCES)
"""All but the rescale at either parallelism; the rescale from 1 to 2, and back."""


@pytest.fixture(scope="module")
def services() -> Iterator[TestServices]:
    """Give services that no other test sees: these here are killed."""
    with home_for_services() as home:
        yield TestServices(Workspace(home))


def test_everything_happens_in_every_turn():
    kinds = Counter(schedule(random.Random(3), ROUNDS))
    assert kinds == {kind: 2 for kind in DISTURBANCES}


def test_exactly_once_whatever_is_killed(services):
    with Stage.open(seed=31, services=services) as stage:
        for kind in schedule(random.Random(31), ROUNDS):
            stage.disturb(kind)
        outcome = stage.finish()
    assert outcome.differences == Differences()
    assert outcome.late_dropped == 0
    for expected, counted in outcome.ledgers.values():
        assert expected == counted > 0
    assert outcome.letters > 0


def test_the_usual_split_of_late_events_fails(services):
    with Stage.open(seed=32, job=TEXTBOOK, services=services) as stage:
        stage.disturb(RESCALE)
        stage.disturb(LAG)
        outcome = stage.finish()
    found = outcome.differences
    assert found.lost > 0, "after a restart, late events pass as on time, and the windows drop them"
    assert found.counted_twice > 0, (
        "at parallelism 2, the windows' watermark lags behind a source's"
    )
    assert found.other > 0, "so rows differ from what the log calls for"
