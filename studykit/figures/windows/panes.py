"""Figure 9: three ways to correct a result that has been given already."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.view import WindowView, view

TITLE: Final = "Discard, accumulate, retract"
QUESTION: Final = "Which mode breaks a sink that adds up what it gets?"

Mode: TypeAlias = Literal["discarding", "accumulating", "retracting"]
MODES: Final[tuple[Mode, ...]] = ("discarding", "accumulating", "retracting")


class Emission(NamedTuple):
    """A value that the firing of a revision sends to the sink."""

    revision: int
    value: int


def emissions(window: WindowView, mode: Mode) -> list[Emission]:
    """Return the values that the firings of a window send to a sink, in order.

    A discarding window sends what has come since the firing before. An accumulating window sends
    all that it has. A retracting window takes back its last value, and then sends all that it has.
    """
    sent: list[Emission] = []
    before = 0
    for result in window.results:
        if mode == "discarding":
            sent.append(Emission(result.revision, result.total - before))
        else:
            if mode == "retracting" and result.revision:
                sent.append(Emission(result.revision, -before))
            sent.append(Emission(result.revision, result.total))
        before = result.total
    return sent


def subject(trace: Trace, step: int) -> WindowView | None:
    """Return the window that the figure shows, as it is after `step` steps.

    It is the window that fires most often in the whole trace, the earliest of several.
    """
    fired = [window for window in view(trace, len(trace.steps)).windows if window.results]
    if not fired:
        return None
    chosen = max(fired, key=lambda window: len(window.results))
    return next(
        (
            window
            for window in view(trace, step).windows
            if (window.key, window.start_ms, window.end_ms)
            == (chosen.key, chosen.start_ms, chosen.end_ms)
        ),
        None,
    )


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw, for each mode, a bar for each value sent, and what a summing sink makes of them."""
    figure = style.new_figure(8, 3.2)
    axes = figure.add_axes((0.08, 0.13, 0.90, 0.76))
    window = subject(trace, step)
    final = subject(trace, len(trace.steps))
    wide = max(len(emissions(final, "retracting")) if final else 0, 3) + 0.6
    top = sum(emission.value for emission in emissions(final, "accumulating")) if final else 1
    axes.set(xlim=(-0.7, wide * 3 - 0.8), ylim=(-top * 0.62, top * 1.15))
    axis.along_x(axes, [])
    axes.spines["bottom"].set_visible(False)
    places = axis.round_numbers(axes.get_ylim(), 5, whole=True)
    axis.along_y(axes, places, title="value sent")
    axes.axhline(0, color=style.EDGE, lw=0.8)
    for number, mode in enumerate(MODES):
        sent = emissions(window, mode) if window else []
        _draw_mode(axes, mode, sent, number * wide)
    name = final.name if final else "no window has fired"
    figure.text(0.98, 0.02, f"window: {name}", ha="right", gid=f"window:{name}")
    return figure


def _draw_mode(axes: Axes, mode: Mode, sent: list[Emission], left: float) -> None:
    """Draw what one mode sends, from `left` on."""
    total = sum(emission.value for emission in sent)
    place = axes.get_xaxis_transform()
    axes.text(left - 0.4, 1.03, mode, fontweight="bold", transform=place)
    axes.text(
        left - 0.4, 0.95, f"sum at the sink: {total}", va="top", transform=place,
        bbox={"facecolor": "white", "edgecolor": style.EDGE, "pad": 3}, gid=f"sum:{mode}:{total}",
    )  # fmt: skip
    for number, emission in enumerate(sent):
        colour = style.VERMILLION if emission.value < 0 else style.BLUE
        axes.add_patch(
            Rectangle(
                (left + number - 0.35, 0), 0.7, emission.value,
                facecolor=colour, edgecolor=style.BLACK, lw=0.8, zorder=2,
                hatch="//" if emission.value < 0 else "",
                gid=f"sent:{mode}:{number}:{emission.value}",
            )
        )  # fmt: skip
        label, above = f"{emission.value:+d}\nfiring {emission.revision + 1}", emission.value < 0
        axes.annotate(
            label, (left + number, 0), (0, 3 if above else -3), textcoords="offset points",
            ha="center", va="bottom" if above else "top", fontsize=8,
        )  # fmt: skip


def describe(trace: Trace, step: int) -> str:
    """Say what a summing sink has, for each mode."""
    window = subject(trace, step)
    if window is None or not window.results:
        return "No window has fired yet."
    words = []
    for mode in MODES:
        values = [emission.value for emission in emissions(window, mode)]
        sums = "".join(f"{value:+d}" for value in values).lstrip("+")
        twice = ", counted twice" if sum(values) != window.results[-1].total else ""
        words.append(f"{mode} {sum(values)} ({sums}{twice})")
    return f"Sum for {window.name} at the sink: {', '.join(words)}."


def table(trace: Trace, step: int) -> list[Row]:
    """Return every value sent, and the running sum, for each mode."""
    window = subject(trace, step)
    rows: list[Row] = []
    for mode in MODES:
        total = 0
        for emission in emissions(window, mode) if window else []:
            total += emission.value
            rows.append(
                {
                    "mode": mode,
                    "firing": emission.revision + 1,
                    "sent": emission.value,
                    "sum": total,
                }
            )
    return rows
