"""A knob on a running Flink job: make one of its operators slow, and see who is held up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

import ipywidgets as widgets
from msgspec.structs import replace

from studykit.drawing import style
from studykit.figures.exhibit import Exhibit
from studykit.flink.recording import JobRecording
from studykit.widgets import page
from studykit.widgets.live.run import LiveRun

_REFRESH_S: Final = 2.0


class JobWithKnob(Protocol):
    """What the widget needs of a job with a knob."""

    def turn(self, sleep_ms: int) -> None:
        """Let the operator sleep for so many milliseconds for each record."""

    def look(self) -> JobRecording:
        """Return what each operator says of itself now."""


class LiveJob(LiveRun[JobWithKnob]):
    """A job on the real engine, its operators drawn every two seconds, and a knob for a sleep."""

    SAYS = "A button: start a job on Flink, and make one of its operators slow with a knob."
    STARTS = "Flink starts in half a minute to three; it needs a gigabyte of memory."

    def __init__(
        self,
        exhibit: Exhibit[JobRecording],
        *,
        opened: Callable[[], AbstractContextManager[JobWithKnob]] | None = None,
        last_s: float = 180,
    ) -> None:
        """Offer to start.

        Args:
            exhibit: The figure.
            opened: What starts the job; None starts it on Flink.
            last_s: After how many seconds everything ends by itself.
        """
        self._exhibit = exhibit
        self._last_s = last_s
        self._job: JobWithKnob | None = None
        self.knob = widgets.IntSlider(
            description="sleep (ms)", min=0, max=40, step=1, value=0,
            style={"description_width": "6em"},
        )  # fmt: skip
        self.knob.observe(self._turn, "value")
        super().__init__(opened or self._on_flink, "Start a job on Flink", [self.knob])

    def watch(self, running: JobWithKnob) -> str:
        """Draw what the operators say of themselves."""
        self._job = running
        self._turn()
        began = time.monotonic()
        sentence = ""
        while not self.ended.wait(_REFRESH_S) and time.monotonic() - began < self._last_s:
            (moment,) = (seen := running.look()).moments
            at_ms = round((time.monotonic() - began) * 1_000)
            seen = replace(seen, moments=(replace(moment, at_ms=at_ms),))
            sentence = self._exhibit.describe(seen, 0)
            self.image.value = page.picture(style.png(self._exhibit.draw(seen, 0)), sentence)
            self.said.value = page.status(f"{sentence} The knob is at {self.knob.value} ms.")
        self._job = None
        return sentence

    def _on_flink(self) -> AbstractContextManager[JobWithKnob]:
        from studykit.flink.knob import knob_job  # noqa: PLC0415 - only if asked

        return knob_job(self.ended.is_set)

    def _turn(self, *_: object) -> None:
        # Looked at once: the thread of the run may end, and forget it, at any time.
        job = self._job
        if job is not None:
            job.turn(self.knob.value)
