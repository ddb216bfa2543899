"""The dead letters of the production job.

Unlike the functions of events and rows, these take one row at a time: dead letters are rare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyflink.metrics import Counter
from pyflink.table import FunctionContext
from pyflink.table.udf import ScalarFunction

from flink_jobs.dead_letter import DeadLetter, Reason
from flink_jobs.engine.windows import SlidingWindows, is_closed
from flink_jobs.features.catalog import SESSION
from flink_jobs.job.counters import counter


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """Writes dead letters about events whose windows have `size_ms` and start every `slide_ms`."""

    size_ms: int
    slide_ms: int

    def write(
        self,
        reason: Reason,
        feature_set: str | None,
        topic: str,
        partition: int,
        offset: int,
        event_ms: int | None,
        watermark_ms: int | None,
        original: bytes | None,
    ) -> DeadLetter:
        """Return the dead letter of a row of the view `dead_letters`, whose columns these are.

        SQL has only the verdict; how late the event was, and which windows it missed, follows here
        from the event time and the watermark by the engine's own rules. Times are epoch
        milliseconds. What a session missed nobody can know: `missed_windows` is None.
        """
        late_by_ms: int | None = None
        missed: tuple[int, ...] | None = None
        if event_ms is not None and watermark_ms is not None:
            # Sessions admit only events more than a millisecond ahead of the watermark: see
            # `FeatureSet.margin_ms`.
            limit_ms = watermark_ms + (feature_set == SESSION.name)
            late_by_ms = limit_ms - event_ms
            missed = None if feature_set == SESSION.name else self._missed(event_ms, watermark_ms)
        return DeadLetter(
            reason=reason,
            feature_set=feature_set,
            topic=topic,
            partition=partition,
            offset=offset,
            event_time=event_ms,
            watermark=watermark_ms,
            late_by_ms=late_by_ms,
            missed_windows=missed,
            original=original,
        )

    def _missed(self, event_ms: int, watermark_ms: int) -> tuple[int, ...]:
        windows = SlidingWindows(self.size_ms, self.slide_ms).assign(event_ms)
        return tuple(
            window.start_ms for window in windows if is_closed(window.end_ms, watermark_ms)
        )


class LetterFunction(ScalarFunction):  # type: ignore[misc]
    """Writes dead letters, and counts them by reason and feature set."""

    def __init__(self, writer: LetterWriter, shape: Callable[[DeadLetter], object]) -> None:
        """Write with `writer`; `shape` turns a letter into what the sink takes."""
        self._writer = writer
        self._shape = shape

    def open(self, function_context: FunctionContext) -> None:
        """Keep Flink's context, which makes a counter for each reason and feature set."""
        self._context = function_context
        self._counters: dict[tuple[str, str], Counter] = {}

    def eval(self, *columns: Any) -> object:  # noqa: ANN401
        """Return the dead letter of `LetterWriter.write`, in the sink's shape."""
        letter = self._writer.write(*columns)
        self._count(letter.reason, letter.feature_set or "")
        return self._shape(letter)

    def _count(self, reason: str, feature_set: str) -> None:
        labels = reason, feature_set
        if labels not in self._counters:
            self._counters[labels] = counter(
                self._context, "dead_letters", reason=reason, feature_set=feature_set
            )
        self._counters[labels].inc()
