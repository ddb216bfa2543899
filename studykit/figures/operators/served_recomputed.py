"""Figure 16: a feature as it was served, against the same feature computed from the whole log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.operators.serving import FeatureReading, Serving, Skew
from studykit.trace.words import seconds

TITLE: Final = "Served and recomputed"
QUESTION: Final = "Did the model see what it was trained on?"

_CAUSES: Final = {
    "late": ("late", "in no row at all"),
    "ttl": ("TTL", "the row expired, or outlived its window"),
    "revision": ("revision", "corrected after the reader"),
    "race": ("race", "the reader came before the row"),
}


@style.styled
def draw(trace: Serving, step: int) -> Figure:
    """Draw both values up to a moment with the gap between them, and the payments below."""
    figure = style.new_figure(8, 4.5)
    values = figure.add_axes((0.1, 0.44, 0.87, 0.42))
    below = figure.add_axes((0.1, 0.13, 0.87, 0.18))
    last = max((reading.at_ms for reading in trace.readings), default=0) / 1_000 + 1
    most = max((max(read.served, read.recomputed) for read in trace.readings), default=0) + 1
    values.set(xlim=(0, last), ylim=(0, most))
    below.set(xlim=(0, last), ylim=(-0.6, 1.8))
    shown = trace.readings[:step]
    if shown:
        _draw_values(values, shown)
        _draw_now(values, shown[-1], most)
    _draw_payments(below, trace, shown[-1].at_ms if shown else -1)
    ends = range(0, int(last) + 1, trace.slide_ms // 1_000 * 2)  # every second window's
    axis.along_x(values, ends)
    axis.along_y(values, axis.round_numbers((0, most), 6, whole=True), title="payments counted")
    axis.along_x(below, ends, title="time (s)")
    axis.along_y(below, [0, 1], names=["happened", "arrived"])
    _draw_legend(figure)
    return figure


def _draw_values(axes: Axes, shown: Sequence[FeatureReading]) -> None:
    """Draw two stairs and shade what lies between them."""
    times = [reading.at_ms / 1_000 for reading in shown]
    served = [reading.served for reading in shown]
    right = [reading.recomputed for reading in shown]
    axes.fill_between(
        times, served, right, step="post", facecolor=style.light(style.VERMILLION), hatch="//",
        edgecolor=style.VERMILLION, linewidth=0, gid="gap",
    )  # fmt: skip
    for values, colour, look, name in (
        (right, style.GREY, ":", "recomputed"),
        (served, style.BLUE, "-", "served"),
    ):
        style.line(
            axes, times, values, color=colour, ls=look, lw=2.2, drawstyle="steps-post",
            clip_on=False, gid=f"{name}:{values[-1]}",
        )  # fmt: skip


def _draw_now(axes: Axes, reading: FeatureReading, most: int) -> None:
    """Draw the moment of reading, and both values there."""
    at = reading.at_ms / 1_000
    style.line(axes, [at, at], [0, most], color=style.NOW, ls="--", lw=1, gid=f"now:{at:g}")
    is_far = at > axes.get_xlim()[1] * 0.7
    axes.annotate(
        f"read at {seconds(reading.at_ms)}: served {reading.served}, "
        f"recomputed {reading.recomputed}",
        (at, most), (-4 if is_far else 4, -9), textcoords="offset points",
        ha="right" if is_far else "left", path_effects=style.HALO, annotation_clip=False,
    )  # fmt: skip


def _draw_payments(axes: Axes, trace: Serving, now_ms: int) -> None:
    """Draw each payment that has happened, filled once it has arrived, and its way to the log."""
    on_the_way = [
        number
        for number, payment in enumerate(trace.payments, start=1)
        if payment.event_ms <= now_ms < payment.arrives_ms
    ]
    for number, payment in enumerate(trace.payments, start=1):
        happened, arrived = payment.event_ms / 1_000, payment.arrives_ms / 1_000
        if number in on_the_way:
            style.line(
                axes, [happened], [0], ls="", marker="o", ms=6, color=style.BLUE, mfc="white",
                gid=f"on the way:{number}",
            )  # fmt: skip
            side = "left" if number == on_the_way[-1] else "right"
            _draw_number(axes, number, (happened, 0), side)
        if payment.arrives_ms > now_ms:
            continue
        style.line(axes, [happened, arrived], [0, 1], color=style.GREY, lw=0.8)
        style.line(
            axes, [happened], [0], ls="", marker="o", ms=6, color=style.BLUE,
            gid=f"payment:{number}",
        )  # fmt: skip
        style.line(axes, [arrived], [1], ls="", marker=6, ms=6, color=style.BLACK)
        _draw_number(axes, number, (arrived, 1), "center")


def _draw_number(axes: Axes, number: int, place: tuple[float, float], side: str) -> None:
    axes.annotate(
        f"#{number}", place, (0, 5), textcoords="offset points", ha=side, annotation_clip=False
    )


def _draw_legend(figure: Figure) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=style.BLUE, lw=2.2, label="served"),
        Line2D([], [], color=style.GREY, lw=2.2, ls=":", label="recomputed from the whole log"),
        Patch(
            facecolor=style.light(style.VERMILLION), edgecolor=style.VERMILLION, hatch="////",
            label="gap",
        ),
    ]  # fmt: skip
    for handle, left in zip(handles, (0.1, 0.24, 0.56), strict=True):
        style.legend(figure, [handle], left, 0.94)


def describe(trace: Serving, step: int) -> str:
    """Say what is served, what is recomputed, and where the gap comes from."""
    if not step:
        return "Nothing has been read."
    reading = trace.readings[step - 1]
    row = reading.row
    held = f"the row of the window that ends at {seconds(row.window_end)}" if row else "no row"
    told = (
        f"At {seconds(reading.at_ms)} the store holds {held} and serves {reading.served}; "
        f"recomputed for the window that ends at {seconds(reading.window_end)} it is "
        f"{reading.recomputed}."
    )
    return f"{told} {_said(reading.skew, reading.gap)}"


def _said(skew: Skew, gap: int) -> str:
    """Say of which causes a gap is made."""
    parts = [
        f"{_CAUSES[name][0]} {part:+d}, {_CAUSES[name][1]}"
        for name, part in skew._asdict().items()
        if part
    ]
    if not parts:
        return "They agree."
    return f"The gap is {gap:+d}: {'; '.join(parts)}."


def happened(trace: Serving, step: int) -> str:
    """Say what has changed since the moment before."""
    if not step:
        return "Nothing has arrived yet."
    now = trace.readings[step - 1]
    before = trace.readings[step - 2] if step > 1 else None
    said = [
        f"#{number} arrives"
        for number, payment in enumerate(trace.payments, start=1)
        if payment.arrives_ms == now.at_ms
    ]
    if before and before.row != now.row:
        said.append("a row is written" if now.row else "the row expires")
    if before and before.window_end != now.window_end:
        said.append(f"the window that ends at {seconds(now.window_end)} is over")
    return f"{seconds(now.at_ms)}: {', '.join(said) or 'the story begins'}."


def table(trace: Serving, step: int) -> list[Row]:
    """Return both values at every moment so far, with the parts of the gap."""
    return [
        {
            "read at": seconds(reading.at_ms),
            "served": reading.served,
            "recomputed": reading.recomputed,
            **reading.skew._asdict(),
        }
        for reading in trace.readings[:step]
    ]
