"""The plane of two clocks: event time to the right, processing time upwards.

Several figures share these parts. Each part draws one thing and gives it its group id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import blended_transform_factory

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.view import EventView, View, WatermarkView, WindowView
from studykit.trace.words import seconds, span

_CROWD: Final = 30
"""With more events than this, only those that are not on time have a label."""
_WINDOWS: Final = 8
"""With more windows than this, names and results are left to the sentence and the table."""
_LINES: Final = 4
"""Largest number of results that are written into a window."""


def new_plane(trace: Trace, ends_ms: Sequence[int] = ()) -> tuple[Figure, Axes]:
    """Return a figure and its axes, in seconds, with room for all of `trace`.

    The limits are those of the whole trace, so that the axes stand still from step to step. Both
    axes have one scale: on the diagonal an event arrives as it happens.

    Args:
        trace: The trace.
        ends_ms: Further event times that need room, such as ends of windows.
    """
    right_ms = max([*(event.event_ms for event in trace.events), *ends_ms, 1_000])
    top_ms = max((step.now_ms for step in trace.steps), default=1_000)
    right, top = right_ms / 1_000 * 1.02, top_ms / 1_000 * 1.06
    width = 5.2
    height = min(max(width * top / right, 2.6), 5.4)
    if height < width * top / right:
        width = height * right / top
    figure = style.new_figure(8, height + 0.7)
    axes = figure.add_axes((0.09, 0.55 / (height + 0.7), width / 8, height / (height + 0.7)))
    axes.set(xlim=(0, right), ylim=(0, top), aspect="equal")
    axis.along_x(axes, axis.seconds(int(right * 1_000)), title="event time (s)")
    axis.along_y(axes, axis.seconds(int(top * 1_000)), title="processing time (s)")
    return figure, axes


def draw_diagonal(axes: Axes) -> None:
    """Draw the diagonal, on which events arrive as they happen."""
    end = min(axes.get_xlim()[1], axes.get_ylim()[1])
    style.line(axes, [0, end], [0, end], color=style.GREY, ls=":", lw=1.2, zorder=1, gid="no-skew")
    at = end * 0.86
    axes.text(
        at, at - end * 0.015, "no skew", color=style.EDGE, rotation=45, fontsize=8, zorder=1,
        rotation_mode="anchor", va="top", ha="center", gid="no-skew:label",
    )  # fmt: skip


def draw_now(axes: Axes, now_ms: int) -> None:
    """Draw a line across at the processing time that the picture shows."""
    now = now_ms / 1_000
    axes.axhline(now, color=style.NOW, ls="--", lw=0.9, zorder=1.5, gid="now")
    place = blended_transform_factory(axes.transAxes, axes.transData)
    axes.text(1.015, now, f"now = {seconds(now_ms)}", transform=place, va="center", gid="now:label")


def draw_events(axes: Axes, seen: Sequence[EventView]) -> None:
    """Draw the events that have arrived: a shape for each verdict, and a word where it is bad."""
    crowded = len(seen) > _CROWD
    for arrival in seen:
        look = style.VERDICT_LOOKS[arrival.verdict]
        at = arrival.event.event_ms / 1_000, arrival.event.arrival_ms / 1_000
        style.line(
            axes, at[:1], at[1:], marker=look.marker, color=look.colour, ms=5 if crowded else 8,
            ls="", zorder=4, clip_on=False, gid=f"event:{arrival.number}:{arrival.verdict}",
        )  # fmt: skip
        if crowded and arrival.verdict == "on time":
            continue
        axes.annotate(
            f"{_name(arrival, crowded=crowded)}{style.BAD_NEWS.get(arrival.verdict, '')}",
            at, (7, 2), textcoords="offset points", zorder=5,
            path_effects=style.HALO, gid=f"event:{arrival.number}:label",
        )  # fmt: skip
        if arrival.behind and arrival.verdict == "on time":
            _draw_behind(axes, arrival, at)


def _name(arrival: EventView, *, crowded: bool) -> str:
    """Return the number of an event and, where there is room, what it adds to a sum."""
    return f"#{arrival.number}" if crowded else f"#{arrival.number} {arrival.event.value:+d}"


def _draw_behind(axes: Axes, arrival: EventView, at: tuple[float, float]) -> None:
    low, high = axes.get_xlim()
    is_at_axis = at[0] - low < (high - low) / 10  # left of the mark are the numbers of the axis
    after_name = 12 + 5.5 * len(_name(arrival, crowded=False))
    axes.annotate(
        "behind W", at, (after_name, 2) if is_at_axis else (-7, -3), textcoords="offset points",
        fontsize=7.5, ha="left" if is_at_axis else "right",
        color=style.DARK_GREEN, path_effects=style.HALO, zorder=5,
        gid=f"event:{arrival.number}:behind",
    )  # fmt: skip


def draw_watermark(axes: Axes, path: Sequence[WatermarkView], now_ms: int) -> None:
    """Draw the course of the watermark: it claims that the event times left of it are complete."""
    if not path:
        return
    limit = axes.get_xlim()[1] * 1_000
    xs: list[float] = []
    ys: list[float] = []
    for mark in path:
        # From just outside: the first watermark comes from -∞.
        at = min(max(mark.watermark_ms, -1_000), limit) / 1_000
        xs += [xs[-1] if xs else -1, at]
        ys += [mark.now_ms / 1_000] * 2
    style.line(
        axes, [*xs, xs[-1]], [*ys, now_ms / 1_000], color=style.GREEN, lw=2.4, zorder=3,
        gid=f"watermark:{path[-1].watermark_ms}",
    )  # fmt: skip
    axes.annotate(
        f"watermark {seconds(path[-1].watermark_ms)}", (1.015, now_ms / 1_000), (0, -13),
        xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
        color=style.DARK_GREEN, annotation_clip=False, gid="watermark:label",
    )  # fmt: skip


def draw_windows(axes: Axes, shown: View) -> None:
    """Draw each span of windows once, over all keys: closed on the left, open on the right."""
    spans: dict[tuple[int, int], list[WindowView]] = {}
    for window in shown.windows:
        if window.state != "merged":
            spans.setdefault((window.start_ms, window.end_ms), []).append(window)
    roomy = len(spans) <= _WINDOWS
    for (start_ms, end_ms), group in sorted(spans.items()):
        box = _draw_window(axes, (start_ms, end_ms), group, shown)
        if roomy:
            _label_window(axes, group, box)


def _draw_window(
    axes: Axes, span_ms: tuple[int, int], group: Sequence[WindowView], shown: View
) -> tuple[float, float, float, float]:
    """Draw one span; return its left, right, lower and upper side, in seconds."""
    start_ms, end_ms = span_ms
    state = _common_state([shown.drawn_state(window) for window in group])
    gone = [window.gone_ms for window in group if window.gone_ms is not None]
    left, right = start_ms / 1_000, end_ms / 1_000
    low = min(window.opened_ms for window in group) / 1_000
    high = (max(gone) if len(gone) == len(group) else shown.now_ms) / 1_000
    gid = f"window:{start_ms}-{end_ms}:{state}"
    fill = "none" if state == "purged" else style.light(style.SKY)
    axes.add_patch(
        Rectangle(
            (left, low), right - left, high - low, facecolor=fill, edgecolor=style.GREY, lw=0,
            hatch=style.HATCHES[state], zorder=0.5, gid=gid,
        )
    )  # fmt: skip
    style.line(
        axes, [right, left, left, right], [low, low, high, high], color=style.EDGE, lw=0.8,
        zorder=0.6, gid=f"{gid}:edge",
    )  # fmt: skip
    for x, inside in ((left, style.EDGE), (right, "white")):
        style.line(
            axes, [x], [low], marker="o", ms=4, mfc=inside, mec=style.EDGE, mew=0.8, ls="",
            zorder=2, clip_on=False,
        )  # fmt: skip
    return left, right, low, high


def _common_state(states: Sequence[str]) -> str:
    """Return how far the windows of all keys over one span have come: the furthest of them."""
    order = ["purged", "open", "fired", "re-fired"]
    return max(states, key=order.index)


def _label_window(
    axes: Axes, group: Sequence[WindowView], box: tuple[float, float, float, float]
) -> None:
    left, right, low, high = box
    name = span(group[0].start_ms, group[0].end_ms)
    axes.annotate(
        name, (left, low), (3, -14), textcoords="offset points", fontsize=8, color=style.EDGE,
        gid=f"window:{group[0].start_ms}-{group[0].end_ms}:name",
    )  # fmt: skip
    lines = []
    for window in group:
        if window.results:
            who = f"{window.key}: " if len(group) > 1 else ""
            lines.append(who + " → ".join(str(result.total) for result in window.results))
    if len(lines) > _LINES:
        lines = [f"{len(lines)} keys"]
    if lines:
        axes.annotate(
            "\n".join(lines), ((left + right) / 2, high), (0, -4), textcoords="offset points",
            fontweight="bold", ha="center", va="top", zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            gid=f"result:{group[0].start_ms}-{group[0].end_ms}",
        )  # fmt: skip


def event_rows(shown: View) -> list[Row]:
    """Return the events that have arrived, one a row."""
    return [
        {
            "event": arrival.number,
            "key": arrival.event.key,
            "value": arrival.event.value,
            "happened": seconds(arrival.event.event_ms),
            "arrived": seconds(arrival.event.arrival_ms),
            "skew": seconds(arrival.event.skew_ms),
            "verdict": arrival.verdict + (", behind the watermark" if arrival.behind else ""),
        }
        for arrival in shown.seen
    ]
