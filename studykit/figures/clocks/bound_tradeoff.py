"""Figure 6: what a bound keeps, and what it costs."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.view import view
from studykit.trace.words import seconds

TITLE: Final = "Completeness against delay"
QUESTION: Final = "Which bound keeps 99 %?"


def lags(trace: Trace, step: int) -> list[int]:
    """Return how far each event was behind the newest event time so far, in milliseconds.

    This lag is what a bound has to cover. The delay of an event says nothing of it: where every
    event arrives an hour after it happened, no event is out of order.
    """
    times = [arrival.event.event_ms for arrival in view(trace, step).seen]
    newest = list(accumulate(times, max))
    return [high - at for high, at in zip(newest, times, strict=True)]


def kept_share(lags_ms: list[int], bound_ms: int) -> float:
    """Return the share of events, from 0 to 1, that a bound keeps ahead of the watermark."""
    return sum(lag <= bound_ms for lag in lags_ms) / len(lags_ms) if lags_ms else 1.0


def smallest_bound(lags_ms: list[int], share: float) -> int:
    """Return the smallest bound, in milliseconds, that keeps at least `share` of the events."""
    ordered = sorted(lags_ms)
    needed = -(-share * len(ordered) // 1)  # rounded up
    return ordered[max(int(needed) - 1, 0)] if ordered else 0


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw how far events lag, where the bound lies, and the share that each bound would keep."""
    behind = lags(trace, step)
    bound_ms = trace.policy.bound_ms
    last_ms = max([*lags(trace, len(trace.steps)), bound_ms, 1_000])
    figure = style.new_figure(8, 4.2)
    counts, share = figure.subplots(2, 1, height_ratios=[1, 1.3])
    figure.subplots_adjust(left=0.10, right=0.97, top=0.94, bottom=0.12, hspace=0.16)
    edges = [last_ms / 1_000 * 1.05 * part / 30 for part in range(31)]
    heights = _counts([lag / 1_000 for lag in behind], edges)
    counts.stairs(heights, edges, fill=True, facecolor=style.SKY, edgecolor=style.EDGE, lw=0.8)
    style.title(counts, "how far each event is behind the newest one before it")
    if behind:
        _draw_share(share, behind, bound_ms, last_ms)
    else:  # of no events no share can be told
        counts.set_ylim(0, 1)
        share.set_ylim(0, 100.8)
    places = axis.round_numbers((0, edges[-1]), 6)
    axis.along_x(counts, places, names=[""] * len(places))
    axis.along_y(counts, axis.round_numbers(counts.get_ylim(), 3, whole=True), title="events")
    axis.along_x(share, places, title="bound (s) = delay of every result")
    axis.along_y(share, axis.round_numbers(share.get_ylim(), 5), title="kept (%)")
    for axes in (counts, share):
        axes.set_xlim(0, edges[-1])
        axes.axvline(bound_ms / 1_000, color=style.GREEN, lw=2.4, gid=f"bound:{bound_ms}")
    return figure


def _counts(numbers: list[float], edges: list[float]) -> list[int]:
    """Return how many numbers lie in each stretch, which holds its lower edge; none lies outside.

    >>> _counts([0, 0.5, 1, 3], [0, 1, 2, 4])
    [2, 1, 1]
    """
    ordered = sorted(numbers)
    below = [bisect_left(ordered, edge) for edge in edges]
    return [upper - lower for lower, upper in pairwise(below)]


def _draw_share(axes: Axes, behind: list[int], bound_ms: int, last_ms: int) -> None:
    """Draw the share that each bound would keep, and what this one does."""
    bounds = sorted({0, *behind, int(last_ms * 1.05)})
    axes.step(
        [choice_ms / 1_000 for choice_ms in bounds],
        [100 * kept_share(behind, choice_ms) for choice_ms in bounds],
        where="post", color=style.BLUE, lw=1.6, gid="kept",
    )  # fmt: skip
    percent = 100 * kept_share(behind, bound_ms)
    axes.set_ylim(None, 100.8)
    low, top = axes.get_ylim()
    high = percent - low > (top - low) / 4
    # The curve rises: below it to the right, and above it to the left, there is nothing to cover.
    left = bound_ms > last_ms * (0.8 if high else 0.2)
    axes.annotate(
        f"bound {seconds(bound_ms)}\nkeeps {percent:.1f} %", (bound_ms / 1_000, percent),
        (-7 if left else 7, -8 if high else 6), textcoords="offset points",
        va="top" if high else "bottom", ha="right" if left else "left",
        color=style.DARK_GREEN, path_effects=style.HALO, gid=f"kept:{percent:.1f}",
    )  # fmt: skip


def describe(trace: Trace, step: int) -> str:
    """Say what the bound keeps and costs, and what 99 % would cost."""
    behind = lags(trace, step)
    if not behind:
        return "Nothing has arrived yet."
    bound_ms = trace.policy.bound_ms
    return (
        f"Bound {seconds(bound_ms)} keeps {100 * kept_share(behind, bound_ms):.1f} % ahead of the "
        f"watermark and delays every result by {seconds(bound_ms)}. "
        f"The smallest bound that keeps 99 % is {seconds(smallest_bound(behind, 0.99))}; "
        f"keeping all takes {seconds(smallest_bound(behind, 1.0))}."
    )


def table(trace: Trace, step: int) -> list[Row]:
    """Return the bound that each share of kept events would need."""
    behind = lags(trace, step)
    return [
        {"kept": f"{share:g} %", "bound": seconds(smallest_bound(behind, share / 100))}
        for share in (50, 90, 95, 99, 99.9, 100)
    ]
