"""Mute buttons over producers that are real: a broker of the widget's own, for a minute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event as Signal
from threading import Thread
from typing import Any, Final, Protocol

import ipywidgets as widgets
from msgspec.structs import replace

from flink_jobs.errors import ForeseenError
from studykit.drawing import style
from studykit.figures.exhibit import Exhibit
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace
from studykit.widgets import page
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
    from studykit.services.live_topic import live_topic  # noqa: PLC0415 - only if asked

    return live_topic()


class LiveMutes(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Four partitions of a real topic, a mute button for each producer, and a picture every second.

    Nothing starts before the button is pressed: a run of the lesson without a person only makes the
    button. Broker, producers and reader end after a minute, with the button, or with the kernel.
    """

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
        self._opened = opened
        self._last_ms = last_ms
        self._ended = Signal()
        self._topic: Topic | None = None
        self.running: Thread | None = None
        self.trace = simulate((), policy, sources=NAMES)
        self.start = widgets.Button(
            description="Start four producers", layout=widgets.Layout(width="14em"),
            tooltip="starts a broker of its own, for a minute",
        )  # fmt: skip
        self.stop = widgets.Button(description="Stop", disabled=True)
        self.buttons = [widgets.ToggleButton(description=f"mute {name}") for name in NAMES]
        self.idle = widgets.Dropdown(
            description="call it idle", style={"description_width": "6em"},
            options=[NEVER, ("after 2 s", 2_000), ("after 5 s", 5_000)],
        )  # fmt: skip
        self.said = widgets.HTML(
            page.status("Nothing runs yet. A start takes ten seconds to a minute.")
        )
        self.image = widgets.HTML()
        self.start.on_click(self._start)
        self.stop.on_click(lambda _: self._ended.set())
        for button in self.buttons:
            button.observe(self._mute, "value")
        wrapped = {"flex_flow": "row wrap"}
        super().__init__(
            [
                widgets.HBox([self.start, self.stop, self.idle], layout=wrapped),
                widgets.HBox(self.buttons, layout=wrapped),
                self.said,
                self.image,
            ]
        )

    def _start(self, *_: object) -> None:
        """Run beside the kernel: cells and buttons go on answering."""
        self.start.disabled = True
        self.stop.disabled = False
        self._ended.clear()
        self.said.value = page.status("A broker starts; this takes ten seconds to a minute.")
        self.running = Thread(target=self._run, daemon=True)
        self.running.start()

    def _run(self) -> None:
        """Read and draw until the end; whatever happens, say how it ended."""
        ended = "All is stopped, and nothing is left behind. Start again as often as you like."
        try:
            with self._opened() as self._topic:
                self._mute()
                self._watch(self._topic)
                self.said.value = page.status("The broker stops.")
            self.said.value = page.status(f"{told(self.trace)} {ended}")
        except ForeseenError as error:
            self.said.value = page.alert(f"{error}. The lesson goes on without it.")
        except Exception as error:  # nobody would see it in a thread
            self.said.value = page.alert(
                f"The broker failed with {type(error).__name__}: {error}. Start again, or go on "
                "without it."
            )
        finally:
            self._topic = None
            self.start.disabled, self.stop.disabled = False, True

    def _watch(self, topic: Topic) -> None:
        events: list[Event] = []
        while not self._ended.wait(_REFRESH_S) and topic.now_ms < self._last_ms:
            for record in topic.read():
                name = NAMES[record.partition]
                events.append(Event(record.event_ms, record.arrival_ms, key=name, source=name))
            policy = replace(self._policy, idle_ms=self.idle.value or None)
            self.trace = simulate(events, policy, sources=NAMES, until_ms=topic.now_ms)
            step = len(self.trace.steps)
            sentence = self._exhibit.describe(self.trace, step)
            self.image.value = page.picture(
                style.png(self._exhibit.draw(self.trace, step)), sentence
            )
            self.said.value = page.status(f"{told(self.trace)} {sentence}")

    def _mute(self, *_: object) -> None:
        topic = self._topic
        if topic is not None:
            topic.mute(
                frozenset(number for number, button in enumerate(self.buttons) if button.value)
            )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        words = "A button: start four producers on a real broker, and mute them one by one."
        return page.bundle(super()._repr_mimebundle_(**kwargs), b"", words)
