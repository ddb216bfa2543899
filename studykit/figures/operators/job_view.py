"""Figure 10: a running Flink job, from a recording. Which operator is the first slow one?"""

from __future__ import annotations

from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.flink.recording import JobMoment, JobRecording, OperatorState
from studykit.trace.words import count_of

TITLE: Final = "A job at work"
QUESTION: Final = "Which operator is the first slow one?"

BUSY: Final = 0.7
"""An operator that works for more than this share of the time may be the slow one."""
HELD_UP: Final = 0.3
"""An operator that waits for more than this share of the time is held up by a later one."""


def first_slow(operators: tuple[OperatorState, ...]) -> OperatorState | None:
    """Return the operator that holds the others up; None if no operator is slow.

    That is the last one that is busy and does not itself wait for a later operator. Operators
    before it may be as busy, but only because they are held up.
    """
    return next(
        (
            operator
            for operator in reversed(operators)
            if operator.busy > BUSY and operator.held_up <= HELD_UP
        ),
        None,
    )


@style.styled
def draw(recording: JobRecording, step: int) -> Figure:
    """Draw a row for each operator: how its time is spent, and how far its watermark has come."""
    moment = recording.moments[step]
    count = len(moment.operators)
    figure = style.new_figure(8, 1.2 + 0.45 * count)
    axes = figure.add_axes((0.23, 0.14, 0.46, 0.77))
    axes.set(xlim=(0, 100), ylim=(count - 0.4, -0.6))
    axis.along_x(axes, [0, 50, 100], title="share of the time (%)")
    axis.along_y(
        axes, range(count), names=[short_name(operator.name) for operator in moment.operators]
    )
    style.title(axes, f"after {moment.at_ms / 1_000:.0f} s")
    slow = first_slow(moment.operators)
    for row, operator in enumerate(moment.operators):
        _draw_operator(axes, row, operator, slow=operator is slow)
        if operator.watermark_ms is None:
            continue
        said = f"W {_clock(operator)}{_behind(moment, operator).replace(', ', chr(10))}"
        axes.annotate(
            said, (1.03, row), xycoords=("axes fraction", "data"), va="center", fontsize=8,
            annotation_clip=False,
            gid=f"watermark:{short_name(operator.name)}:{operator.watermark_ms}",
        )  # fmt: skip
    high = 1 - 0.2 / figure.get_figheight()
    style.legend(figure, _HANDLES, left=0.47, bottom=high, across=0.12)
    return figure


_WORKS: Final[Any] = {"facecolor": style.SKY, "edgecolor": style.EDGE}
_WAITS: Final[Any] = {"facecolor": "white", "edgecolor": style.EDGE, "hatch": "//"}
_HANDLES: Final = (Patch(**_WORKS, label="works"), Patch(**_WAITS, label="held up"))


def _draw_operator(axes: Axes, row: int, operator: OperatorState, *, slow: bool) -> None:
    """Draw how an operator spends its time; a share that is large is written."""
    name, busy, held_up = short_name(operator.name), operator.busy * 100, operator.held_up * 100
    for left, share, look, what, edge in (
        (0, busy, _WORKS, "busy", 2.4 if slow else 0.8),
        (busy, held_up, _WAITS, "held up", 0.8),
    ):
        axes.add_patch(
            Rectangle(
                (left, row - 0.3), share, 0.6, **look, lw=edge, gid=f"{what}:{name}:{share:.0f}"
            )
        )
    works = f"works {busy:.0f} %"
    words = [
        *([f"* first slow one, {works}"] if slow else [works] if busy >= 20 else []),
        *([f"held up {held_up:.0f} %"] if held_up >= 20 else []),
    ]
    axes.text(2, row, ", ".join(words), va="center", fontsize=8, path_effects=style.HALO)


def _clock(operator: OperatorState) -> str:
    return "none" if operator.watermark_ms is None else clock(operator.watermark_ms)


def _behind(moment: JobMoment, operator: OperatorState) -> str:
    """Say how far an operator's watermark is behind the one that has come furthest."""
    furthest_ms = max((other.watermark_ms or 0 for other in moment.operators), default=0)
    if operator.watermark_ms in (None, furthest_ms):
        return ""
    return f", {(furthest_ms - operator.watermark_ms) // 1_000:,} s behind"


def short_name(name: str) -> str:
    """Return the first word of an operator's name, which Flink fills with its whole plan.

    >>> short_name("GlobalWindowAggregate[5]: ... -> Calc[6]")
    'GlobalWindowAggregate'
    """
    return name.replace("Source: ", "").replace("Sink: ", "").split("[")[0].split(" ")[0]


def clock(time_ms: int) -> str:
    """Return the time of day of an epoch time, UTC, to the millisecond.

    >>> clock(1_760_000_395_999)
    '08:59:55.999'
    """
    seconds, ms = divmod(time_ms % 86_400_000, 1_000)
    return f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"


def describe(recording: JobRecording, step: int) -> str:
    """Say which operator is the first slow one, and whom it holds up."""
    operators = recording.moments[step].operators
    slow = first_slow(operators)
    if slow is None:
        return "No operator is slow: none of them works for most of the time."
    held = [short_name(operator.name) for operator in operators if operator.held_up > HELD_UP]
    sentence = f"{short_name(slow.name)} works {slow.busy * 100:.0f} % of the time"
    waits = "; nobody waits for it yet"
    if held:
        waits = f" and holds up {count_of(len(held), 'operator')}: {', '.join(held)}"
    behind = _behind(recording.moments[step], slow).removeprefix(", ")
    return f"{sentence}{waits}.{f' Its watermark is {behind} the first.' if behind else ''}"


def table(recording: JobRecording, step: int) -> list[Row]:
    """Return every operator with its watermark, its records and its shares of time."""
    return [
        {
            "operator": short_name(operator.name),
            "watermark": _clock(operator) + _behind(recording.moments[step], operator),
            "records": operator.records,
            "busy": f"{operator.busy * 100:.0f} %",
            "held up": f"{operator.held_up * 100:.0f} %",
        }
        for operator in recording.moments[step].operators
    ]
