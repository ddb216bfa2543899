"""Mute buttons: several producers, each of which can be made silent for a while."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import ipywidgets as widgets
from msgspec.structs import replace

from studykit.figures.exhibit import Exhibit
from studykit.trace.mutes import MUTED, muted
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace
from studykit.trace.words import seconds
from studykit.widgets import page
from studykit.widgets.stepper import Stepper

NEVER: Final = ("never", 0)
"""A choice; a value of None would be no choice at all to ipywidgets, and show an empty control."""


class Mutes(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A mute button for each producer, and controls for its waking and for idleness.

    The engine runs again at each change. Every run ends at the same processing time, so that two
    runs can be compared.
    """

    def __init__(
        self,
        events: Iterable[Event],
        exhibit: Exhibit[Trace],
        policy: Policy,
        *,
        mute: Iterable[str] = (),
        until_ms: int = 45_000,
    ) -> None:
        """Show a figure of a stream at its end.

        Args:
            events: The stream without silences.
            exhibit: The figure.
            policy: The policy; its idleness must be one of the control's choices.
            mute: The inputs that are muted at first.
            until_ms: Processing time at which every run ends, milliseconds.
        """
        self._events = tuple(events)
        self._policy = policy
        self._until_ms = until_ms
        self._sources = tuple(sorted({event.source for event in self._events}))
        silenced = set(mute)
        self.buttons = {
            name: widgets.ToggleButton(
                description=f"mute {name}",
                value=name in silenced,
                tooltip=f"silence {name} from {seconds(MUTED[0])} on",
            )
            for name in self._sources
        }
        wakes = [(f"at {seconds(MUTED[1])}", MUTED[1]), NEVER]
        self.wakes = _choice("it wakes", wakes)
        idle = [NEVER, *((f"after {s} s", s * 1_000) for s in (1, 5, 10))]
        self.idle = _choice("call it idle", idle)
        self.idle.value = policy.idle_ms or 0
        trace = self._run()
        self.stepper = Stepper(trace, exhibit, step=len(trace.steps), stills=[len(trace.steps)])
        self.outcome = widgets.HTML(page.status(told(trace)))
        for control in (*self.buttons.values(), self.wakes, self.idle):
            control.observe(self._turn, "value")
        super().__init__(
            [
                widgets.HBox(list(self.buttons.values()), layout=_WRAPPED),
                widgets.HBox([self.wakes, self.idle], layout=_WRAPPED),
                self.outcome,
                self.stepper,
            ]
        )

    def _run(self) -> Trace:
        silence = (MUTED[0], self.wakes.value or None)
        silences = {name: silence for name, button in self.buttons.items() if button.value}
        policy = replace(self._policy, idle_ms=self.idle.value or None)
        stream = muted(self._events, silences)
        return simulate(stream, policy, sources=self._sources, until_ms=self._until_ms)

    def _turn(self, *_: object) -> None:
        trace = self._run()
        self.stepper.show(trace)
        self.stepper.step = self.stepper.reel.last
        self.outcome.value = page.status(told(trace))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        return page.bundle(super()._repr_mimebundle_(**kwargs), *self.stepper.film())


_WRAPPED: Final = {"flex_flow": "row wrap"}


def told(trace: Trace) -> str:
    """Return how many events arrived and were dropped, and how many windows have a result."""
    lost = trace.counts()["dropped"]
    return (
        f"{len(trace.events)} events arrived, {len(trace.results())} windows have a result, "
        f"{lost} events dropped."
    )


def _choice(label: str, options: list[tuple[str, int]]) -> Any:  # noqa: ANN401
    """Return a control to choose one of several durations."""
    return widgets.Dropdown(description=label, options=options, style={"description_width": "6em"})
