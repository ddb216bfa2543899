"""Streams as lines of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from studykit.trace.marbles import MarbleError, outcome, parse, render
from studykit.trace.simulate import Event, Policy, simulate
from studykit.trace.stories import STORY, STORY_POLICY

STORY_LINE = (
    "---a2=5---b5=9---a8=3--a3=4-b11=7---a14=8--b9-a17=3---a12=8--b6=2"  # one dash is one second
)

marbles = st.lists(
    st.builds(
        Event,
        event_ms=st.integers(0, 40).map(lambda s: s * 1_000),
        arrival_ms=st.integers(0, 40).map(lambda s: s * 1_000),
        key=st.sampled_from("abz"),
        value=st.integers(0, 99),
    )
)


def test_story_is_one_line() -> None:
    assert render(STORY) == STORY_LINE
    assert parse(STORY_LINE) == STORY


@given(marbles)
def test_line_goes_there_and_back(events: list[Event]) -> None:
    in_order = tuple(sorted(events, key=lambda event: event.arrival_ms))
    assert parse(render(events)) == in_order


def test_outcome_stands_on_the_same_line_of_time() -> None:
    trace = simulate(parse(STORY_LINE), STORY_POLICY)
    assert outcome(trace) == "---------------[0,10)=21--[0,10)=22------x6"


def test_outcome_names_the_key_of_keyed_windows() -> None:
    trace = simulate(STORY, replace(STORY_POLICY, keyed=True))
    assert outcome(trace).startswith("---------------a:[0,10)=12 b:[0,10)=9")


def test_window_fires_when_an_event_is_the_bound_after_its_end() -> None:
    policy = Policy(bound_ms=4_000)
    assert outcome(simulate(parse("a1--a13"), policy)) == ""
    assert outcome(simulate(parse("a1--a14"), policy)) == "--[0,10)=1"


@pytest.mark.parametrize("line", ["a", "a2=", "A2", "a2=-3", "2", "a-2", "a2 ! b3"])
def test_what_is_no_stream_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(MarbleError, match="column"):
        parse(line)


@pytest.mark.parametrize(
    "event",
    [Event(1_500, 2_000), Event(1_000, 2_000, "ab"), Event(-1_000, 2_000), Event(0, 0, "a", -1)],
)
def test_what_a_line_cannot_say_is_refused(event: Event) -> None:
    with pytest.raises(MarbleError, match="does not fit"):
        render([event])
