"""Lab 07's filter on the real Flink: what passes, and what is kept when it is over."""

from __future__ import annotations

import pytest

from studykit.errors import StudyError
from studykit.exercises.lab07_state.e6_next_steps import (
    clears_what_is_newer,
    never_frees,
    reference,
)
from studykit.flink import keyed_filter
from studykit.flink.in_process import at

MESSAGES = keyed_filter.drawn(7)


@pytest.mark.jvm
@pytest.mark.slow
def test_what_is_kept_is_freed_by_timers_or_by_nobody() -> None:
    told, kept = keyed_filter.run(reference, MESSAGES)
    assert told == keyed_filter.passing(MESSAGES)
    assert 0 < max(kept) < keyed_filter.KEYS
    assert kept[-1] == 0
    told, kept = keyed_filter.run(never_frees, MESSAGES)
    assert told == keyed_filter.passing(MESSAGES)
    assert kept[-1] == keyed_filter.KEYS


@pytest.mark.jvm
@pytest.mark.slow
def test_a_function_that_fails_in_the_middle_is_one_sentence() -> None:
    def failing(kept_ms, kind, time_ms, ttl_ms):
        return reference(kept_ms, kind, time_ms, ttl_ms) if time_ms < 60_000 else 5

    with pytest.raises(StudyError, match="failed in the middle of Flink's job"):
        keyed_filter.run(failing, MESSAGES)


def test_messages_have_repetitions_and_come_within_the_bound() -> None:
    newest_ms = 0
    for message in MESSAGES:
        assert message.event_ms >= newest_ms - keyed_filter.BOUND_MS
        newest_ms = max(newest_ms, message.event_ms)
    assert 0 < len(keyed_filter.passing(MESSAGES)) < len(MESSAGES)


def test_the_first_message_that_differs_is_named_with_those_before_it() -> None:
    messages = [at(0, card="x"), at(60_000, card="x"), at(61_000, card="x")]
    assert keyed_filter.comparison(messages, [0, 1]) == "2 of 3 messages passed, as the rule says"
    assert keyed_filter.comparison(messages, [0]) == (
        "message 2, x at 60_000 ms, did not pass: the rule says otherwise. "
        "Messages of this id before it: 0"
    )


@pytest.mark.parametrize(
    "steps", [None, 5, ["tell"], [["tell", 1]], [["keep"]], [["keep", 1.5]], [["forget"]], [[]]]
)
def test_what_are_no_steps_is_one_sentence(steps, capsys) -> None:
    keyed_filter.show(lambda *_: steps)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "it has to be a list of steps" in said[1]


def test_a_function_that_fails_is_one_sentence_before_java_starts(capsys) -> None:
    keyed_filter.show(clears_with_an_error)
    assert "stops with ZeroDivisionError" in capsys.readouterr().out


def clears_with_an_error(*args):
    return clears_what_is_newer(*args) or 1 / 0
