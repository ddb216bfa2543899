"""Mute buttons over producers that are real: a broker of the widget's own, for a minute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

import ipywidgets as widgets
from msgspec.structs import replace

from studykit.drawing import style
from studykit.figures.exhibit import Exhibit
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace
from studykit.widgets import page
from studykit.widgets.live.run import LiveRun
from studykit.widgets.mutes import NEVER, told

NAMES: Final = ("p0", "p1", "p2", "p3")
_REFRESH_S: Final = 1.0


class Topic(Protocol):
    """What the widget needs of a live topic."""

    @property
    def now_ms(self) -> int:
        """Milliseconds since the topic began."""

    def mute(self, partitions: frozenset[int]) -> None:
        """Silence these producers, and wake all others."""

    def read(self) -> list[Any]:
        """Return new records: `partition`, `event_ms`, `arrival_ms`."""


def _on_a_broker() -> AbstractContextManager[Topic]:
    from studykit.services.live.topic import live_topic  # noqa: PLC0415 - only if asked

    return live_topic()


class LiveMutes(LiveRun[Topic]):
    """Four partitions of a real topic, a mute button for each producer, a picture every second."""

    SAYS = "A button: start four producers on a real broker, and mute them one by one."
    STARTS = "A broker starts in ten seconds to a minute."

    def __init__(
        self,
        exhibit: Exhibit[Trace],
        policy: Policy,
        *,
        opened: Callable[[], AbstractContextManager[Topic]] = _on_a_broker,
        last_ms: int = 60_000,
    ) -> None:
        """Offer to start.

        Args:
            exhibit: The figure.
            policy: How the reader judges; idleness is chosen with a control.
            opened: What gives the live topic.
            last_ms: After how many milliseconds everything ends by itself.
        """
        self._exhibit = exhibit
        self._policy = policy
        self._last_ms = last_ms
        self._topic: Topic | None = None
        self.trace = simulate((), policy, sources=NAMES)
        self.buttons = [widgets.ToggleButton(description=f"mute {name}") for name in NAMES]
        self.idle = widgets.Dropdown(
            description="call it idle", style={"description_width": "6em"},
            options=[NEVER, ("after 2 s", 2_000), ("after 5 s", 5_000)],
        )  # fmt: skip
        for button in self.buttons:
            button.observe(self._mute, "value")
        super().__init__(opened, "Start four producers", [*self.buttons, self.idle])

    def watch(self, running: Topic) -> str:
        """Read and draw every second."""
        self._topic = running
        self._mute()
        events: list[Event] = []
        while not self.ended.wait(_REFRESH_S) and running.now_ms < self._last_ms:
            for record in running.read():
                name = NAMES[record.partition]
                events.append(Event(record.event_ms, record.arrival_ms, key=name, source=name))
            policy = replace(self._policy, idle_ms=self.idle.value or None)
            self.trace = simulate(events, policy, sources=NAMES, until_ms=running.now_ms)
            step = len(self.trace.steps)
            sentence = self._exhibit.describe(self.trace, step)
            figure = self._exhibit.draw(self.trace, step)
            self.image.value = page.picture(style.png(figure), sentence)
            self.said.value = page.status(f"{told(self.trace)} {sentence}")
        self._topic = None
        return told(self.trace)

    def _mute(self, *_: object) -> None:
        # Looked at once: the thread of the run may end, and forget it, at any time.
        topic = self._topic
        if topic is not None:
            topic.mute(
                frozenset(number for number, button in enumerate(self.buttons) if button.value)
            )
