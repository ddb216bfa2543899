"""The usual split of late events, and what it loses when the job restarts.

Events are compared with the current watermark before the windows see them, as Flink SQL's
CURRENT_WATERMARK does. After a restart a source has no watermark until an event has come, so the
split lets everything pass; the windows have their watermark back from the checkpoint and drop what
is late without a word. Try it: study prove studykit/adversary/examples/current_watermark_split.py
"""

from __future__ import annotations

from typing import Any

SIZE_MS, BOUND_MS = 10_000, 4_000


class Job:
    """Sums by key in windows of 10 s with a bound of 4 s, and a report of each late event."""

    def __init__(self) -> None:
        """Begin without state."""
        self.current: int | None = None  # the source's watermark: not in the checkpoint
        self.watermark = -(2**63)  # the windows' watermark: restored with them
        self.sums: dict[tuple[str, int], int] = {}

    def on_event(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Split, sum, and fire what the watermark has passed."""
        time_ms = event["event_ms"]
        start = time_ms - time_ms % SIZE_MS
        out: list[dict[str, Any]] = []
        if self.current is not None and start + SIZE_MS - 1 <= self.current:
            out.append({"late": event["offset"]})
        elif start + SIZE_MS - 1 > self.watermark:
            window = event["key"], start
            self.sums[window] = self.sums.get(window, 0) + event["value"]
        self.current = max(time_ms - BOUND_MS - 1, self.current or -(2**63))
        self.watermark = max(self.current, self.watermark)
        return out + self._fire()

    def end(self) -> list[dict[str, Any]]:
        """Fire every window that is open."""
        self.watermark = 2**63 - 1
        return self._fire()

    def snapshot(self) -> object:
        """Return what a checkpoint holds."""
        return self.watermark, dict(self.sums)

    def restore(self, state: Any) -> None:  # noqa: ANN401 - what snapshot returned
        """Go on from a checkpoint."""
        self.watermark, self.sums = state

    def _fire(self) -> list[dict[str, Any]]:
        done = [window for window in self.sums if window[1] + SIZE_MS - 1 <= self.watermark]
        return [
            {
                "key": key,
                "window_start": start,
                "window_end": start + SIZE_MS,
                "value": self.sums.pop((key, start)),
            }
            for key, start in done
        ]
