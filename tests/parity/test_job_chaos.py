"""The production job on a cluster, killed in all its parts while events flow: exactly once.

The same run of a job that splits late events the usual way is the test of this test: it fails.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from studykit.services.workspace import Workspace
from tests.parity.accounts import Differences
from tests.parity.chaos import DISTURBANCES, RESCALE, TEXTBOOK, Stage, schedule
from tests.service_fixtures import TestServices, home_for_services

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

ROUNDS = 3 * len(DISTURBANCES) - 1
"""Every kill three times; from parallelism 1 to 2, and back."""


@pytest.fixture(scope="module")
def services() -> Iterator[TestServices]:
    with home_for_services() as home:
        yield TestServices(Workspace(home))


def test_every_kill_is_in_every_turn():
    kinds = Counter(schedule(random.Random(3), ROUNDS))
    assert kinds.pop(RESCALE) == 2
    assert kinds == {kind: 3 for kind in DISTURBANCES if kind != RESCALE}


def test_exactly_once_whatever_is_killed(services, tmp_path):
    with Stage.open(services, tmp_path, seed=31) as stage:
        for kind in schedule(random.Random(31), ROUNDS):
            stage.disturb(kind)
        outcome = stage.finish()
    assert outcome.differences == Differences()
    assert outcome.late_dropped == 0
    for expected, counted in outcome.ledgers.values():
        assert expected == counted > 0
    assert outcome.letters > 0


def test_the_usual_split_of_late_events_fails(services, tmp_path):
    with Stage.open(services, tmp_path, seed=32, job=TEXTBOOK) as stage:
        stage.disturb(RESCALE)
        stage.disturb("kill TaskManager")
        outcome = stage.finish()
    found = outcome.differences
    assert found.lost > 0, "after a restart, late events pass as on time, and the windows drop them"
    assert found.counted_twice > 0, (
        "at parallelism 2, the windows' watermark lags behind a source's"
    )
    assert found.other > 0, "so rows differ from what the log calls for"
