"""Pictures of a wrong answer: what the learner's function gives, dashed, beside what is right.

They show nothing but the events of the case and what was asked for, so that a picture in lab 02 has
no windows, and one in lab 04 only those that were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from studykit.drawing import axis, style
from studykit.exercises.scene import Scene
from studykit.figures import plane
from studykit.figures.exhibit import Row
from studykit.trace.steps import Trace
from studykit.trace.words import seconds, span

LAYER: Final = 0.5
"""Distance between spans that overlap."""
MARGIN_S: Final = 0.8


@dataclass(frozen=True, slots=True)
class Watermarks:
    """The figure of two watermarks: the right one, and the learner's, dashed.

    An instance is what a module of `studykit.figures` is: see `figures/exhibit.py`.
    """

    scene: Scene
    TITLE: str = "Your watermark beside the right one"
    QUESTION: str = "At which event do the two part?"

    @style.styled
    def draw(self, trace: Trace, _step: int) -> Figure:
        """Draw the events up to the deciding one, and both watermarks after each of them."""
        scene = self.scene
        figure, axes = plane.new_plane(trace)
        plane.draw_diagonal(axes)
        for number, event in enumerate(scene.events[: scene.number], start=1):
            _draw_event(axes, number, event.event_ms / 1_000, event.arrival_ms / 1_000)
        _draw_course(axes, scene, scene.right_watermarks, style.GREEN, "-", "watermark:right")
        _draw_course(axes, scene, scene.your_watermarks, style.VERMILLION, "--", "watermark:yours")
        handles = [
            Line2D([], [], color=style.GREEN, lw=2.4, label="right"),
            Line2D([], [], color=style.VERMILLION, lw=2, ls="--", label="yours"),
        ]
        style.legend(figure, handles, left=0.825, bottom=0.10)
        return figure

    def describe(self, _trace: Trace, _step: int) -> str:
        """Say where the two watermarks stand after the event that decides."""
        scene = self.scene
        place = scene.number - 1
        yours = scene.your_watermarks[place] if place < len(scene.your_watermarks) else None
        mine = "there is none of yours" if yours is None else f"yours, dashed, at {seconds(yours)}"
        right = scene.right_watermarks[place]
        return (
            f"After event #{scene.number}, which happened at "
            f"{seconds(scene.events[place].event_ms)}, the right watermark stands at "
            f"{'no time yet' if right is None else seconds(right)}; {mine}."
        )

    def table(self, _trace: Trace, _step: int) -> list[Row]:
        """Return both watermarks after each event."""
        scene = self.scene
        return [
            {"event": n, "right": str(right), "yours": str(yours)}
            for n, (right, yours) in enumerate(
                zip(scene.right_watermarks, scene.your_watermarks, strict=False), start=1
            )
        ]


@dataclass(frozen=True, slots=True)
class Spans:
    """The figure of windows or sessions: the right ones, and below them the learner's, dashed."""

    scene: Scene
    TITLE: str = "Your spans of time beside the right ones"
    QUESTION: str = "Which of yours is not among the right ones?"

    @style.styled
    def draw(self, _trace: Trace, _step: int) -> Figure:
        """Draw the events of the case and two rows of spans."""
        scene = self.scene
        right, yours = list(_layered(scene.right_spans)), list(_layered(scene.your_spans))
        low = 1 + LAYER * (1 + max((layer for _, layer in right), default=0))
        bottom = low + LAYER * (1 + max((layer for _, layer in yours), default=0))
        figure = style.new_figure(8, 1.1 + 0.6 * bottom)
        axes = figure.add_axes((0.12, 0.55 / (1.1 + 0.6 * bottom), 0.84, 0.72))
        edges = [edge for ends in (*scene.right_spans, *scene.your_spans) for edge in ends]
        edges += [event.event_ms for event in scene.events]
        left, end = min(edges) / 1_000 - MARGIN_S, max(edges) / 1_000 + MARGIN_S
        axes.set(xlim=(left, end), ylim=(bottom, -0.8))
        places = [place for place in axis.seconds(int(end * 1_000)) if place >= left]
        axis.along_x(axes, places, title=scene.axis)
        axis.along_y(axes, [0.0, 1.0, low + LAYER / 2], names=[scene.marks, "right", "yours"])
        for number, event in enumerate(scene.events, start=1):
            _draw_event(axes, number, event.event_ms / 1_000, 0)
        for (start_ms, end_ms), layer in right:
            _draw_span(axes, start_ms, end_ms, 1 + LAYER * layer, style.EDGE, "-")
        for (start_ms, end_ms), layer in yours:
            at = low + LAYER / 2 + LAYER * layer
            _draw_span(axes, start_ms, end_ms, at, style.VERMILLION, "--")
        return figure

    def describe(self, _trace: Trace, _step: int) -> str:
        """Say which spans only the right answer has, and which only the learner's."""
        right, yours = set(self.scene.right_spans), set(self.scene.your_spans)
        missing, extra = sorted(right - yours), sorted(yours - right)
        parts = [f"missing: {_listed(missing)}"] if missing else []
        parts += [f"yours alone, dashed: {_listed(extra)}"] if extra else []
        return f"{'; '.join(parts) or 'The same spans, in another order or more than once'}."

    def table(self, _trace: Trace, _step: int) -> list[Row]:
        """Return every span, and whether it is the right answer's or the learner's."""
        rows = [("right", ends) for ends in self.scene.right_spans]
        rows += [("yours", ends) for ends in self.scene.your_spans]
        return [{"whose": whose, "span": span(*ends)} for whose, ends in rows]


