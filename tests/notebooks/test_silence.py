"""`Silence`, the function of lesson 11 with state and timers, finds every silence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from studykit.flink.in_process import at
from studykit.trace.payments import seeded
from studykit.trace.steps import Event
from tests.support.services.flink import Flink

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "src" / "11_pyflink.py"
SILENT_MS = 5_000

pytestmark = pytest.mark.jvm


def of_the_lesson(name: str) -> Any:
    """Return a class that the lesson defines."""
    from pyflink.common import Types  # noqa: PLC0415 - Java is not needed to collect the tests
    from pyflink.datastream import KeyedProcessFunction  # noqa: PLC0415
    from pyflink.datastream.state import (  # noqa: PLC0415
        MapStateDescriptor,
        ValueStateDescriptor,
    )

    names: dict[str, Any] = {
        "__name__": "lesson_11",  # a module that is nowhere, so that a class travels whole
        "KeyedProcessFunction": KeyedProcessFunction,
        "MapStateDescriptor": MapStateDescriptor,
        "Types": Types,
        "ValueStateDescriptor": ValueStateDescriptor,
    }
    code = re.search(rf"^class {name}\(.*?(?=^# %%)", SOURCE.read_text(), re.MULTILINE | re.DOTALL)
    assert code
    exec(code[0], names)
    return names[name]


def told(flink: Flink, name: str, log: list[Event], bound_ms: int) -> list[str]:
    from pyflink.common import Types  # noqa: PLC0415

    return sorted(
        flink.run(flink.keyed(log, bound_ms).process(of_the_lesson(name)(), Types.STRING()))
    )


def silences(log: list[Event], bound_ms: int) -> list[str]:
    """Search the log for every silence, as the words of the lesson define it.

    An event whose moment has passed when it arrives is too late. All others count; an event is
    followed by silence if none that arrived before its moment lies in the five seconds after it.
    """
    watermarks = [-(10**18)]
    for event in log:
        watermarks.append(max(watermarks[-1], event.event_ms - bound_ms - 1))
    heard = [
        (arrival, event)
        for arrival, event in enumerate(log)
        if event.event_ms + SILENT_MS > watermarks[arrival]
    ]
    found = set()
    for _, event in heard:
        end_ms = event.event_ms + SILENT_MS
        due = next((n for n, mark in enumerate(watermarks) if mark >= end_ms), len(log))
        spoke = [
            other
            for arrival, other in heard
            if arrival < due
            and other.key == event.key
            and event.event_ms < other.event_ms <= end_ms
        ]
        if not spoke:
            found.add(f"{event.key} silent from {event.event_ms} to {end_ms}")
    return sorted(found)


@pytest.fixture(scope="module")
def flink() -> Flink:
    return Flink()


PAUSES = [at(0), at(60_000), at(120_000)]


def test_three_events_far_apart_are_three_silences(flink: Flink) -> None:
    assert len(told(flink, "Silence", PAUSES, 4_000)) == 3
    assert told(flink, "Silence", PAUSES, 4_000) == silences(PAUSES, 4_000)


def test_the_newest_time_alone_finds_only_the_last(flink: Flink) -> None:
    assert told(flink, "Newest", PAUSES, 4_000) == ["a silent from 120000 to 125000"]


@pytest.mark.parametrize("bound_ms", [0, 1_000, 8_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_disorder_hides_a_silence(flink: Flink, seed: int, bound_ms: int) -> None:
    log = list(seeded(120, seed=seed, rate=0.6, cards=3))
    assert silences(log, bound_ms)
    assert told(flink, "Silence", log, bound_ms) == silences(log, bound_ms)
