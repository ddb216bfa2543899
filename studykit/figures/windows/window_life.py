"""Figure 3: how long the state of each window lives."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.view import View, WindowView, view
from studykit.trace.words import count_of, seconds

TITLE: Final = "The life of a window"
QUESTION: Final = "When may this state be freed?"

_ROWS: Final = 16
"""Largest number of windows that have a bar of their own; all are counted below."""


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw a bar for each window of each key over processing time, and how many there are."""
    shown = view(trace, step)
    every = view(trace, len(trace.steps)).windows
    windows = every[:_ROWS]
    names = [f"{window.key} {window.name}" for window in windows]
    high = 2.2 + 0.42 * max(len(windows), 2)
    figure = style.new_figure(8, high)
    bars, count = figure.subplots(
        2, 1, height_ratios=[max(len(windows), 2), 1.3], gridspec_kw={"hspace": 0.16}
    )
    left = min(0.03 + 0.01 * max(map(len, names), default=9), 0.4)
    figure.subplots_adjust(left=left, right=0.97, top=1 - 0.27 / high, bottom=0.5 / high)
    last = max((step.now_ms for step in trace.steps), default=1_000) / 1_000 * 1.14
    bars.set(xlim=(0, last), ylim=(len(windows) - 0.4, -0.7))
    axis.along_y(bars, range(len(windows)), names=names)
    some = f"the first {_ROWS} of {len(every)} windows" if len(every) > _ROWS else "every window"
    style.title(bars, f"{some} of each key")
    for row, window in enumerate(shown.windows[:_ROWS]):
        _draw_bar(bars, row, window, shown.now_ms)
    for axes in (bars, count):
        axes.axvline(shown.now_ms / 1_000, color=style.NOW, ls="--", lw=0.9, gid="now")
    _draw_count(count, trace, shown)
    count.set_xlim(0, last)
    places = axis.seconds(int(last * 1_000))
    axis.along_x(bars, places, names=[""] * len(places))
    axis.along_x(count, places, title="processing time (s)")
    style.legend(
        figure,
        style.window_handles({state for window in shown.windows for _, state in window.history})[
            :3
        ],
        left=0.53,
        bottom=1 - 0.12 / high,
        across=0.16,
    )
    return figure


def _draw_bar(axes: Axes, row: int, window: WindowView, now_ms: int) -> None:
    """Draw one window: a stretch for each state that it has been in."""
    until_ms = window.gone_ms if window.gone_ms is not None else now_ms
    changes = [stage for stage in window.history if stage[1] != "purged"]
    for number, (start_ms, state) in enumerate(changes):
        end_ms = changes[number + 1][0] if number + 1 < len(changes) else until_ms
        axes.add_patch(
            Rectangle(
                (start_ms / 1_000, row - 0.31), (end_ms - start_ms) / 1_000, 0.62,
                facecolor=style.light(style.SKY), edgecolor=style.EDGE, lw=0.8,
                hatch=style.HATCHES[state],
                gid=f"window:{window.key}:{window.start_ms}-{window.end_ms}:{state}",
            )
        )  # fmt: skip
    for result in window.results:
        axes.annotate(
            str(result.total), (result.now_ms / 1_000, row), (3, 0), textcoords="offset points",
            va="center", fontweight="bold", path_effects=style.HALO,
            gid=f"result:{window.key}:{window.start_ms}-{window.end_ms}:{result.revision}",
        )  # fmt: skip
    if window.gone_ms is not None:
        beside = window.results[-1:] if window.gone_ms == _last_told(window) else []
        away = 4 + sum(5 + 6 * len(str(result.total)) for result in beside)
        axes.annotate(
            window.state, (window.gone_ms / 1_000, row), (away, 0), textcoords="offset points",
            va="center", color=style.EDGE, path_effects=style.HALO,
            gid=f"{window.state}:{window.key}:{window.start_ms}-{window.end_ms}",
        )  # fmt: skip


def _last_told(window: WindowView) -> int | None:
    return window.results[-1].now_ms if window.results else None


def _draw_count(axes: Axes, trace: Trace, shown: View) -> None:
    """Draw the number of windows that hold state, over time."""
    times = [0.0]
    counts = [0]
    for now_ms, live in live_counts(shown):
        times += [now_ms / 1_000] * 2
        counts += [counts[-1], live]
    axes.plot(
        [*times, shown.now_ms / 1_000], [*counts, counts[-1]], color=style.BLACK, lw=1.4,
        gid=f"live:{counts[-1]}",
    )  # fmt: skip
    axes.set_ylim(0, view(trace, len(trace.steps)).peak[0] + 0.6)
    axis.along_y(axes, axis.round_numbers(axes.get_ylim(), 4, whole=True), title="windows held")


def live_counts(shown: View) -> list[tuple[int, int]]:
    """Return how many windows held state from which processing time on."""
    moves: dict[int, int] = {}
    for window in shown.windows:
        moves[window.opened_ms] = moves.get(window.opened_ms, 0) + 1
        if window.gone_ms is not None:
            moves[window.gone_ms] = moves.get(window.gone_ms, 0) - 1
    counts: list[tuple[int, int]] = []
    live = 0
    for now_ms in sorted(moves):
        live += moves[now_ms]
        counts.append((now_ms, live))
    return counts


def describe(trace: Trace, step: int) -> str:
    """Say how much state there is, and when the first of it went."""
    shown = view(trace, step)
    if not shown.windows:
        return "There is no window yet, so there is no state."
    peak, peak_ms = shown.peak
    sentence = f"State peaks at {count_of(peak, 'window')} at {seconds(peak_ms)}"
    purged = [window for window in shown.windows if window.state == "purged"]
    if not purged:
        return f"{sentence}; nothing is purged yet."
    first = min(purged, key=lambda window: window.gone_ms or 0)
    return f"{sentence}; {first.name} is purged at {seconds(first.gone_ms or 0)}."


def table(trace: Trace, step: int) -> list[Row]:
    """Return every window so far with its times."""
    return [
        {
            "key": window.key,
            "window": window.name,
            "state": window.state,
            "opened": seconds(window.opened_ms),
            "results": ", ".join(
                f"{result.total} at {seconds(result.now_ms)}" for result in window.results
            ),
            "gone": "" if window.gone_ms is None else seconds(window.gone_ms),
        }
        for window in view(trace, step).windows
    ]
