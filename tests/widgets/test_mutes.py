"""Mute buttons: what they silence, and what comes when it wakes."""

from __future__ import annotations

from studykit.figures.clocks import min_watermark
from studykit.trace.mutes import FOUR_PARTITIONS, MUTED, muted
from studykit.trace.simulate import simulate
from studykit.trace.steps import Policy
from studykit.widgets.mutes import Mutes

POLICY = Policy(bound_ms=4_000)


def test_nothing_is_lost_of_what_a_muted_producer_sends_when_it_wakes() -> None:
    stream = muted(FOUR_PARTITIONS, {"p3": MUTED})
    assert sorted(event.event_ms for event in stream) == sorted(
        event.event_ms for event in FOUR_PARTITIONS
    )
    silent = [event for event in stream if event.source == "p3" and event.arrival_ms >= MUTED[0]]
    assert silent
    assert min(event.arrival_ms for event in silent) == MUTED[1]
    others = [event for event in stream if event.source != "p3"]
    assert others == [event for event in FOUR_PARTITIONS if event.source != "p3"]


def test_who_never_wakes_sends_nothing_more() -> None:
    stream = muted(FOUR_PARTITIONS, {"p3": (MUTED[0], None)})
    assert max(e.arrival_ms for e in stream if e.source == "p3") < MUTED[0]


def test_a_mute_button_holds_every_window_until_the_producer_wakes() -> None:
    mutes = Mutes(FOUR_PARTITIONS, min_watermark, POLICY)
    whole = simulate(FOUR_PARTITIONS, POLICY).results()
    assert mutes.stepper.trace.results() == whole
    assert (mutes.wakes.label, mutes.idle.label) == ("at 30 s", "never")
    mutes.buttons["p1"].value = True
    assert mutes.stepper.trace.results() == whole  # it wakes, and nothing is lost
    mutes.wakes.value = 0
    assert mutes.stepper.trace.results() == {}
    assert "0 windows have a result" in mutes.outcome.value
    mutes.idle.value = 5_000
    assert len(mutes.stepper.trace.results()) == len(whole)
    assert mutes.stepper.step == mutes.stepper.reel.last


def test_without_a_kernel_a_picture_and_its_sentence_remain() -> None:
    bundle = Mutes(FOUR_PARTITIONS, min_watermark, POLICY, mute=["p3"])._repr_mimebundle_()
    assert bundle["text/html"].count("<img alt=") == 1
    assert bundle["text/plain"].startswith("At ")
