"""Laws of every window operator, whatever its windows are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from flink_jobs.engine.panes import Position
from tests.support.inputs.streams import Driver
from tests.support.oracles.event_time import Item


def assert_taking_changes_nothing(
    make: Callable[[], Driver], log: Sequence[Item], data: st.DataObject
) -> None:
    """The firings are the same whenever `take` is called."""
    once, often = make(), make()
    taken = []
    for item in log:
        assert once.feed(item) == often.feed(item)
        if data.draw(st.booleans()):
            taken += often.operator.take()
    assert taken + often.operator.take() == once.operator.take()


def assert_nothing_to_do_before_next_ms(make: Callable[[], Driver], log: Sequence[Item]) -> None:
    """A watermark below `next_ms` changes nothing, so that it need not be told."""
    always, when_due = make(), make()
    for item in log:
        assert always.send(item) == when_due.send_when_due(item)
    assert always.finish() == when_due.finish()


def assert_replay_gives_the_rest(
    make: Callable[[int | None], Driver], log: Sequence[Item], stop: int
) -> None:
    """The log is the state: begun again where `needed` says, the operator goes on alike.

    That includes the order in which the keys of one window fire.

    Args:
        make: Opens a driver whose clock has seen this event time.
        log: The events.
        stop: After how many events the first operator stops.
    """
    whole = make(None)
    stop = min(stop, len(log))
    for item in log[:stop]:
        whole.feed(item)
    ahead = Position(stop, whole.clock.max_seen_ms)
    start = min(whole.operator.needed(), default=ahead, key=lambda position: position.offset)
    whole.operator.take()

    again = make(start.max_seen_ms)
    for item in log[start.offset : stop]:
        again.feed(item)
    again.operator.take()
    for item in log[stop:]:
        assert again.feed(item) == whole.feed(item)
        assert again.operator.take() == whole.operator.take()
    for driver in (again, whole):
        driver.clock.finish()
        driver.operator.on_watermark()
    assert again.operator.take() == whole.operator.take()
