"""Traces: what the recorder hears, and what must hold of every trace."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flink_jobs.engine.aggregates import CountSumMax
from flink_jobs.engine.sessions import SessionOperator
from flink_jobs.engine.sliding import SlidingOperator
from flink_jobs.engine.windows import SessionWindows, SlidingWindows, is_closed, is_purged
from flink_jobs.utils.watermarks import BoundedOutOfOrderness
from studykit.trace.payments import seeded
from studykit.trace.simulate import Event, Policy, PolicyError, Trace, simulate
from studykit.trace.stories import SILENT_PARTITION, STORY, STORY_POLICY, TWO_VISITS
from studykit.trace.view import view
from tests.support.oracles.event_time import Item, Playback, play_sessions, play_windows

quiet = settings(deadline=None, max_examples=80)

events_lists = st.lists(
    st.builds(
        Event,
        event_ms=st.integers(-30, 120),
        arrival_ms=st.integers(0, 150),
        key=st.sampled_from("abc"),
        value=st.integers(-5, 50),
        source=st.sampled_from(["p0", "p1"]),
    ),
    min_size=1,
    max_size=40,
)


@st.composite
def policies(draw: st.DrawFn, *, sessions: bool | None = None, **fixed: Any) -> Policy:
    slide = draw(st.integers(1, 12))
    if sessions is None:
        sessions = draw(st.booleans())
    drawn = {
        "bound_ms": draw(st.integers(0, 20)),
        "lateness_ms": draw(st.one_of(st.just(0), st.integers(1, 40))),
        "size_ms": slide * draw(st.integers(1, 6)),
        "slide_ms": slide,
        "gap_ms": draw(st.integers(1, 20)) if sessions else None,
        "idle_ms": draw(st.one_of(st.none(), st.integers(1, 30))),
        "keyed": draw(st.booleans()),
        "bounded": draw(st.booleans()),
    }
    return Policy(**{**drawn, **fixed})


def one_input(events: list[Event]) -> list[Event]:
    return [replace(event, source="p0") for event in events]


def oracle(trace: Trace) -> Playback:
    """The same stream, played by the slow second opinion."""
    policy = trace.policy
    items = [
        Item(number, event.key if policy.keyed else "all", event.event_ms, event.value)
        for number, event in enumerate(trace.events, 1)
    ]
    if policy.gap_ms is not None:
        return play_sessions(
            items, gap=policy.gap_ms, bound=policy.bound_ms, lateness=policy.lateness_ms
        )
    return play_windows(
        items,
        size=policy.size_ms,
        slide=policy.step_ms,
        bound=policy.bound_ms,
        lateness=policy.lateness_ms,
    )


def firings(trace: Trace) -> list[tuple[int, int, str, int, int]]:
    return [
        (change.end_ms, change.start_ms, change.key, change.revision, change.total)
        for step in trace.steps
        for change in step.changes
        if change.kind in ("fired", "re-fired")
    ]


# --- the story -----------------------------------------------------------------------------------


def test_story_has_8_on_time_1_corrected_1_dropped() -> None:
    trace = simulate(STORY, STORY_POLICY)
    assert trace.counts() == {"on time": 8, "corrected": 1, "partly late": 0, "dropped": 1}
    assert [step.number for step in trace.steps if step.behind and step.verdict == "on time"] == [
        4,
        9,
    ]


def test_story_fires_21_then_22() -> None:
    fired = [row for row in firings(simulate(STORY, STORY_POLICY)) if row[1] == 0]
    assert fired == [(10_000, 0, "all", 0, 21), (10_000, 0, "all", 1, 22)]


def test_story_ends_at_watermark_12_999() -> None:
    assert simulate(STORY, STORY_POLICY).steps[-1].watermark_ms == 12_999


def test_story_holds_4_windows_at_15_s_and_purges_the_first_at_18_s() -> None:
    trace = simulate(STORY, replace(STORY_POLICY, keyed=True))
    last = view(trace, len(trace.steps))
    assert last.peak == (4, 15_000)
    assert {window.gone_ms for window in last.windows if window.start_ms == 0} == {18_000}


def test_ending_the_stream_fires_what_is_open() -> None:
    trace = simulate(STORY, replace(STORY_POLICY, bounded=True))
    assert trace.results() == {("all", 0, 10_000): 22, ("all", 10_000, 20_000): 26}


def test_late_bridge_makes_one_session_of_two() -> None:
    trace = simulate(TWO_VISITS, Policy(bound_ms=4_000, gap_ms=4_000, lateness_ms=5_000))
    change = trace.steps[-1].changes[-1]
    assert change.kind == "merged"
    assert (change.start_ms, change.end_ms) == (1_000, 17_000)
    assert change.parts == ((1_000, 8_000), (11_000, 17_000))


def test_silent_partition_holds_the_watermark_until_it_is_idle() -> None:
    stuck = simulate(SILENT_PARTITION, Policy(bound_ms=4_000))
    assert view(stuck, stuck.step_at(24_999)).watermark_ms == 7_999
    freed = simulate(SILENT_PARTITION, Policy(bound_ms=4_000, idle_ms=5_000))
    assert [step.source for step in freed.steps if step.kind == "idle"] == ["p2"]
    assert freed.counts()["dropped"] == 1


# --- every trace ---------------------------------------------------------------------------------


@quiet
@given(events_lists, policies())
def test_watermark_never_goes_back(events: list[Event], policy: Policy) -> None:
    trace = simulate(events, policy, until_ms=300)
    marks = [step.watermark_ms for step in trace.steps]
    assert marks == sorted(marks)
    assert all(
        step.before_ms == before for step, before in zip(trace.steps[1:], marks[:-1], strict=True)
    )


@quiet
@given(events_lists, policies(sessions=False, bounded=True))
def test_every_event_is_counted_in_each_window_that_it_did_not_miss(
    events: list[Event], policy: Policy
) -> None:
    trace = simulate(events, policy)
    arrivals = [step for step in trace.steps if step.kind == "arrival"]
    assert sum(trace.counts().values()) == len(events) == len(arrivals)
    final: dict[tuple[str, int], int] = {}
    for step in trace.steps:
        for change in step.changes:
            if change.kind in ("fired", "re-fired"):
                final[change.key, change.end_ms] = change.count
    overlap = policy.size_ms // policy.step_ms
    missed = sum(len(step.missed) for step in arrivals)
    assert sum(final.values()) == overlap * len(events) - missed


@quiet
@given(events_lists, policies(keyed=True))
def test_agrees_with_the_oracle_on_every_verdict_and_firing(
    events: list[Event], policy: Policy
) -> None:
    trace = simulate(one_input(events), replace(policy, idle_ms=None, bounded=True))
    played = oracle(trace)
    arrivals = [step for step in trace.steps if step.kind == "arrival"]
    for step, expected in zip(arrivals, played.steps, strict=True):
        assert len(step.missed) == len(expected.missed)
        assert (step.verdict == "dropped") == (not expected.kept)
        assert (step.verdict == "on time") <= (not expected.missed)
    assert sorted(firings(trace)) == sorted(
        (e.end, e.start, e.key, e.revision, sum(item.value for item in e.items))
        for e in played.emissions
    )


@quiet
@given(events_lists, policies())
def test_windows_live_by_the_rules(events: list[Event], policy: Policy) -> None:
    """Opened once, fired as soon as closed, purged as soon as the lateness is over."""
    trace = simulate(events, policy)
    live: dict[tuple[str, int, int], bool] = {}
    for step in trace.steps:
        for change in step.changes:
            span = (change.key, change.start_ms, change.end_ms)
            if change.kind == "opened":
                assert span not in live
                live[span] = False
            elif change.kind == "merged":
                for part in change.parts:
                    del live[(change.key, *part)]
                live[span] = False
            elif change.kind == "purged":
                assert live.pop(span)
            else:
                live[span] = True
        for (_, _, end_ms), fired in live.items():
            assert fired == is_closed(end_ms, step.watermark_ms)
            assert not is_purged(end_ms, step.watermark_ms, policy.lateness_ms)
    assert len(view(trace, len(trace.steps)).live) == len(live)


@quiet
@given(events_lists, policies(keyed=True))
def test_recording_changes_nothing(events: list[Event], policy: Policy) -> None:
    trace = simulate(one_input(events), replace(policy, idle_ms=None, bounded=False))
    clock = BoundedOutOfOrderness(policy.bound_ms)
    args = (CountSumMax(), clock, policy.lateness_ms)
    operator: Any = (
        SlidingOperator(SlidingWindows(policy.size_ms, policy.step_ms), *args)
        if policy.gap_ms is None
        else SessionOperator(SessionWindows(policy.gap_ms), *args)
    )
    rows = []
    for number, event in enumerate(trace.events, 1):
        operator.on_event(event.key, event.event_ms, event.value, number)
        if clock.observe(event.event_ms):
            operator.on_watermark()
        rows += operator.take()
    assert [(r.end_ms, r.start_ms, r.key, r.revision, r.result.total) for r in rows] == firings(
        trace
    )


@quiet
@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20)), min_size=1, max_size=40),
    policies(bounded=True, lateness_ms=0),
)
def test_reordering_within_the_bound_changes_no_result(
    drawn: list[tuple[int, int]], policy: Policy
) -> None:
    policy = replace(policy, bound_ms=20, idle_ms=None)
    ordered = [Event(event_ms=at, arrival_ms=at, value=at) for at, _ in drawn]
    delayed = [Event(event_ms=at, arrival_ms=at + late, value=at) for at, late in drawn]
    assert simulate(delayed, policy).results() == simulate(ordered, policy).results()


@quiet
@given(events_lists, policies())
def test_goes_to_json_and_back(events: list[Event], policy: Policy) -> None:
    trace = simulate(events, policy)
    assert Trace.from_json(trace.to_json()) == trace


# --- shape ---------------------------------------------------------------------------------------


def test_events_that_arrive_together_keep_their_order() -> None:
    events = [Event(event_ms=5, arrival_ms=9, value=n) for n in range(5)]
    assert [event.value for event in simulate(events).events] == [0, 1, 2, 3, 4]


def test_input_that_never_spoke_holds_every_window() -> None:
    trace = simulate(STORY, STORY_POLICY, sources=["p0", "p1"])
    assert trace.results() == {}
    freed = simulate(STORY, replace(STORY_POLICY, idle_ms=9_000), sources=["p0", "p1"])
    assert freed.results() == {("all", 0, 10_000): 22}


def test_waiting_alone_moves_no_watermark() -> None:
    later = simulate(STORY, STORY_POLICY, until_ms=10**9)
    assert later == simulate(STORY, STORY_POLICY)


def test_table_has_a_row_for_every_step() -> None:
    trace = simulate(STORY, STORY_POLICY)
    table = trace.to_table()
    assert len(table) == len(trace.steps)
    assert table["verdict"].dropna().tolist().count("on time") == 8


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"bound_ms": -1}, "bound_ms=-1 is too small"),
        ({"size_ms": 0}, "size_ms=0 is too small"),
        ({"size_ms": 10, "slide_ms": 3}, "slide_ms=3 does not divide size_ms=10"),
        ({"gap_ms": 0}, "gap_ms=0 is too small"),
        ({"idle_ms": 0}, "idle_ms=0 is too small"),
    ],
)
def test_policy_that_cannot_be_is_refused(knobs: dict[str, int], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Policy(**knobs)


def test_no_event_and_no_input_is_refused() -> None:
    with pytest.raises(PolicyError, match="give at least one event"):
        simulate([])


def test_seeded_streams_repeat() -> None:
    assert seeded(50, seed=3) == seeded(50, seed=3) != seeded(50, seed=4)


def test_shuffled_input_is_put_into_order_of_arrival() -> None:
    events = list(STORY)
    random.Random(1).shuffle(events)
    assert simulate(events, STORY_POLICY) == simulate(STORY, STORY_POLICY)


def test_core_starts_without_pandas_pyflink_and_kafka() -> None:
    code = (
        "import sys, studykit.trace.stories, studykit.trace.view, studykit.trace.words\n"
        "import studykit.trace.marbles\n"
        "print([m for m in ('pandas', 'pyflink', 'kafka', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
