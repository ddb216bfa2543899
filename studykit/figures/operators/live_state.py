"""Figure 13: what several holders of state hold along one stream, and at its end."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.operators.holders import DAY_MS, Holdings

TITLE: Final = "Live state"
QUESTION: Final = "Who frees this byte?"

_LOOKS: Final = ((2.2, style.BLACK), (6.0, style.SKY), (2.2, style.DARK_GREEN))
"""Width and colour of each holder's line, in their order: the third is seen upon the second."""
_APART: Final = 0.075
"""The least distance of two names, as a share of the height."""


@style.styled
def draw(trace: Holdings, step: int) -> Figure:
    """Draw a curve for each holder: the keys that it holds, up to a moment."""
    figure = style.new_figure(8, 3.4)
    axes = figure.add_axes((0.1, 0.15, 0.7, 0.79))
    last = max((moment.now_ms / DAY_MS for moment in trace.moments), default=1)
    most = max((keys for moment in trace.moments for keys in moment.held.values()), default=1)
    axes.set(xlim=(0, last), ylim=(0, most * 1.05))
    days = [0.0, *(moment.now_ms / DAY_MS for moment in trace.moments[:step])]
    for name, (width, color) in zip(trace.accepted, _LOOKS, strict=False):
        counts = [0, *(moment.held[name] for moment in trace.moments[:step])]
        style.line(
            axes, days, counts, color=color, lw=width, clip_on=False,
            gid=f"held:{name}:{counts[-1]}",
        )  # fmt: skip
    _write_names(axes, days[-1], _held(trace, step), most)
    places = axis.round_numbers(axes.get_xlim(), 8, whole=True)
    axis.along_x(axes, places, title="day, by the clock on the wall")
    axis.along_y(axes, axis.round_numbers(axes.get_ylim(), 4), title="keys held")
    return figure


def _write_names(axes: Axes, day: float, held: dict[str, int], most: int) -> None:
    """Write each name beside the end of its curve, and none upon another."""
    lowest = 0.0
    for name, keys in sorted(held.items(), key=lambda item: item[1]):
        place = max(keys, lowest)
        lowest = place + most * _APART
        axes.annotate(
            f"{name}: {keys:,}", (day, place), (6, 0), textcoords="offset points", va="center",
            annotation_clip=False, path_effects=style.HALO,
        )  # fmt: skip


def _held(trace: Holdings, step: int) -> dict[str, int]:
    """Return how many keys each holder has after a step; before the first it is none."""
    return trace.moments[step - 1].held if step else dict.fromkeys(trace.accepted, 0)


def describe(trace: Holdings, step: int) -> str:
    """Say when it is, and what each holder holds."""
    if not step:
        return "Nothing has arrived, and nothing is held."
    moment = trace.moments[step - 1]
    when = f"On day {moment.now_ms / DAY_MS:.1f}"
    if moment.watermark_ms == math.inf:
        when += ", when the stream has ended"
    held = ", ".join(f"{name} {keys:,}" for name, keys in moment.held.items())
    return f"{when}, the keys held are: {held}."


def happened(trace: Holdings, step: int) -> str:
    """Say what has become of the keys since the step before."""
    if not step:
        return "Nothing has arrived yet."
    before, after = _held(trace, step - 1), _held(trace, step)
    parts = [f"{name} {after[name] - before[name]:+,}" for name in after]
    end = "The stream ends" if trace.moments[step - 1].watermark_ms == math.inf else "Keys held"
    return f"{end}: {', '.join(parts)}."


def table(trace: Holdings, step: int) -> list[Row]:
    """Return the keys of each holder at every moment so far."""
    return [
        {"day": f"{moment.now_ms / DAY_MS:.1f}", **moment.held} for moment in trace.moments[:step]
    ]
