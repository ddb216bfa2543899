"""Figure 7: with several inputs, the slowest one is the clock."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from flink_jobs.utils.watermarks import MIN_WATERMARK
from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.view import View, WindowView, view
from studykit.trace.words import count_of, seconds, span

TITLE: Final = "The smallest watermark wins"
QUESTION: Final = "Why is nothing printed?"

_NAMED: Final = 6
"""With more windows than this they have no names; the sentence counts them."""
_CROWD: Final = 30
"""With more events than this the marks are small."""


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw a lane for each input with its events and its watermark, and the common one."""
    shown = view(trace, step)
    names = list(trace.sources)
    figure = style.new_figure(8, 1.35 + 0.75 * (len(names) + 1))
    axes = figure.add_axes((0.10, 0.17, 0.71, 0.72))
    ends = [window.end_ms for window in view(trace, len(trace.steps)).windows]
    last = max([*ends, 1_000]) / 1_000 * 1.02
    axes.set(xlim=(0, last), ylim=(len(names) + 0.6, -0.6))
    axis.along_x(axes, axis.seconds(int(last * 1_000)), title="event time (s)")
    axis.along_y(axes, range(len(names) + 1), names=[*names, "windows"])
    for row, name in enumerate(names):
        _draw_lane(axes, row, name, shown)
    _draw_windows(axes, len(names), shown)
    if shown.watermark_ms > MIN_WATERMARK:
        at = min(shown.watermark_ms / 1_000, last)
        side = "right" if at > last * 0.6 else "left" if at < last * 0.2 else "center"
        axes.axvline(at, color=style.GREEN, lw=2.4, zorder=3, gid=f"watermark:{shown.watermark_ms}")
        axes.annotate(
            f"common watermark {seconds(shown.watermark_ms)}", (at, -0.6), (0, 4),
            textcoords="offset points", ha=side, color=style.DARK_GREEN, annotation_clip=False,
        )  # fmt: skip
    style.legend(
        figure,
        style.verdict_handles({arrival.verdict for arrival in shown.seen}),
        left=0.825,
        bottom=0.045,
    )
    figure.text(0.82, 0.93, f"now = {seconds(shown.now_ms)}", gid="now:label")
    return figure


def _draw_lane(axes: Axes, row: int, name: str, shown: View) -> None:
    """Draw one input: how far its own watermark has come, and its events."""
    own_ms = shown.inputs[name]
    idle = name in shown.idle
    right = axes.get_xlim()[1]
    if own_ms > MIN_WATERMARK:
        axes.add_patch(
            Rectangle(
                (0, row - 0.3), min(max(own_ms / 1_000, 0), right), 0.6,
                facecolor=style.light(style.GREEN), edgecolor=style.GREEN, ls="--",
                hatch="..." if idle else "",
                gid=f"input:{name}:{own_ms}:{'idle' if idle else 'active'}",
            )
        )  # fmt: skip
    words = "idle: left out" if idle else f"W {seconds(own_ms)}"
    axes.annotate(
        words, (1.01, row), xycoords=("axes fraction", "data"), va="center",
        fontweight="bold" if idle else "normal", gid=f"input:{name}:label",
    )  # fmt: skip
    ms = 8 if len(shown.seen) <= _CROWD else 5
    for arrival in shown.seen:
        if arrival.event.source == name:
            look = style.VERDICT_LOOKS[arrival.verdict]
            axes.plot(
                arrival.event.event_ms / 1_000, row, marker=look.marker, color=look.colour, ms=ms,
                ls="", zorder=4, gid=f"event:{arrival.number}:{arrival.verdict}",
            )  # fmt: skip
            if len(shown.seen) <= _CROWD:
                axes.annotate(
                    f"#{arrival.number}", (arrival.event.event_ms / 1_000, row), (0, 6),
                    textcoords="offset points", ha="center", fontsize=7.5, path_effects=style.HALO,
                    zorder=5, gid=f"event:{arrival.number}:label",
                )  # fmt: skip


def _draw_windows(axes: Axes, row: int, shown: View) -> None:
    """Draw the windows below the inputs: each says its results, or that it waits."""
    spans: dict[tuple[int, int], list[WindowView]] = {}
    for window in shown.windows:
        spans.setdefault((window.start_ms, window.end_ms), []).append(window)
    for (start_ms, end_ms), group in spans.items():
        told = [str(window.results[-1].total) for window in group if window.results]
        state = "fired" if told else "open"
        axes.add_patch(
            Rectangle(
                (start_ms / 1_000, row - 0.3), (end_ms - start_ms) / 1_000, 0.6,
                facecolor=style.light(style.SKY), edgecolor=style.EDGE, lw=0.8,
                hatch=style.HATCHES[state], gid=f"window:{start_ms}-{end_ms}:{state}",
            )
        )  # fmt: skip
        words = f"{span(start_ms, end_ms)} {' + '.join(told) if told else 'waits'}"
        if len(spans) <= _NAMED:
            axes.text(
                (start_ms + end_ms) / 2_000, row, words, ha="center", va="center", fontsize=8,
                fontweight="bold" if told else "normal", path_effects=style.HALO, zorder=4,
                gid=f"result:{start_ms}-{end_ms}",
            )  # fmt: skip


def describe(trace: Trace, step: int) -> str:
    """Say which input holds the common watermark, and which is left out."""
    shown = view(trace, step)
    common = seconds(shown.watermark_ms)
    unheard = [name for name, own in shown.inputs.items() if own == MIN_WATERMARK]
    waiting = [name for name in unheard if name not in shown.idle]
    now = f"At {seconds(shown.now_ms)}"
    if waiting:
        silent = _said(waiting, "has", "have")
        return (
            f"{now} {silent} said nothing yet: the common watermark is {common}.{_waiting(shown)}"
        )
    sentence = f"{now} the common watermark is {common}"
    if shown.idle:
        sentence += f"; {_said(sorted(shown.idle), 'is', 'are')} idle and left out"
    return f"{sentence}{_holders(shown)}.{_waiting(shown)}"


def _holders(shown: View) -> str:
    """Say which inputs the common watermark waits for, or cannot go back to."""
    active = {name: own for name, own in shown.inputs.items() if name not in shown.idle}
    behind = [name for name, own in active.items() if own < shown.watermark_ms]
    holding = [name for name, own in active.items() if own == shown.watermark_ms]
    if behind:
        return f"; {_said(behind, 'is', 'are')} behind it, but a watermark never goes back"
    if len(shown.inputs) > 1 and holding:
        return f"; {_said(holding, 'holds', 'hold')} it there"
    return ""


def _waiting(shown: View) -> str:
    """Say how many windows have given a result, and how many wait for the watermark."""
    fired = sum(bool(window.results) for window in shown.windows)
    waiting = sum(not window.results for window in shown.windows)
    return f" {count_of(fired, 'window')} fired, {waiting} waiting." if shown.windows else ""


def _said(names: list[str], singular: str, several: str) -> str:
    """Return names and their verb."""
    *others, last = names
    return f"{', '.join(others)} and {last} {several}" if others else f"{last} {singular}"


def table(trace: Trace, step: int) -> list[Row]:
    """Return the watermark of every input, and the common one."""
    shown = view(trace, step)
    rows: list[Row] = [
        {
            "input": name,
            "watermark": seconds(own_ms),
            "state": "idle" if name in shown.idle else "active",
        }
        for name, own_ms in shown.inputs.items()
    ]
    return [*rows, {"input": "common", "watermark": seconds(shown.watermark_ms), "state": ""}]
