"""Figure 1: every event has two times."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from studykit import style
from studykit.describe import seconds
from studykit.figures import plane
from studykit.figures.exhibit import Row
from studykit.steps import Trace
from studykit.view import Seen, view

TITLE: Final = "Two clocks"
QUESTION: Final = "Which event waited longest?"


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw each event where its two times meet, and how long it was under way."""
    shown = view(trace, step)
    figure, axes = plane.new_plane(trace)
    plane.draw_diagonal(axes)
    plane.draw_now(axes, shown.now_ms)
    for one in shown.seen:
        _draw_event(axes, one)
    figure.legend(
        handles=[
            Line2D([], [], ls="", marker="o", color=style.BLUE, label="an event"),
            Line2D([], [], ls="-.", color=style.VERMILLION, label="skew: time under way"),
        ],
        loc="lower right",
        bbox_to_anchor=(0.995, 0.06),
        frameon=False,
    )
    return figure


def _draw_event(axes: Axes, one: Seen) -> None:
    at, arrived = one.event.event_ms / 1_000, one.event.arrival_ms / 1_000
    axes.plot(
        [at, at], [at, arrived], color=style.VERMILLION, lw=1.4, ls="-.", zorder=2,
        gid=f"skew:{one.number}:{one.event.skew_ms}",
    )  # fmt: skip
    axes.plot(
        at, arrived, "o", color=style.BLUE, ms=8, zorder=4, clip_on=False,
        gid=f"event:{one.number}",
    )  # fmt: skip
    axes.annotate(
        f"#{one.number}", (at, arrived), (7, 2), textcoords="offset points", zorder=5,
        path_effects=style.HALO, gid=f"event:{one.number}:label",
    )  # fmt: skip


def describe(trace: Trace, step: int) -> str:
    """Say what the newest event's two times are."""
    shown = view(trace, step)
    if not shown.seen:
        return "Nothing has arrived yet."
    one = shown.seen[-1]
    sentence = (
        f"Event {one.number} happened at {seconds(one.event.event_ms)}, arrived at "
        f"{seconds(one.event.arrival_ms)}: skew {seconds(one.event.skew_ms)}."
    )
    older = sum(before.event.event_ms > one.event.event_ms for before in shown.seen)
    if older:
        verb = "events that happened" if older > 1 else "event that happened"
        sentence += f" {older} {verb} later arrived before it."
    return sentence


def table(trace: Trace, step: int) -> list[Row]:
    """Return the two times of every event that has arrived."""
    return [
        {name: row[name] for name in ("event", "key", "happened", "arrived", "skew")}
        for row in plane.event_rows(view(trace, step))
    ]
