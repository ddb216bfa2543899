"""Figure 5: the same events in tumbling, sliding, session and global windows."""

from __future__ import annotations

from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from msgspec.structs import replace

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.simulate import simulate
from studykit.trace.steps import Event, Policy, Trace
from studykit.trace.view import WindowView, view
from studykit.trace.words import count_of, seconds, span

TITLE: Final = "Four ways to cut time"
QUESTION: Final = "Which event joins two sessions?"

_FOREVER_MS: Final = 10**12
_GAP_MS: Final = 4_000
_CROWD: Final = 30
"""With more events than this they have no numbers."""
_LAYER: Final = 0.55
"""Distance between brackets that overlap."""


class AssignerRow(NamedTuple):
    """One row of the figure: an assigner, and the windows that the events so far are in."""

    name: str
    windows: list[WindowView]
    fused: list[WindowView]
    """Sessions that the newest event has made part of another."""


def assigned(trace: Trace, step: int) -> list[AssignerRow]:
    """Return the windows of the events so far, one row an assigner; the engine assigns them.

    Size, slide and gap are those of the policy. A policy without a slide is shown with half its
    size, one without a gap with 4 s. No event is late here: to assign windows needs no watermark.
    """
    policy = trace.policy
    slide_ms = policy.slide_ms if policy.slide_ms not in (None, policy.size_ms) else None
    half_ms = policy.size_ms // 2 if policy.size_ms % 2 == 0 else policy.size_ms
    patient = Policy(bound_ms=_FOREVER_MS, size_ms=policy.size_ms, keyed=policy.keyed)
    gap_ms = policy.gap_ms or _GAP_MS
    return [
        _row("tumbling", trace, step, patient),
        _row("sliding", trace, step, replace(patient, slide_ms=slide_ms or half_ms)),
        _row("session", trace, step, replace(patient, gap_ms=gap_ms)),
    ]


def _row(name: str, trace: Trace, step: int, policy: Policy) -> AssignerRow:
    events = [arrival.event for arrival in view(trace, step).seen]
    if not events:
        return AssignerRow(name, [], [])
    patient = simulate(events, policy)
    windows = view(patient, len(patient.steps)).windows
    newest_ms = events[-1].arrival_ms
    live = sorted((window for window in windows if window.live), key=lambda window: window.start_ms)
    parts = [
        window for window in windows if window.state == "merged" and window.gone_ms == newest_ms
    ]
    return AssignerRow(name, live, parts)


def _holds(window: WindowView, event: Event, *, keyed: bool) -> bool:
    inside = window.start_ms <= event.event_ms < window.end_ms
    return inside and (not keyed or window.key == event.key)


@style.styled
def draw(trace: Trace, step: int) -> Figure:
    """Draw a row of brackets for each assigner; those of the newest event are heavy."""
    rows = assigned(trace, step)
    events = [arrival.event for arrival in view(trace, step).seen]
    places = _places(trace)
    figure = style.new_figure(8, 0.9 + 0.55 * places[-1])
    axes = figure.add_axes((0.10, 0.13, 0.87, 0.84))
    right = _right_end(trace)
    axes.set(xlim=(-trace.policy.size_ms / 2_000 - 0.4, right), ylim=(places[-1] + 0.7, -0.85))
    axis.along_x(axes, axis.seconds(int(right * 1_000)), title="event time (s)")
    axis.along_y(axes, places, names=["events", *(row.name for row in rows), "global"])
    _draw_events(axes, events)
    for y, row in zip(places[1:], rows, strict=False):
        _draw_row(axes, y, row, events[-1] if events else None, keyed=trace.policy.keyed)
    if events:
        _draw_global(axes, places[-1])
    return figure


def _places(trace: Trace) -> list[float]:
    """Return where each row stands, so that the brackets of the whole trace find room."""
    places = [0.0, 1.0]
    for row in assigned(trace, len(trace.steps)):
        layers = 1 + max((layer for _, layer in _layers(row.windows)), default=0)
        layers += row.name == "session"  # room for those that become one
        places.append(places[-1] + 0.6 + _LAYER * layers)
    return places


def _right_end(trace: Trace) -> float:
    """Return where the event-time axis ends, in seconds: after the last window."""
    last_ms = max((event.event_ms for event in trace.events), default=0)
    return (last_ms + max(trace.policy.gap_ms or _GAP_MS, trace.policy.size_ms)) / 1_000


