"""Figure 1: every event has two times."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from studykit.drawing import style
from studykit.figures import plane
from studykit.figures.exhibit import Choices, Row
from studykit.trace.steps import Trace
from studykit.trace.view import EventView, view
from studykit.trace.words import seconds

TITLE: Final = "Two clocks"
QUESTION: Final = "Which event waited longest?"


_TOLD: Final = 12
"""Largest number of events whose order a sentence tells."""

Order: TypeAlias = Literal["arrival", "event time"]
CHOICES: Final[Choices] = MappingProxyType({"order": ("arrival", "event time")})


def in_order(seen: Sequence[EventView], order: Order) -> list[EventView]:
    """Return events by when they arrived or by when they happened."""
    return (
        sorted(seen, key=lambda arrival: arrival.event.event_ms)
        if order == "event time"
        else [*seen]
    )


@style.styled
def draw(trace: Trace, step: int, order: Order = "arrival") -> Figure:
    """Draw each event where its two times meet, how long it was under way, and their order."""
    shown = view(trace, step)
    figure, axes = plane.new_plane(trace)
    plane.draw_diagonal(axes)
    plane.draw_now(axes, shown.now_ms)
    _draw_order(axes, in_order(shown.seen, order), order)
    for arrival in shown.seen:
        _draw_event(axes, arrival)
    event = Line2D([], [], ls="", marker="o", color=style.BLUE, label="an event")
    skew = Line2D([], [], ls="-.", color=style.VERMILLION, label="skew: time under way")
    way = Line2D([], [], lw=0.9, color=style.GREY, label=f"order of {order}")
    count = len(shown.seen)
    handles = [event if count else None, skew if count else None, way if count > 1 else None]
    style.legend(figure, handles, left=0.76, bottom=0.10)
    return figure


def _draw_order(axes: Axes, seen: Sequence[EventView], order: Order) -> None:
    """Draw a thin line from each event to the next."""
    style.line(
        axes,
        [arrival.event.event_ms / 1_000 for arrival in seen],
        [arrival.event.arrival_ms / 1_000 for arrival in seen],
        color=style.GREY, lw=0.9, zorder=1.8, gid=f"order:{order}",
    )  # fmt: skip


def _draw_event(axes: Axes, arrival: EventView) -> None:
    at, arrived = arrival.event.event_ms / 1_000, arrival.event.arrival_ms / 1_000
    style.line(
        axes, [at, at], [at, arrived], color=style.VERMILLION, lw=1.4, ls="-.", zorder=2,
        gid=f"skew:{arrival.number}:{arrival.event.skew_ms}",
    )  # fmt: skip
    style.line(
        axes, [at], [arrived], marker="o", ls="", color=style.BLUE, ms=8, zorder=4, clip_on=False,
        gid=f"event:{arrival.number}",
    )  # fmt: skip
    axes.annotate(
        f"#{arrival.number}", (at, arrived), (7, 2), textcoords="offset points", zorder=5,
        path_effects=style.HALO, gid=f"event:{arrival.number}:label",
    )  # fmt: skip


def describe(trace: Trace, step: int, order: Order = "arrival") -> str:
    """Say what the newest event's two times are, and in which order the events happened."""
    shown = view(trace, step)
    if not shown.seen:
        return "Nothing has arrived yet."
    latest = shown.seen[-1]
    sentence = (
        f"Event #{latest.number} happened at {seconds(latest.event.event_ms)}, arrived at "
        f"{seconds(latest.event.arrival_ms)}: skew {seconds(latest.event.skew_ms)}."
    )
    older = sum(before.event.event_ms > latest.event.event_ms for before in shown.seen)
    if older:
        verb = "events that happened" if older > 1 else "event that happened"
        sentence += f" {older} {verb} later arrived before it."
    if order == "event time":
        numbers = [arrival.number for arrival in in_order(shown.seen, order)][-_TOLD:]
        last = f" the last {_TOLD}" if len(shown.seen) > _TOLD else ""
        sentence += (
            f" In order of event time{last}: {', '.join(f'#{number}' for number in numbers)}."
        )
    return sentence


def happened(trace: Trace, step: int) -> str:
    """Say what a step has done, to somebody who has not heard of watermarks yet."""
    if step == 0:
        return "Nothing has arrived yet."
    last = trace.steps[step - 1]
    if last.verdict is None or last.event is None:
        return "Nothing arrives; the program takes note of how far event time has come (lesson 02)."
    times = seconds(last.event.event_ms), seconds(last.event.arrival_ms)
    return f"Event #{last.number} happened at {times[0]} and arrives at {times[1]}."


def table(trace: Trace, step: int, order: Order = "arrival") -> list[Row]:
    """Return the two times of every event that has arrived, in the order that is drawn."""
    rows = {int(row["event"]): row for row in plane.event_rows(view(trace, step))}
    return [
        {
            name: rows[arrival.number][name]
            for name in ("event", "key", "happened", "arrived", "skew")
        }
        for arrival in in_order(view(trace, step).seen, order)
    ]
