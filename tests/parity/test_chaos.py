"""The production job on a cluster, killed in all its parts while events flow: exactly once.

`test_job_chaos_textbook.py` is the test of this test.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.support.accounts import Differences
from tests.support.chaos import DISTURBANCES, RESCALE, Stage, schedule

pytestmark = [pytest.mark.jvm, pytest.mark.services, pytest.mark.slow]

ROUNDS = 3 * len(DISTURBANCES) - 1
"""All but the rescale three times; from parallelism 1 to 2, and back."""


def test_everything_happens_in_every_turn():
    kinds = Counter(schedule(random.Random(3), ROUNDS))
    assert kinds.pop(RESCALE) == 2
    assert kinds == {kind: 3 for kind in DISTURBANCES if kind != RESCALE}


def test_exactly_once_whatever_is_killed():
    with Stage.open(seed=31) as stage:
        for kind in schedule(random.Random(31), ROUNDS):
            stage.disturb(kind)
        outcome = stage.finish()
    assert outcome.differences == Differences()
    assert outcome.late_dropped == 0
    for expected, counted in outcome.ledgers.values():
        assert expected == counted > 0
    assert outcome.letters > 0