@dataclass(frozen=True, slots=True)
class Courses:
    """The figure of two courses of a number: the right one, and the learner's, dashed."""

    scene: Scene
    TITLE: str = "Your numbers beside the right ones"
    QUESTION: str = "At which place do the two part?"

    @style.styled
    def draw(self, _trace: Trace, _step: int) -> Figure:
        """Draw both numbers at each place, from the first to the one at which they part."""
        scene = self.scene
        figure = style.new_figure(8, 3.4)
        axes = figure.add_axes((0.14, 0.18, 0.66, 0.74))
        known = [v for v in (*scene.right_values, *scene.your_values) if v is not None] or [0]
        room = max(max(known) - min(known), 1) * 0.12
        low, high = min(known) - room, max(known) + room
        axes.set(xlim=(0.5, len(scene.right_values) + 0.5), ylim=(low, high))
        places = list(range(1, len(scene.right_values) + 1))
        axis.along_x(axes, places, title=scene.marks, names=[f"#{place}" for place in places])
        numbers = axis.round_numbers((low, high), 5, whole=True)
        axis.along_y(
            axes, numbers, title=scene.axis, names=[f"{number:_.0f}" for number in numbers]
        )
        _draw_values(axes, scene.right_values, style.GREEN, "-", "value:right")
        _draw_values(axes, scene.your_values, style.VERMILLION, "--", "value:yours")
        handles = [
            Line2D([], [], color=style.GREEN, lw=2.4, label="right"),
            Line2D([], [], color=style.VERMILLION, lw=2, ls="--", label="yours"),
        ]
        style.legend(figure, handles, left=0.825, bottom=0.10)
        return figure

    def describe(self, _trace: Trace, _step: int) -> str:
        """Say both numbers at the place at which they part."""
        right, yours = (_number(v[-1]) for v in (self.scene.right_values, self.scene.your_values))
        return f"At #{self.scene.number} the right one is {right}; yours, dashed, is {yours}."

    def table(self, _trace: Trace, _step: int) -> list[Row]:
        """Return both numbers at each place."""
        pairs = zip(self.scene.right_values, self.scene.your_values, strict=True)
        return [
            {"place": n, "right": _number(right), "yours": _number(yours)}
            for n, (right, yours) in enumerate(pairs, start=1)
        ]


def _number(value: int | None) -> str:
    return "not known" if value is None else f"{value:_}"


def _draw_values(
    axes: Axes, values: Sequence[int | None], colour: str, dash: str, gid: str
) -> None:
    """Draw what a number is from each place to the next; where it is not known there is nothing."""
    xs: list[float] = []
    ys: list[float] = []
    for place, value in enumerate(values, start=1):
        number = float("nan") if value is None else float(value)
        xs += [place - 0.5, place + 0.5]
        ys += [number, number]
    style.line(axes, xs, ys, color=colour, ls=dash, lw=2.2, zorder=3, gid=gid)


def _draw_event(axes: Axes, number: int, x: float, y: float) -> None:
    style.line(
        axes, [x], [y], marker="o", ms=8, color=style.BLUE, ls="", zorder=4, clip_on=False,
        gid=f"event:{number}",
    )  # fmt: skip
    axes.annotate(
        f"#{number}", (x, y), (7, 4), textcoords="offset points", zorder=5,
        path_effects=style.HALO, annotation_clip=False, gid=f"event:{number}:label",
    )  # fmt: skip


def _draw_course(
    axes: Axes, scene: Scene, watermarks: Sequence[int | None], colour: str, dash: str, gid: str
) -> None:
    """Draw how a watermark moves: sideways when an event arrives, then up as time goes on."""
    limit = axes.get_xlim()[1]
    xs: list[float] = []
    ys: list[float] = []
    for event, watermark_ms in zip(scene.events[: scene.number], watermarks, strict=False):
        if watermark_ms is not None:
            at = min(max(watermark_ms / 1_000, -1.0), limit)
            xs += [xs[-1] if xs else -1, at]
            ys += [event.arrival_ms / 1_000] * 2
    if xs:
        top = axes.get_ylim()[1]
        style.line(
            axes, [*xs, xs[-1]], [*ys, top], color=colour, ls=dash, lw=2.2, zorder=3, gid=gid
        )


def _draw_span(axes: Axes, start_ms: int, end_ms: int, y: float, colour: str, dash: str) -> None:
    """Draw one span, closed on the left and open on the right."""
    start, end = start_ms / 1_000, end_ms / 1_000
    whose = "yours" if dash == "--" else "right"
    gid = f"span:{whose}:{start_ms}-{end_ms}"
    style.line(axes, [start, end], [y, y], color=colour, ls=dash, lw=2, zorder=2, gid=gid)
    for x, inside in ((start, colour), (end, "white")):
        style.line(
            axes, [x], [y], marker="o", ms=5, mfc=inside, mec=colour, ls="", zorder=3,
            clip_on=False,
        )  # fmt: skip
    axes.annotate(
        span(start_ms, end_ms), ((start + end) / 2, y), (0, 3), textcoords="offset points",
        fontsize=8, ha="center", path_effects=style.HALO, annotation_clip=False,
    )  # fmt: skip


def _layered(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield each span with a layer, so that those that overlap lie below each other."""
    ends: list[int] = []
    for start_ms, end_ms in sorted(spans):
        layer = next((n for n, end in enumerate(ends) if end <= start_ms), len(ends))
        ends[layer : layer + 1] = [end_ms]
        yield (start_ms, end_ms), layer


def _listed(spans: Sequence[tuple[int, int]]) -> str:
    return ", ".join(span(*ends) for ends in spans)
