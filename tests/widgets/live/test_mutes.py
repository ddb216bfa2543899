"""Mute buttons over real producers: here over a topic whose time stands in a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from studykit.errors import StudyError
from studykit.figures.clocks import min_watermark
from studykit.trace.steps import Policy
from studykit.widgets.live.mutes import LiveMutes

POLICY = Policy(bound_ms=2_000)


class Record(NamedTuple):
    partition: int
    event_ms: int
    arrival_ms: int


class Scripted:
    """A topic with five seconds for each call: an event in each partition that is not muted."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.muted: frozenset[int] = frozenset()

    def mute(self, partitions: frozenset[int]) -> None:
        self.muted = partitions

    def read(self) -> list[Record]:
        self.now_ms += 5_000
        return [Record(n, self.now_ms, self.now_ms) for n in range(4) if n not in self.muted]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studykit.widgets.live.mutes._REFRESH_S", 0.001)


def ran(mute: int | None = None, last_ms: int = 25_000) -> LiveMutes:
    @contextmanager
    def opened() -> Iterator[Scripted]:
        yield Scripted()

    mutes = LiveMutes(min_watermark, POLICY, opened=opened, last_ms=last_ms)
    if mute is not None:
        mutes.buttons[mute].value = True
    mutes.start.click()
    assert mutes.thread is not None
    mutes.thread.join(60)
    assert not mutes.thread.is_alive()
    return mutes


def test_nothing_starts_without_a_person() -> None:
    mutes = LiveMutes(min_watermark, POLICY, opened=lambda: pytest.fail("it starts"))
    words = mutes._repr_mimebundle_()["text/plain"]
    assert words.startswith("A button")
    assert mutes.thread is None


def test_a_run_ends_by_itself_and_says_what_it_has_seen() -> None:
    mutes = ran()
    assert list(mutes.trace.results()) == [("all", 0, 10_000), ("all", 10_000, 20_000)]
    assert "20 events arrived, 2 windows have a result" in mutes.said.value
    assert "nothing is left behind" in mutes.said.value
    assert "<img alt=" in mutes.image.value
    assert (mutes.start.disabled, mutes.stop.disabled) == (False, True)


def test_a_muted_producer_holds_every_window() -> None:
    assert "0 windows have a result" in ran(mute=3).said.value


def test_a_broker_that_does_not_start_is_a_sentence() -> None:
    def refuse() -> None:
        raise StudyError("no Java was found")

    mutes = LiveMutes(min_watermark, POLICY, opened=refuse)
    mutes.start.click()
    mutes.thread.join(60)
    assert "no Java was found. The lesson goes on without it." in mutes.said.value
    assert not mutes.start.disabled


def test_stop_ends_a_run_that_would_go_on() -> None:
    @contextmanager
    def opened() -> Iterator[Scripted]:
        topic = Scripted()
        read = topic.read
        topic.read = lambda: (mutes.stop.click(), read())[1]
        yield topic

    mutes = LiveMutes(min_watermark, POLICY, opened=opened, last_ms=10**9)
    mutes.start.click()
    mutes.thread.join(60)
    assert not mutes.thread.is_alive()
    assert "4 events arrived" in mutes.said.value
