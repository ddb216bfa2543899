"""Marbles: events that can be dragged; the engine runs again at each move."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets

from studykit.drawing import style
from studykit.drawing.film import filmstrip
from studykit.figures.clocks import watermark_stepper
from studykit.trace.marbles import aligned, parse
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace
from studykit.trace.view import View, WindowView, view
from studykit.trace.words import state_sentence
from studykit.widgets import page

SPAN_S: Final = 26
"""Length of both axes, seconds."""


class Marbles(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget has no types
    """The events of a stream as marbles: event time to the right, arrival upwards.

    A marble is dragged, or is reached with Tab and moved with the arrow keys: left and right change
    its event time, up and down its arrival, by a second each. The line of text below the marbles is
    the same stream.
    """

    _esm = Path(__file__).with_name("marbles.js")
    marbles = traitlets.List(traitlets.Dict()).tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)

    def __init__(self, events: Iterable[Event] | str, policy: Policy | None = None) -> None:
        """Show a stream; `events` may be a line of text, as `studykit.trace.marbles` reads it."""
        self.policy = policy or Policy()
        given = parse(events) if isinstance(events, str) else tuple(events)
        super().__init__(marbles=[_marble(event) for event in given])
        self._run()
        self.observe(self._run, "marbles")

    @property
    def events(self) -> tuple[Event, ...]:
        """The events as the marbles lie now, in the order in which they were given."""
        return tuple(
            Event(
                int(marble["event"]) * 1_000,
                int(marble["arrival"]) * 1_000,
                marble["key"],
                marble["value"],
            )
            for marble in self.marbles
        )

    @property
    def trace(self) -> Trace:
        """The trace of the events as the marbles lie now; each look runs the engine."""
        return simulate(self.events, self.policy)

    def _run(self, *_: object) -> None:
        self.scene = scene(self.events, self.trace)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        trace = self.trace
        png = style.png(watermark_stepper.draw(trace, len(trace.steps)))
        sentence = state_sentence(trace, len(trace.steps))
        return page.bundle(super()._repr_mimebundle_(**kwargs), filmstrip([png]), sentence)


def scene(events: tuple[Event, ...], trace: Trace) -> dict[str, Any]:
    """Return everything that the script in the browser draws; the script works out nothing itself.

    Args:
        events: The marbles, in their own order, which dragging does not change.
        trace: The run over them.
    """
    shown = view(trace, len(trace.steps))
    came, went = aligned(trace)
    return {
        "span": SPAN_S,
        "now": shown.now_ms / 1_000,
        "marks": _marks(events, shown),
        "watermark": [
            [mark.now_ms / 1_000, mark.watermark_ms / 1_000]
            for mark in shown.path
            if mark.watermark_ms > 0
        ],
        "windows": [_box(window, shown) for window in shown.windows if window.state != "merged"],
        "sentence": state_sentence(trace, len(trace.steps)),
        "in": came,
        "out": went,
    }


def _marks(events: tuple[Event, ...], shown: View) -> list[dict[str, Any]]:
    """Return the verdict of each marble; the order of arrival finds it."""
    # Stable, as in `simulate`: marbles that arrive together keep their order.
    order = sorted(range(len(events)), key=lambda n: events[n].arrival_ms)
    marks: list[dict[str, Any]] = [{} for _ in events]
    for place, arrival in zip(order, shown.seen, strict=True):
        look, event = style.VERDICT_LOOKS[arrival.verdict], arrival.event
        behind = ", behind the watermark" if arrival.behind else ""
        marks[place] = {
            "verdict": arrival.verdict,
            "word": style.BAD_NEWS.get(arrival.verdict, ""),
            "colour": look.colour,
            "behind": arrival.behind,
            "label": f"#{place + 1}, key {event.key}, value {event.value}, happened at "
            f"{event.event_ms // 1_000} s, arrives at {event.arrival_ms // 1_000} s: "
            f"{look.word}{behind}",
        }
    return marks


def _box(window: WindowView, shown: View) -> dict[str, Any]:
    until_ms = shown.now_ms if window.gone_ms is None else window.gone_ms
    return {
        "start": window.start_ms / 1_000,
        "end": window.end_ms / 1_000,
        "low": window.opened_ms / 1_000,
        "high": until_ms / 1_000,
        "state": window.state,
        "name": window.name,
        "results": " → ".join(str(result.total) for result in window.results),
    }


def _marble(event: Event) -> dict[str, Any]:
    return {
        "event": event.event_ms // 1_000,
        "arrival": event.arrival_ms // 1_000,
        "key": event.key,
        "value": event.value,
    }
