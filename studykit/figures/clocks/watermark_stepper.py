"""Figure 2: the watermark passes, windows fire, events turn late."""

from __future__ import annotations

from typing import Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studykit.drawing import style
from studykit.figures import plane
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.view import view
from studykit.trace.words import state_sentence

TITLE: Final = "Watermark, windows and verdicts"
QUESTION: Final = "Which smallest bound drops nothing, and what does it cost?"


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw the events, the course of the watermark and every window on the plane of two clocks."""
    shown = view(trace, step)
    ends = [window.end_ms for window in view(trace, len(trace.steps)).windows]
    figure, axes = plane.new_plane(trace, ends)
    plane.draw_diagonal(axes)
    plane.draw_windows(axes, shown)
    plane.draw_watermark(axes, shown.path, shown.now_ms)
    plane.draw_events(axes, shown.seen)
    plane.draw_now(axes, shown.now_ms)
    handles: list[Line2D | Patch | None] = [
        *style.verdict_handles({arrival.verdict for arrival in shown.seen}),
        Line2D([], [], color=style.GREEN, lw=2.4, label="watermark") if shown.path else None,
        *style.window_handles({shown.drawn_state(window) for window in shown.windows}),
    ]
    style.legend(figure, handles, left=0.825, bottom=0.10)
    return figure


def describe(trace: Trace, step: int) -> str:
    """Say where the stream stands: the watermark, the verdicts, and the latest results."""
    return state_sentence(trace, step)


def table(trace: Trace, step: int) -> list[Row]:
    """Return every event that has arrived, with its verdict."""
    return plane.event_rows(view(trace, step))
