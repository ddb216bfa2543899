"""The fraud windows by Flink's own window operator: what most PyFlink jobs look like.

Flink assigns each payment to its windows, keeps each window's payments, fires at the watermark, and
fires again for payments within the allowed lateness. The verdict is Flink's: it follows the
watermark of the whole input, and reports only a payment that has missed *all* its windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pyflink.common import Row, Time, Types
from pyflink.datastream import (
    DataStream,
    OutputTag,
    ProcessFunction,
    ProcessWindowFunction,
    RuntimeContext,
)
from pyflink.datastream.state import ValueStateDescriptor
from pyflink.datastream.window import SlidingEventTimeWindows, TimeWindow

from flink_jobs.config import Settings
from flink_jobs.datastream.payments import KEY, Finisher, key_of, late_letter, missed_windows
from flink_jobs.engine.windows import SlidingWindows

_REVISION: Final = ValueStateDescriptor("revision", Types.LONG())


def windowed(payments: DataStream, settings: Settings) -> tuple[DataStream, DataStream]:
    """Return the lines of the windows, and the lines of the letters about late payments."""
    late = OutputTag("late", payments.get_type())
    rows = (
        payments.key_by(key_of, KEY)
        .window(
            SlidingEventTimeWindows.of(
                Time.milliseconds(settings.size_ms), Time.milliseconds(settings.slide_ms)
            )
        )
        .allowed_lateness(settings.lateness_ms)
        .side_output_late_data(late)
        .process(FraudWindow(settings.size_ms), Types.STRING())
    )
    return rows, rows.get_side_output(late).process(LateLetter(settings), Types.STRING())


class FraudWindow(ProcessWindowFunction):  # type: ignore[misc]
    """Finishes a window each time the window fires, and counts the firings as revisions."""

    def __init__(self, size_ms: int) -> None:
        """Finish windows of `size_ms`."""
        self._size_ms = size_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        """Make the finisher in the worker: Flink pickles this object, and no decoder can be."""
        self._finisher = Finisher()

    def process(
        self,
        key: tuple[str, int],
        context: ProcessWindowFunction.Context[TimeWindow],
        elements: Iterable[Row],
    ) -> Iterator[str]:
        """Yield the line of a window that fires, for the first time or once more."""
        fired = context.window_state().get_state(_REVISION)
        revision = fired.value() or 0
        fired.update(revision + 1)
        held = [(offset, payload) for _, _, _, offset, payload, *_ in elements]
        yield self._finisher.line(key[0], context.window().end, self._size_ms, revision, held)

    def clear(self, context: ProcessWindowFunction.Context[TimeWindow]) -> None:
        """Forget the count with the window: Flink clears the window's contents, not this state."""
        context.window_state().get_state(_REVISION).clear()


class LateLetter(ProcessFunction):  # type: ignore[misc]
    """Writes the letter of a payment that has missed all its windows."""

    def __init__(self, settings: Settings) -> None:
        """Write about the windows of `settings`."""
        self._windows = SlidingWindows(settings.size_ms, settings.slide_ms)
        self._lateness_ms = settings.lateness_ms

    def process_element(self, payment: Row, ctx: ProcessFunction.Context) -> Iterator[str]:
        """Yield the payment's letter, which lists all its windows as missed."""
        watermark_ms = ctx.timer_service().current_watermark()
        missed = missed_windows(self._windows, self._lateness_ms, payment[1], watermark_ms)
        yield late_letter(payment, watermark_ms, missed, self._windows)
