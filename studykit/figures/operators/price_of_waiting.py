"""Figure 17: the average precision of a model for each bound, beside what chance alone changes."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.operators.waits import Wait, Waits

TITLE: Final = "The price of waiting"
QUESTION: Final = "Which bound costs the model more than chance does?"

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (1, "s"))


@style.styled
def draw(trace: Waits, step: int) -> Figure:
    """Draw the precision of the first `step` bounds, over the band of the seeds."""
    figure = style.new_figure(8, 4)
    axes = figure.add_axes((0.11, 0.17, 0.86, 0.68))
    precisions = [wait.precision for wait in trace.waits]
    room = max(*precisions, trace.highest) - min(*precisions, trace.lowest)
    low = min(*precisions, trace.lowest) - 0.15 * room
    high = max(*precisions, trace.highest) + 0.25 * room
    places = range(len(trace.waits))
    axes.set(xlim=(-0.3, len(places) - 0.3), ylim=(low, high))
    axes.axhspan(
        trace.lowest, trace.highest, facecolor=style.SKY, alpha=style.FAINT, edgecolor=style.EDGE,
        gid=f"seeds:{trace.lowest}-{trace.highest}",
    )  # fmt: skip
    _draw_curve(axes, trace, step)
    axis.along_x(
        axes, places, names=[named(wait) for wait in trace.waits], title="bound (not to scale)"
    )
    axis.along_y(axes, axis.round_numbers((low, high), 8), title="average precision")
    _draw_legend(figure)
    return figure


def _draw_curve(axes: Axes, trace: Waits, step: int) -> None:
    """Draw a mark for each bound: a triangle with its loss where that is beyond chance."""
    shown = trace.waits[:step]
    values = [wait.precision for wait in shown]
    style.line(axes, range(len(shown)), values, color=style.BLUE, lw=1.4)
    for place, wait in enumerate(shown):
        beyond = trace.beyond(wait)
        style.line(
            axes, [place], [wait.precision], ls="", marker="v" if beyond else "o", ms=7,
            color=style.VERMILLION if beyond else style.BLUE,
            gid=f"bound:{wait.bound_seconds}:{'beyond' if beyond else 'within'}",
        )  # fmt: skip
        axes.annotate(
            f"{wait.precision:.3f}", (place, wait.precision), (5, 5), textcoords="offset points",
            fontsize=8, path_effects=style.HALO, annotation_clip=False,
        )  # fmt: skip


def _draw_legend(figure: Figure) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=style.BLUE, marker="o", lw=1.4, label="within chance"),
        Line2D([], [], color=style.VERMILLION, marker="v", ls="", label="costs more than chance"),
        Patch(facecolor=style.light(style.SKY), edgecolor=style.EDGE, label="seeds, no wait"),
    ]  # fmt: skip
    for handle, left in zip(handles, (0.11, 0.33, 0.62), strict=True):
        style.legend(figure, [handle], left, 0.93)


def named(wait: Wait) -> str:
    """Return a bound in the largest unit of which it is a whole number.

    >>> named(Wait(10_800, 0.65)), named(Wait(30, 0.65))
    ('3 h', '30 s')
    """
    size, unit = next(
        (pair for pair in _UNITS if wait.bound_seconds and wait.bound_seconds % pair[0] == 0),
        (1, "s"),
    )
    return f"{wait.bound_seconds // size} {unit}"


def describe(trace: Waits, step: int) -> str:
    """Say what the last bound costs, and which is the first that costs more than chance."""
    if not step:
        return "No model has been measured yet."
    wait = trace.waits[step - 1]
    change = wait.precision - trace.waits[0].precision
    told = (
        f"With a bound of {named(wait)} the average precision is {wait.precision:.3f}, "
        f"{change:+.3f} against no wait. Seeds alone lie between {trace.lowest:.3f} and "
        f"{trace.highest:.3f}."
    )
    costly = next((wait for wait in trace.waits[:step] if trace.beyond(wait)), None)
    if costly is None:
        return f"{told} No bound so far costs more than that range."
    return f"{told} The first bound that costs more than that range is {named(costly)}."


def happened(trace: Waits, step: int) -> str:
    """Say which bound was measured."""
    return f"A bound of {named(trace.waits[step - 1])}." if step else "Nothing is measured yet."


def table(trace: Waits, step: int) -> list[Row]:
    """Return each bound with what it costs, and what a second of it costs."""
    rows: list[Row] = []
    for wait in trace.waits[:step]:
        lost = trace.waits[0].precision - wait.precision
        rows.append(
            {
                "bound": named(wait),
                "average precision": f"{wait.precision:.4f}",
                "lost": f"{lost:+.4f}",
                "lost a second": f"{lost / wait.bound_seconds:+.0e}" if wait.bound_seconds else "",
                "more than chance": "yes" if trace.beyond(wait) else "no",
            }
        )
    return rows