def _draw_events(axes: Axes, events: list[Event]) -> None:
    for number, event in enumerate(events, 1):
        newest = number == len(events)
        axes.plot(
            event.event_ms / 1_000, 0, marker="D" if newest else "o", color=style.BLUE, ls="",
            ms=10 if newest else 7, gid=f"event:{number}{':newest' if newest else ''}",
        )  # fmt: skip
        if len(events) <= _CROWD:
            axes.annotate(
                f"#{number}", (event.event_ms / 1_000, 0), (0, 9 if newest else 7),
                textcoords="offset points", ha="center", fontsize=8, path_effects=style.HALO,
                gid=f"event:{number}:label",
            )  # fmt: skip
    if events:
        axes.axvline(events[-1].event_ms / 1_000, color=style.BLUE, ls=":", lw=1, zorder=0)


def _draw_global(axes: Axes, y: float) -> None:
    axes.annotate(
        "", (axes.get_xlim()[1], y), (axes.get_xlim()[0], y),
        arrowprops={"arrowstyle": "<->", "color": style.EDGE, "lw": 2},
        gid="global:one window without end",
    )  # fmt: skip
    axes.text(
        0, y - 0.08, "one window, which never fires by itself", fontsize=8, va="bottom",
        path_effects=style.HALO,
    )  # fmt: skip


def _draw_row(axes: Axes, y: float, row: AssignerRow, newest: Event | None, *, keyed: bool) -> None:
    """Draw one bracket for each window, in as many layers as overlap."""
    for window, layer in _layers(row.windows):
        heavy = newest is not None and _holds(window, newest, keyed=keyed)
        at = y + _LAYER * layer
        _bracket(axes, window.start_ms, window.end_ms, at, heavy=heavy)
        gid = f"{row.name}:{window.key}:{window.start_ms}-{window.end_ms}"
        name = f"{window.key} {window.name}" if keyed else window.name
        axes.text(
            (window.start_ms + window.end_ms) / 2_000, at - 0.06, name, fontsize=8,
            ha="center", va="bottom", fontweight="bold" if heavy else "normal",
            gid=f"{gid}{':newest' if heavy else ''}", path_effects=style.HALO,
        )  # fmt: skip
    if len(row.fused) > 1:
        _draw_fused(axes, y + _LAYER, row.fused)


def _draw_fused(axes: Axes, y: float, parts: list[WindowView]) -> None:
    """Draw the sessions that have just become one."""
    for part in parts:
        _bracket(axes, part.start_ms, part.end_ms, y, heavy=False, dashed=True)
    middle = sum(part.start_ms + part.end_ms for part in parts) / len(parts) / 2_000
    axes.text(
        middle, y + 0.12, "were sessions of their own", fontsize=8, ha="center", va="top",
        color=style.EDGE, path_effects=style.HALO, gid=f"fused:{len(parts)}",
    )  # fmt: skip


def _layers(windows: list[WindowView]) -> list[tuple[WindowView, int]]:
    """Put windows that overlap on layers of their own."""
    ends: list[int] = []
    placed = []
    for window in windows:
        layer = next((n for n, end in enumerate(ends) if end <= window.start_ms), len(ends))
        # Replaces the end of a layer, or adds a layer behind the last.
        ends[layer : layer + 1] = [window.end_ms]
        placed.append((window, layer))
    return placed


def _bracket(
    axes: Axes, start_ms: int, end_ms: int, y: float, *, heavy: bool, dashed: bool = False
) -> None:
    """Draw one span, closed on the left and open on the right."""
    start, end = start_ms / 1_000, end_ms / 1_000
    colour = style.BLUE if heavy else style.EDGE
    axes.plot(
        [start, end], [y, y], color=colour, lw=2.6 if heavy else 1.3, ls="--" if dashed else "-"
    )
    for x, inside in ((start, colour), (end, "white")):
        axes.plot(x, y, "o", ms=5, mfc=inside, mec=colour, zorder=3)


def describe(trace: Trace, step: int) -> str:
    """Say in how many windows of each kind the newest event is."""
    events = [arrival.event for arrival in view(trace, step).seen]
    if not events:
        return "Nothing has arrived yet."
    newest = events[-1]
    rows = assigned(trace, step)
    keyed = trace.policy.keyed
    inside = [sum(_holds(window, newest, keyed=keyed) for window in row.windows) for row in rows]
    counts = ", ".join(f"{n} {row.name}" for n, row in zip(inside, rows, strict=True))
    noun = "window" if inside[-1] == 1 else "windows"
    sentence = f"Event #{len(events)}, at {seconds(newest.event_ms)}, is in {counts} {noun}."
    fused = rows[-1].fused
    if len(fused) > 1:
        names = " and ".join(span(window.start_ms, window.end_ms) for window in fused)
        merged = next(window for window in rows[-1].windows if _holds(window, newest, keyed=keyed))
        sentence += f" It joins {count_of(len(fused), 'session')}: {names} become {merged.name}."
    return sentence


def table(trace: Trace, step: int) -> list[Row]:
    """Return every window of every assigner."""
    return [
        {"assigner": row.name, "key": window.key, "window": window.name}
        for row in assigned(trace, step)
        for window in row.windows
    ]
