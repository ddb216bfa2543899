"""Figure 11: the same events under two policies, on one axis of processing time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.comparison import Comparison
from studykit.trace.steps import Trace
from studykit.trace.view import View, view
from studykit.trace.words import count_of, firings, seconds, verdicts

TITLE: Final = "Two policies, one axis"
QUESTION: Final = "Which policy tells first, and which tells the truth?"

_ROWS: Final = 1.9
"""Height of a policy's lane: its events above, its results below."""
_CROWD: Final = 30
"""With more events than this only those that are not on time are drawn."""
_NAMED: Final = 8
"""With more results than this in a lane only their marks are drawn."""


def _shown(comparison: Comparison, step: int) -> Iterator[tuple[str, View, Trace]]:
    """Yield each policy with what its run looks like at the moment of `step`; 0 is before all."""
    now_ms = comparison.moments[step - 1] if step else -1
    for name, trace in zip(comparison.names, comparison.traces, strict=True):
        yield name, view(trace, trace.step_at(now_ms) if step else 0), trace


@style.styled
def draw(comparison: Comparison, step: int) -> Figure:
    """Draw a lane for each policy: its events where they arrive, its results where they fire."""
    lanes = list(_shown(comparison, step))
    figure = style.new_figure(8, 1.0 + 1.1 * len(lanes))
    axes = figure.add_axes((0.20, 0.44 / (1.0 + 1.1 * len(lanes)) + 0.05, 0.62, 0.78))
    last = comparison.moments[-1] / 1_000 * 1.06
    axes.set(xlim=(0, last), ylim=(_ROWS * len(lanes) - 0.5, -0.75))
    axis.along_x(axes, axis.seconds(int(last * 1_000)), title="processing time (s)")
    axis.along_y(axes, [_ROWS * row + 0.35 for row in range(len(lanes))], names=comparison.names)
    met = set()
    for row, (name, shown, trace) in enumerate(lanes):
        _draw_events(axes, _ROWS * row, name, shown)
        _draw_results(axes, _ROWS * row + 0.7, name, shown, keyed=trace.policy.keyed)
        met |= {arrival.verdict for arrival in shown.seen}
    if step:
        axes.axvline(comparison.moments[step - 1] / 1_000, color=style.NOW, ls="--", lw=0.9)
    style.legend(figure, style.verdict_handles(met), left=0.835, bottom=0.25)
    return figure


def _draw_events(axes: Axes, y: float, name: str, shown: View) -> None:
    crowded = len(shown.seen) > _CROWD
    for arrival in shown.seen:
        look = style.VERDICT_LOOKS[arrival.verdict]
        if crowded and arrival.verdict == "on time":
            continue
        at = arrival.event.arrival_ms / 1_000, y
        style.line(
            axes, at[:1], at[1:], marker=look.marker, color=look.colour, ms=7, ls="", zorder=4,
            gid=f"event:{name}:{arrival.number}:{arrival.verdict}",
        )  # fmt: skip
        if not crowded:
            axes.annotate(
                f"#{arrival.number}", at, (0, 6), textcoords="offset points", ha="center",
                fontsize=7.5,
            )  # fmt: skip


def _draw_results(axes: Axes, y: float, name: str, shown: View, *, keyed: bool) -> None:
    results = [(result, window) for window in shown.windows for result in window.results]
    for number, (result, window) in enumerate(results):
        at = result.now_ms / 1_000, y
        style.line(
            axes, at[:1], at[1:], marker="s", color=style.SKY, mec=style.EDGE, ms=8, ls="",
            gid=f"result:{name}:{window.key}:{window.start_ms}-{window.end_ms}:{result.revision}",
        )  # fmt: skip
        key = f"{window.key} " if keyed else ""
        if len(results) <= _NAMED:
            right = at[0] > axes.get_xlim()[1] * 0.75
            axes.annotate(
                f"{key}{window.name}={result.total}", at, 
                (-7 if right else 0, -8 - 10 * (number % 2)),
                textcoords="offset points", ha="center", va="top", fontsize=7.5,
                fontweight="bold", path_effects=style.HALO,
            )  # fmt: skip


def describe(comparison: Comparison, step: int) -> str:
    """Say for each policy what became of the events, and what its windows have told."""
    if not step:
        return "Nothing has arrived yet."
    parts = [f"At {seconds(comparison.moments[step - 1])}"]
    for name, shown, trace in _shown(comparison, step):
        fired = [window for window in shown.windows if window.results]
        first_ms = min((window.results[0].now_ms for window in fired), default=None)
        told = "no result yet"
        if first_ms is not None:
            told = f"first result at {seconds(first_ms)}"
            last = firings(fired[-1], keyed=trace.policy.keyed)
            told += f", {count_of(len(fired), 'window')} told; {last}"
        parts.append(f"{name}: {verdicts(shown)}; {told}")
    return ". ".join(parts) + "."


def table(comparison: Comparison, step: int) -> list[Row]:
    """Return every result of every policy, with the moment at which it was told."""
    return [
        {
            "policy": name,
            "key": window.key,
            "window": window.name,
            "revision": result.revision,
            "total": result.total,
            "told at": seconds(result.now_ms),
        }
        for name, shown, _ in _shown(comparison, step)
        for window in shown.windows
        for result in window.results
    ]
