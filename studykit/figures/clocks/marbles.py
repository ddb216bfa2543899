"""Figure 4: streams as marbles on lanes, and what comes out of them."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.marbles import MarbleError, aligned
from studykit.trace.steps import Trace
from studykit.trace.view import View, view
from studykit.trace.words import firings, seconds, span, verdicts

TITLE: Final = "Marbles"
QUESTION: Final = "Which single move makes this event late?"

_TOLD: Final = 2
"""Largest number of results of one moment that are written out."""


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw a lane for each key, the ticks of the watermark, and a lane of results."""
    shown = view(trace, step)
    keys = sorted({event.key for event in trace.events})
    figure = style.new_figure(8, 2.0 + 0.62 * len(keys))
    axes = figure.add_axes((0.11, 0.28, 0.86, 0.70))
    last = max((step.now_ms for step in trace.steps), default=1_000) / 1_000 * 1.06
    axes.set(xlim=(0, last), ylim=(len(keys) + 1.7, -0.6))
    axis.along_x(axes, axis.seconds(int(last * 1_000)), title="processing time (s)")
    axis.along_y(axes, range(len(keys) + 2), names=[*keys, "watermark", "results"])
    axes.hlines(range(len(keys)), 0, last, color=style.GREY, lw=0.8, zorder=0)
    _draw_marbles(axes, keys, shown)
    _draw_ticks(axes, len(keys), shown)
    _draw_results(axes, len(keys) + 1, shown, keyed=trace.policy.keyed)
    figure.text(0.02, 0.02, _lines(trace, step), family="DejaVu Sans Mono", fontsize=8, gid="text")
    return figure


def _draw_marbles(axes: Axes, keys: list[str], shown: View) -> None:
    """Draw each event when it arrived, with its number and the time at which it happened."""
    for arrival in shown.seen:
        look = style.VERDICT_LOOKS[arrival.verdict]
        at = arrival.event.arrival_ms / 1_000, keys.index(arrival.event.key)
        axes.plot(
            *at, marker=look.marker, color=look.colour, ms=9, ls="",
            gid=f"event:{arrival.number}:{arrival.verdict}",
        )  # fmt: skip
        axes.annotate(
            f"#{arrival.number}{style.BAD_NEWS.get(arrival.verdict, '')}\n"
            f"{seconds(arrival.event.event_ms)}",
            at, (0, 6), textcoords="offset points", ha="center", fontsize=7.5,
        )  # fmt: skip


def _draw_ticks(axes: Axes, y: int, shown: View) -> None:
    """Draw a tick where the watermark moved, with where it moved to."""
    for mark in shown.path:
        if mark.watermark_ms >= 0:
            axes.plot(mark.now_ms / 1_000, y, "|", color=style.GREEN, ms=14, mew=2.4)
            axes.annotate(
                f"W {mark.watermark_ms / 1_000:g}", (mark.now_ms / 1_000, y), (0, 9),
                textcoords="offset points", ha="center", fontsize=7.5, color=style.DARK_GREEN,
                gid=f"tick:{mark.watermark_ms}",
            )  # fmt: skip


def _draw_results(axes: Axes, y: int, shown: View, *, keyed: bool) -> None:
    """Draw each firing when it happened; those of one moment share a label."""
    told: dict[float, list[str]] = {}
    for window in shown.windows:
        for result in window.results:
            at = result.now_ms / 1_000
            axes.plot(
                at, y, "s", color=style.SKY, mec=style.EDGE, ms=10,
                gid=f"result:{window.key}:{window.start_ms}-{window.end_ms}:{result.revision}",
            )  # fmt: skip
            name = f"{window.key} " if keyed else ""
            told.setdefault(at, []).append(f"{name}{window.name}={result.total}")
    for number, (at, words) in enumerate(sorted(told.items())):
        above = number % 2 == 0  # so that two in a row do not collide
        axes.annotate(
            "\n".join(words) if len(words) <= _TOLD else f"{len(words)} results", (at, y),
            (0, 7 if above else -7), textcoords="offset points", ha="center",
            va="bottom" if above else "top", fontsize=7.5, fontweight="bold",
            path_effects=style.HALO, gid=f"results:{round(at * 1_000)}",
        )  # fmt: skip


def _lines(trace: Trace, step: int) -> str:
    """Return the stream and its outcome as text, as far as they have come."""
    events = tuple(arrival.event for arrival in view(trace, step).seen)
    so_far = Trace(trace.policy, trace.sources, events, trace.steps[:step])
    try:
        came, went = aligned(so_far)
    except MarbleError:
        return "(times are not whole seconds: no line of text)"
    return f"in   {came}\nout  {went}"


def describe(trace: Trace, step: int) -> str:
    """Say what came in and what came out."""
    shown = view(trace, step)
    if not shown.seen:
        return "Nothing has arrived yet."
    told = [firings(window, keyed=trace.policy.keyed) for window in shown.windows if window.results]
    out = "; ".join(told[-4:]) if told else "no result yet"
    return f"By {seconds(shown.now_ms)}: {verdicts(shown)}; {out}."


def table(trace: Trace, step: int) -> list[Row]:
    """Return what came in and what came out, in order."""
    rows: list[Row] = []
    for done in trace.steps[:step]:
        if done.event and done.kind == "arrival":
            what = f"{done.event.key} of {seconds(done.event.event_ms)}: {done.verdict}"
            rows.append({"at": seconds(done.now_ms), "in": what, "out": ""})
        for change in done.changes:
            if change.kind in ("fired", "re-fired"):
                told = f"{span(change.start_ms, change.end_ms)}={change.total}"
                rows.append({"at": seconds(done.now_ms), "in": "", "out": told})
    return rows
