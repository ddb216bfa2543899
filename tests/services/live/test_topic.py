"""A live topic on a real broker: whoever is muted says nothing, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import pytest

from studykit.services.live.topic import LiveRecord, LiveTopic
from studykit.services.supervision.waiting import wait_until

pytestmark = pytest.mark.services
PATIENCE_S = 60


def test_a_muted_producer_keeps_what_it_has_to_say_until_it_wakes(kafka_servers: str) -> None:
    found: list[list[int]] = [[] for _ in range(4)]

    def reads_until(enough: Callable[[], bool]) -> None:
        def look() -> bool:
            for reading in topic.read():
                assert isinstance(reading, LiveRecord)
                assert reading.event_ms <= reading.arrival_ms <= topic.now_ms
                found[reading.partition].append(reading.event_ms)
            return enough()

        assert wait_until(look, PATIENCE_S)

    with closing(LiveTopic(kafka_servers, f"live-{uuid4()}", every_s=0.02)) as topic:
        reads_until(lambda: all(found))
        topic.mute(frozenset({3}))
        last_ms = topic.now_ms
        reads_until(lambda: len(found[0]) > len(found[3]) + 5)
        assert max(found[3]) <= last_ms
        topic.mute(frozenset())
        wanted = len(found[0])
        reads_until(lambda: len(found[3]) >= wanted)
    assert found[3] == sorted(set(found[3]))  # the burst is in order, and nothing comes twice
    assert any(last_ms < time_ms for time_ms in found[3][: len(found[0])])
