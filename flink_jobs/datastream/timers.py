"""The fraud windows by process functions, state and timers: every rule in plain sight.

`Judge` keeps the largest event time of each partition and stamps every payment with the partition's
own watermark. `CardWindows` keeps the payments of a card. What a window holds follows from the
stamps alone, so it is the same however far Flink's watermark runs behind; timers only make sure
that a window fires where its card falls silent, and that state is freed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pyflink.common import Row, Time, Types
from pyflink.datastream import DataStream, KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, StateTtlConfig, ValueStateDescriptor

from flink_jobs.config import Settings
from flink_jobs.datastream.payments import (
    KEY,
    LETTERS,
    Finisher,
    key_of,
    late_letter,
    missed_windows,
)
from flink_jobs.engine.windows import SlidingWindows, is_closed, is_purged
from flink_jobs.utils.watermarks import MIN_WATERMARK, bounded_watermark

FORGOTTEN_AFTER: Final = Time.days(30)
"""The time to live of state that no timer has freed, because its stream fell silent for good.

The time is wall time, since Flink's state knows no other to expire by. It is far longer than any
window, so that it decides no result.
"""

STAMPED: Final = Types.ROW_NAMED(
    ["card_id", "event_time", "partition", "offset", "payload", "watermark"],
    [
        *(Types.STRING(), Types.LONG(), Types.INT(), Types.LONG()),
        *(Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.LONG()),
    ],
)


def timed(payments: DataStream, settings: Settings) -> tuple[DataStream, DataStream]:
    """Return the lines of the windows, and the lines of the letters about late payments."""
    judged = payments.key_by(lambda payment: payment[2], Types.INT()).process(
        Judge(settings), STAMPED
    )
    rows = judged.key_by(key_of, KEY).process(CardWindows(settings), Types.STRING())
    return rows, judged.get_side_output(LETTERS)


class Judge(KeyedProcessFunction):  # type: ignore[misc]
    """Judges the payments of a partition by the partition's own watermark: judge, then advance."""

    def __init__(self, settings: Settings) -> None:
        """Judge by the windows, the bound and the lateness of `settings`."""
        self._windows = SlidingWindows(settings.size_ms, settings.slide_ms)
        self._bound_ms = settings.bound_ms
        self._lateness_ms = settings.lateness_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state, which never expires: a forgotten maximum would let late payments in."""
        self._max_seen = runtime_context.get_state(
            ValueStateDescriptor("max_seen_ms", Types.LONG())
        )

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        """Yield the payment unless it missed all its windows, and a letter if it missed any."""
        card, event_ms, partition, offset, payload, *_ = value
        max_seen_ms = self._max_seen.value()
        watermark_ms = MIN_WATERMARK
        if max_seen_ms is not None:
            watermark_ms = bounded_watermark(max_seen_ms, self._bound_ms)
        missed = missed_windows(self._windows, self._lateness_ms, event_ms, watermark_ms)
        if missed:
            yield LETTERS, late_letter(value, watermark_ms, missed, self._windows)
        if len(missed) < self._windows.overlap:
            yield Row(card, event_ms, partition, offset, payload, watermark_ms)
        if max_seen_ms is None or event_ms > max_seen_ms:
            self._max_seen.update(event_ms)


class CardWindows(KeyedProcessFunction):  # type: ignore[misc]
    """Sliding windows of a card, each fired when the card's clock reaches its last millisecond."""

    def __init__(self, settings: Settings) -> None:
        """Compute the windows of `settings`."""
        self._windows = SlidingWindows(settings.size_ms, settings.slide_ms)
        self._lateness_ms = settings.lateness_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        """Get the state: payments by offset, firings by window end, and the card's clock."""
        self._finisher = Finisher()
        payment = Types.ROW([Types.LONG(), Types.PRIMITIVE_ARRAY(Types.BYTE())])
        payments = MapStateDescriptor("payments", Types.LONG(), payment)
        fired = MapStateDescriptor("fired", Types.LONG(), Types.LONG())
        clock = ValueStateDescriptor("clock_ms", Types.LONG())
        for descriptor in (payments, fired, clock):
            descriptor.enable_time_to_live(StateTtlConfig.new_builder(FORGOTTEN_AFTER).build())
        self._payments = runtime_context.get_map_state(payments)
        self._fired = runtime_context.get_map_state(fired)
        self._clock = runtime_context.get_state(clock)

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[str]:
        """Fire the windows that are over, count the payment, and fire again those it changes."""
        card, event_ms, _, offset, payload, watermark_ms = value
        yield from self._advance(card, watermark_ms)
        self._payments.put(offset, Row(event_ms, payload))
        ends = [window.end_ms for window in self._windows.assign(event_ms)]
        for end_ms in ends:
            if not is_closed(end_ms, watermark_ms):
                ctx.timer_service().register_event_time_timer(end_ms - 1)
            elif not is_purged(end_ms, watermark_ms, self._lateness_ms):
                yield self._fire(card, end_ms)
        ctx.timer_service().register_event_time_timer(ends[-1] - 1 + self._lateness_ms)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[str]:
        """Fire the windows that are over, and free the state that no window needs any more."""
        yield from self._advance(ctx.get_current_key()[0], timestamp)
        self._free(timestamp)

    def _advance(self, card: str, watermark_ms: int) -> Iterator[str]:
        """Fire the windows that the card's clock passes on its way to `watermark_ms`."""
        clock_ms = self._clock.value()
        if clock_ms is None:
            self._clock.update(watermark_ms)
        elif clock_ms < watermark_ms:
            self._clock.update(watermark_ms)
            for end_ms in self._due(clock_ms, watermark_ms):
                yield self._fire(card, end_ms)

    def _due(self, clock_ms: int, watermark_ms: int) -> list[int]:
        """Return the ends of the windows with payments that close between the two, in order."""
        after_ms, last_ms = map(self._windows.pane_start, (clock_ms + 1, watermark_ms + 1))
        if after_ms == last_ms:  # no window ends in between: most payments read no state
            return []
        ends = {
            window.end_ms
            for event_ms, _ in self._payments.values()
            for window in self._windows.assign(event_ms)
        }
        return sorted(end_ms for end_ms in ends if after_ms < end_ms <= last_ms)

    def _fire(self, card: str, end_ms: int) -> str:
        """Return the line of a window as it is now, and count the firing."""
        size_ms = self._windows.size_ms
        revision = self._fired.get(end_ms) or 0
        self._fired.put(end_ms, revision + 1)
        held = [
            (offset, payload)
            for offset, (event_ms, payload) in self._payments.items()
            if end_ms - size_ms <= event_ms < end_ms
        ]
        return self._finisher.line(card, end_ms, size_ms, revision, held)

    def _free(self, watermark_ms: int) -> None:
        """Remove the payments and the counts that only purged windows need."""
        for offset, (event_ms, _) in list(self._payments.items()):
            last_end_ms = self._windows.assign(event_ms)[-1].end_ms
            if is_purged(last_end_ms, watermark_ms, self._lateness_ms):
                self._payments.remove(offset)
        for end_ms in list(self._fired.keys()):
            if is_purged(end_ms, watermark_ms, self._lateness_ms):
                self._fired.remove(end_ms)
