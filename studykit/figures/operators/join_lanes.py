"""Figure 12: two lanes of a join, the band of a left row, and what is held."""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from flink_jobs.utils.watermarks import MIN_WATERMARK
from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.operators.joins import JoinStep, JoinTrace
from studykit.trace.words import count_of, seconds

TITLE: Final = "What a join holds"
QUESTION: Final = "When may one side stop waiting?"

_LANES: Final = {"left": 0, "right": 1}
_CROWD: Final = 40
"""With more rows than this the marks are small and without numbers."""


@style.styled
def draw(trace: JoinTrace, step: int) -> Figure:
    """Draw both lanes with their rows and pairs, the common watermark, and the rows held."""
    figure = style.new_figure(8, 3.9)
    lanes = figure.add_axes((0.09, 0.52, 0.88, 0.38))
    stack = figure.add_axes((0.09, 0.13, 0.80, 0.24))  # its labels stand to the right
    times = [done.row.event_ms for done in trace.steps] or [0]
    last = max(times) / 1_000 * 1.05 + 1
    lanes.set(xlim=(min([0, *times]) / 1_000, last), ylim=(1.55, -0.55))
    axis.along_y(lanes, [0, 1], names=["left", "right"])
    axis.along_x(lanes, axis.seconds(int(last * 1_000)), title="event time (s)")
    if step:
        _draw_band(lanes, trace, step)
        _draw_rows(lanes, trace, step)
        _draw_watermark(lanes, trace.steps[step - 1], last)
    _draw_held(stack, trace, step)
    return figure


def _draw_band(axes: Axes, trace: JoinTrace, step: int) -> None:
    """Draw where the partners of the newest row lie."""
    row = trace.steps[step - 1].row
    bounds = (trace.lower_ms, trace.upper_ms)
    if row.side == "right":
        bounds = (-trace.upper_ms, -trace.lower_ms)
    first_ms, last_ms = (row.event_ms + bound for bound in bounds)
    lane = 1 - _LANES[row.side]
    axes.add_patch(
        Rectangle(
            (first_ms / 1_000, lane - 0.33), max(last_ms - first_ms, 1) / 1_000, 0.66,
            facecolor=style.light(style.SKY), edgecolor=style.EDGE, lw=0.8,
            gid=f"band:{first_ms}:{last_ms}",
        )
    )  # fmt: skip
    axes.text(
        first_ms / 1_000, lane + 0.35, f"band of #{step}", fontsize=8, va="top", color=style.EDGE
    )  # fmt: skip


def _draw_rows(axes: Axes, trace: JoinTrace, step: int) -> None:
    crowded = len(trace.steps) > _CROWD
    held = dict(zip(_LANES, trace.steps[step - 1].held, strict=True))
    for number, done in enumerate(trace.steps[:step], start=1):
        for left_ms, right_ms in done.pairs:
            if left_ms is not None and right_ms is not None:
                style.line(
                    axes, [left_ms / 1_000, right_ms / 1_000], [0, 1], color=style.BLUE, lw=1.4,
                    gid=f"pair:{left_ms}:{right_ms}",
                )  # fmt: skip
        row = done.row
        kept = row.event_ms in held[row.side] and not done.late
        state = "late" if done.late else "held" if kept else "freed"
        style.line(
            axes, [row.event_ms / 1_000], [_LANES[row.side]], ls="", zorder=4,
            marker="X" if done.late else "o", ms=4 if crowded else 8, mec=style.BLUE,
            mfc=style.BLACK if done.late else style.BLUE if kept else "white",
            gid=f"row:{number}:{state}",
        )  # fmt: skip
        if not crowded:
            axes.annotate(
                f"#{number}", (row.event_ms / 1_000, _LANES[row.side]), (0, 8),
                textcoords="offset points", ha="center", path_effects=style.HALO, zorder=5,
            )  # fmt: skip


def _draw_watermark(axes: Axes, done: JoinStep, last: float) -> None:
    if done.watermark_ms == MIN_WATERMARK:
        return
    at = min(done.watermark_ms / 1_000, last)
    axes.axvline(at, color=style.GREEN, lw=2.4, zorder=3, gid=f"watermark:{done.watermark_ms}")
    axes.annotate(
        f"common watermark {seconds(done.watermark_ms)}", (at, -0.55), (0, 4),
        textcoords="offset points", ha="right" if at > last * 0.6 else "left",
        color=style.DARK_GREEN, annotation_clip=False,
    )  # fmt: skip


def _draw_held(axes: Axes, trace: JoinTrace, step: int) -> None:
    """Draw how many rows each side has held, step by step."""
    most = max((sum(pair) for pair in trace.held), default=1)
    axes.set(xlim=(0, max(len(trace.steps), 1)), ylim=(0, most * 1.15 + 0.5))
    for place, (name, look) in enumerate((("left", "-"), ("right", "--"))):
        counts = [0, *(pair[place] for pair in trace.held[:step])]
        axes.step(
            range(step + 1), counts, look, color=style.BLACK, lw=1.6, where="post",
            label=name, gid=f"held:{name}:{counts[-1]}",
        )  # fmt: skip
        if not step:
            continue  # both labels would lie on the axis
        axes.annotate(
            f"{name} {counts[-1]}", (step, counts[-1]), (4, 4 - 10 * place),
            textcoords="offset points", annotation_clip=False, path_effects=style.HALO,
        )  # fmt: skip
    axis.along_x(
        axes, axis.round_numbers(axes.get_xlim(), 8, whole=True), title="rows that have arrived"
    )
    axis.along_y(axes, axis.round_numbers(axes.get_ylim(), 3, whole=True), title="held")


def describe(trace: JoinTrace, step: int) -> str:
    """Say what the newest row met, and how much is held."""
    if not step:
        return "No row has arrived, and nothing is held."
    done = trace.steps[step - 1]
    what = f"#{step}, a {done.row.side} row at {seconds(done.row.event_ms)}"
    if done.late:
        what += ", is behind the common watermark and refused"
    else:
        found = sum(None not in pair for pair in done.pairs)
        what += f", makes {count_of(found, 'pair') if found else 'no pair'}"
    lefts, rights = trace.held[step - 1]
    return (
        f"{what}. The common watermark is {seconds(done.watermark_ms)}; held are "
        f"{count_of(lefts, 'left row')} and {count_of(rights, 'right row')}."
    )


def happened(trace: JoinTrace, step: int) -> str:
    """Say which row has come, and what it set free."""
    if not step:
        return "Nothing has arrived yet."
    before = sum(trace.held[step - 2]) if step > 1 else 0
    done = trace.steps[step - 1]
    freed = before + (not done.late) - sum(trace.held[step - 1])
    return f"A {done.row.side} row at {seconds(done.row.event_ms)}; {count_of(freed, 'row')} freed."


def table(trace: JoinTrace, step: int) -> list[Row]:
    """Return every row so far with its pairs and what is held after it."""
    return [
        {
            "row": f"#{number}",
            "side": done.row.side,
            "time": seconds(done.row.event_ms),
            "pairs": ", ".join(
                f"{seconds(left_ms)}-{seconds(right_ms)}"
                for left_ms, right_ms in done.pairs
                if left_ms is not None and right_ms is not None
            ),
            "watermark": seconds(done.watermark_ms),
            "left held": len(done.held[0]),
            "right held": len(done.held[1]),
        }
        for number, done in enumerate(trace.steps[:step], start=1)
    ]
