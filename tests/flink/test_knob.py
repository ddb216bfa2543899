"""The job with a knob, on the real engine: the slow one works, and what is before it waits."""

from __future__ import annotations

import pytest

from studykit.figures.operators.job_view import HELD_UP, first_slow, short_name
from studykit.flink.knob import knob_job
from studykit.services.supervision.waiting import wait_until

pytestmark = [pytest.mark.jvm, pytest.mark.services]
PATIENCE_S = 180


def test_a_sleep_holds_up_the_source_and_makes_the_sum_idle() -> None:
    with knob_job() as job:
        job.turn(40)

        def is_held_up() -> bool:
            operators = job.look().moments[-1].operators
            slow = first_slow(operators)
            if slow is None or short_name(slow.name) != "PythonCalc":
                return False
            source, *_, last = operators
            return source.held_up > HELD_UP and last.busy < slow.busy

        assert wait_until(is_held_up, PATIENCE_S, 1.0)
        process = job.running
    assert process is not None
    assert process.process() is None
