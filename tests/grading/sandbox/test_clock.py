"""The clock of a request: it stands still while others have the processors."""

from __future__ import annotations

from typing import Any

import pytest

from studykit.grading.sandbox import warden
from studykit.grading.sandbox.session import Crowded
from studykit.grading.sandbox.warden import PATIENCE, PATIENCE_ALONE, SHORT_S, Clock, Usage


class _Tree:
    """A submission of which the numbers are known."""

    def __init__(self, waited_s: float = 0.0, cpu_s: float = 0.0) -> None:
        self.known = Usage(0.0, 0.0)
        self.found = Usage(waited_s, cpu_s)

    def usage(self) -> Usage:
        return self.found


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a clock that was started so many seconds ago, for a request of 10 s."""

    def clock(tree: _Tree, wall_s: float, before_s: float = 0.0, *, alone: bool = False) -> Clock:
        now = [100.0]
        monkeypatch.setattr(warden.time, "monotonic", lambda: now[0])
        made = Clock(tree, 10.0, before_s, alone=alone)  # type: ignore[arg-type]
        now[0] += wall_s
        return made

    return clock


def test_before_its_time_nobody_is_asked(passed: Any) -> None:
    tree = _Tree(cpu_s=10.0)
    assert passed(tree, 9.0).left_s() == 1.0
    assert passed(tree, SHORT_S / 2).spent_s() == SHORT_S / 2


def test_who_sleeps_has_used_the_time(passed: Any) -> None:
    assert passed(_Tree(waited_s=0.0, cpu_s=0.1), 10.0).left_s() == 0


def test_who_waits_for_a_processor_has_not(passed: Any) -> None:
    assert passed(_Tree(waited_s=7.0, cpu_s=4.0), 11.0).left_s() == pytest.approx(6.0)


def test_who_has_used_the_processors_by_many_processes_has_used_the_time(passed: Any) -> None:
    """Of thirty processes each waits long; together they had what one may have."""
    assert passed(_Tree(waited_s=10.0, cpu_s=10.0), 11.0).left_s() == 0


def test_what_earlier_requests_used_does_not_count(passed: Any) -> None:
    assert passed(_Tree(waited_s=10.0, cpu_s=12.0), 11.0, before_s=5.0).left_s() > 0


def test_what_earlier_requests_waited_does_not_count(passed: Any) -> None:
    tree = _Tree(waited_s=10.0)
    tree.known = Usage(10.0, 0.0)
    assert passed(tree, 11.0).left_s() == 0


def test_a_request_costs_what_it_could_run_and_no_more_than_it_took(passed: Any) -> None:
    assert passed(_Tree(waited_s=7.0, cpu_s=1.0), 9.0).spent_s() == pytest.approx(2.0)
    assert passed(_Tree(waited_s=0.0, cpu_s=0.1), 9.0).spent_s() == pytest.approx(9.0)
    assert passed(_Tree(waited_s=9.0, cpu_s=18.0), 9.0).spent_s() == pytest.approx(9.0)


def test_after_too_long_next_to_others_it_is_tried_again_alone(passed: Any) -> None:
    late_s = 10.0 * PATIENCE
    with pytest.raises(Crowded):
        passed(_Tree(waited_s=late_s), late_s).left_s()
    assert passed(_Tree(waited_s=late_s), late_s, alone=True).left_s() > 0


def test_alone_it_ends_for_good(passed: Any) -> None:
    late_s = 10.0 * PATIENCE_ALONE
    assert passed(_Tree(waited_s=late_s), late_s, alone=True).left_s() == 0
