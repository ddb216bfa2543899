"""The look of every figure: the one place for colours, marks and sizes.

No meaning hangs on a colour alone: each verdict has a shape and a word, each window state a hatch,
each line a style. So the figures read the same in greyscale. The colours are those of Okabe and
Ito, which people with colour vision deficiency can tell apart.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from studykit.drawing.canvas import Canvas
from studykit.trace.steps import Verdict

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
BLACK: Final = "#000000"
GREEN: Final = "#009E73"
DARK_GREEN: Final = "#00734F"
SKY: Final = "#56B4E9"
GREY: Final = "#767676"
EDGE: Final = "#555555"
NOW: Final = "#333333"

COLOURS: Final = (BLUE, VERMILLION, BLACK, GREEN, DARK_GREEN, SKY, GREY, EDGE, NOW)
FAINT: Final = 0.14
"""Opacity of the fill of a window, from 0 to 1."""

DPI: Final = 110
"""Dots an inch: 8 inches fill the width of a notebook cell."""


class Look(NamedTuple):
    """How an event with a verdict is drawn: a colour, Matplotlib's name of a mark, and a word."""

    colour: str
    marker: str
    word: str


VERDICT_LOOKS: Final[MappingProxyType[Verdict, Look]] = MappingProxyType(
    {
        "on time": Look(BLUE, "o", "on time"),
        "corrected": Look(VERMILLION, "^", "corrected"),
        "partly late": Look(VERMILLION, "v", "partly late"),
        "dropped": Look(BLACK, "X", "dropped"),
    }
)

BAD_NEWS: Final[MappingProxyType[Verdict, str]] = MappingProxyType(
    {verdict: f" {look.word}" for verdict, look in VERDICT_LOOKS.items() if verdict != "on time"}
)
"""The word beside a mark, for every verdict but `on time`."""

HATCHES: Final[MappingProxyType[str, str]] = MappingProxyType(
    {"open": "", "fired": "//", "re-fired": "xx", "purged": "", "merged": ""}
)

_RC: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.hinting": "none",  # a third quicker, and the same with every version of freetype
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.5,
    "hatch.color": GREY,
    "svg.hashsalt": "event-time-lab",  # else the ids in an SVG differ from run to run
}

HALO: Final = [withStroke(linewidth=2.5, foreground="white")]
"""Path effect of a label that lines may cross."""

styled = mpl.rc_context(_RC)
"""Decorator of every function that draws."""


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure, `width` by `height` inches.

    It is made without pyplot, whose list of open figures would keep every picture in memory.
    """
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    Canvas(figure)
    return figure


@styled
def png(figure: Figure) -> bytes:
    """Return a figure as PNG, `DPI` dots an inch."""
    canvas: Any = figure.canvas
    data: bytes = canvas.png()
    return data


def line(axes: Axes, xs: Sequence[float], ys: Sequence[float], **look: Any) -> None:  # noqa: ANN401
    """Draw a line or marks, in data units, into axes whose limits are set.

    `Axes.plot` would work the limits out again for every line.
    """
    axes.add_artist(Line2D(xs, ys, **look))


def title(axes: Axes, text: str) -> None:
    """Write a title above the left corner; Matplotlib's own title measures the axes first."""
    axes.annotate(
        text, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points",
        fontsize=mpl.rcParams["axes.titlesize"], annotation_clip=False,
    )  # fmt: skip


def legend(
    figure: Figure,
    handles: Sequence[Line2D | Patch | None],
    left: float,
    bottom: float,
    across: float = 0,
) -> None:
    """Draw a legend upwards from a corner, or to the right if entries are `across` apart.

    The entries are plain artists. Matplotlib's own legend measures its texts and lays them out,
    which takes a quarter of the time in which a picture is drawn.

    Args:
        figure: The figure that gets the legend.
        handles: Marks, lines and patches with labels, from the top down; None leaves a place free,
            so that the others stay where they are from step to step.
        left: Left edge of the samples, as a share of the figure's width.
        bottom: Middle of the last entry, as a share of the figure's height.
        across: Distance between entries side by side, as a share of the figure's width.
    """
    high = 0.165 / figure.get_figheight()
    for number, handle in enumerate(handles):
        if handle is None:
            continue
        x = left + number * across
        y = bottom + (0 if across else (len(handles) - 1 - number) * high)
        _draw_sample(figure, handle, x, y, high)
        figure.text(x + 0.036, y, str(handle.get_label()), va="center_baseline")


def _draw_sample(figure: Figure, handle: Line2D | Patch, x: float, y: float, high: float) -> None:
    """Draw what a legend's entry looks like, 20 points wide."""
    wide = 0.028
    if isinstance(handle, Line2D):
        ends = [x + wide / 2] if handle.get_linestyle() == "None" else [x, x + wide]
        handle.set_data(ends, [y] * len(ends))
        handle.set_transform(figure.transFigure)
        figure.add_artist(handle)
        return
    sample = Rectangle((x, y - 0.3 * high), wide, 0.6 * high)
    sample.update_from(handle)
    sample.set_transform(figure.transFigure)
    figure.add_artist(sample)


def verdict_handles(met: Container[str]) -> list[Line2D | None]:
    """Return a legend's entries for the verdicts in `met`; None keeps the place of another."""
    return [
        Line2D([], [], linestyle="", marker=look.marker, color=look.colour, label=look.word)
        if verdict in met
        else None
        for verdict, look in VERDICT_LOOKS.items()
        if verdict in met or verdict != "partly late"  # it is rare: no place is kept for it
    ]


_WINDOW_WORDS: Final = MappingProxyType(
    {"open": "window, open", "fired": "fired", "re-fired": "fired again", "purged": "purged"}
)


def window_handles(states: Container[str]) -> list[Patch | None]:
    """Return a legend's entries for the window states in `states`; None keeps another's place."""
    return [
        Patch(
            facecolor="white" if state == "purged" else light(SKY),
            edgecolor=EDGE,
            hatch=HATCHES[state] * 2,
            label=word,
        )
        if state in states
        else None
        for state, word in _WINDOW_WORDS.items()
    ]


def light(colour: str) -> tuple[float, float, float, float]:
    """Return a colour as the faint fill of a window: red, green, blue and opacity, from 0 to 1."""
    red, green, blue = mpl.colors.to_rgb(colour)
    return red, green, blue, FAINT


def mixed(colour: str, white: float) -> tuple[int, ...]:
    """Return a colour with a share of white in it, as red, green and blue up to 255.

    >>> mixed(BLACK, white=0.2)
    (51, 51, 51)
    """
    return tuple(round(255 * (part * (1 - white) + white)) for part in mpl.colors.to_rgb(colour))
