"""The kill map, against what can be said about each design without running it."""

from __future__ import annotations

from itertools import product

import pytest

from studykit.trace.operators.kills import DESIGNS, STEPS, KillOutcome, Kills, killed_everywhere

KILLS = killed_everywhere()
COUNT = len(KILLS.times_ms)
CLOSES = {4: (1, 2, 3), 6: (4, 5)}
"""The payments of the window that a payment closes."""
CELLS = list(product(range(COUNT + 1), range(KILLS.last + 1)))


def outcome(design: str, checkpoint: int, kill: int) -> KillOutcome:
    return KILLS.outcome(design, checkpoint, kill)


def written(kill: int, act: int) -> list[int]:
    """Return the payments whose write, the step `act` of their own, was done before the kill."""
    return [number for number in CLOSES if (number - 1) * STEPS + act <= kill]


def test_written_before_it_is_committed_and_replaced_nothing_is_ever_wrong() -> None:
    assert KILLS.wrong("write, then commit, replace") == 0
    assert len(CELLS) == 297


def test_committed_first_is_wrong_only_between_the_commit_and_the_write_of_a_row() -> None:
    for checkpoint, kill in CELLS:
        between = checkpoint in CLOSES and kill == checkpoint * STEPS - 1
        assert outcome("commit, then write", checkpoint, kill).lost == (
            CLOSES[checkpoint] if between else ()
        )


def test_a_sink_that_adds_doubles_what_was_written_since_the_checkpoint() -> None:
    for checkpoint, kill in CELLS:
        begins = checkpoint if kill >= checkpoint * STEPS else 0
        again = [number for number in written(kill, 3) if number > begins]
        doubled = tuple(sorted(payment for number in again for payment in CLOSES[number]))
        found = outcome("write, then commit, add up", checkpoint, kill)
        assert (found.lost, found.doubled) == ((), doubled)


def test_state_without_an_offset_is_right_only_where_nothing_was_read_since() -> None:
    for checkpoint, kill in CELLS:
        found = outcome("state only", checkpoint, kill)
        saved = checkpoint if kill >= checkpoint * STEPS else 0
        assert (found.word == "right") == (found.read == saved), (checkpoint, kill)


def test_an_offset_without_state_begins_open_windows_anew() -> None:
    assert outcome("offset only", 2, 8).lost == (1, 2)
    assert outcome("offset only", 5, 20).lost == (4, 5)
    assert outcome("offset only", 3, 14).lost == (1, 2, 3)
    assert outcome("offset only", 3, 15).lost == ()  # the row was written before the kill
    assert outcome("offset only", 0, 30).lost == ()


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_killed_before_anything_nothing_is_wrong(design: object) -> None:
    assert isinstance(KILLS, Kills)
    for checkpoint in range(COUNT + 1):
        found = outcome(design.name, checkpoint, 0)
        assert (found.word, found.read, found.resumed) == ("right", 0, 0)
