"""Figure 15: what three readers of a sink see while the job that writes to it is killed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from studykit.drawing import axis, style
from studykit.figures.exhibit import Row
from studykit.trace.operators.sinks import Fate, Kind, RunningTotal, SinkStep, SinkTrace

TITLE: Final = "Three readers of a sink"
QUESTION: Final = "Who sees what twice, and who sees what is taken back?"

_LANES: Final = ("uncommitted", "committed", "store")
_FILL: Final[dict[Fate, str]] = {
    "open": "white",
    "committed": style.BLUE,
    "aborted": style.BLACK,
}
_WORDS: Final[dict[Kind, tuple[str, str, str, int]]] = {
    "checkpoint": ("checkpoint", style.DARK_GREEN, ":", 1),
    "commit": ("commit", style.DARK_GREEN, "-", 0),
    "kill": ("killed", style.BLACK, "--", 0),
    "time-out": ("time-out", style.BLACK, ":", 1),
    "restart": ("back", style.BLACK, "-", 0),
}
"""What is written above a step that is no write: word, colour, line, and how high."""
_APART: Final = 0.5
"""Distance, in steps, of results that are committed at once."""
_SAID: Final[dict[Kind, str]] = {
    "checkpoint": "The job takes a checkpoint: its state and its place in the input are saved.",
    "commit": "The transaction is committed.",
    "kill": "The job is killed. Nobody tells the broker, or the store.",
    "time-out": "The broker aborts the transaction that was left open.",
    "restart": "The job is back at its checkpoint.",
}


@style.styled
def draw(run: SinkTrace, step: int) -> Figure:
    """Draw a lane for each reader: what it has got, at the step in which it got it."""
    figure = style.new_figure(8, 3.5)
    axes = figure.add_axes((0.13, 0.22, 0.84, 0.62))
    axes.set(xlim=(0.3, len(run.steps) + 0.9), ylim=(2.5, -0.5))
    axis.along_y(axes, range(3), names=_LANES)
    axis.along_x(axes, range(1, len(run.steps) + 1), title="step")
    for number, done in enumerate(run.steps[:step], start=1):
        if done.kind in _WORDS:
            _draw_turn(axes, number, done.kind)
    if step:
        _draw_log(axes, run.steps[step - 1])
        _draw_committed(axes, run, step)
        _draw_store(axes, run, step)
    style.legend(figure, _handles(run.steps[:step]), left=0.04, bottom=0.035, across=0.185)
    return figure


def _mark(fill: str, marker: str, label: str = "") -> Line2D:
    edge = style.BLACK if fill == style.BLACK else style.BLUE
    return Line2D([0], [0], ls="", marker=marker, ms=8, mfc=fill, mec=edge, label=label)


def _handles(steps: Sequence[SinkStep]) -> list[Line2D | Patch | None]:
    """Return the legend of the marks that are there; the others' places stay free."""
    fates = {record.fate for record in steps[-1].log} if steps else set()
    taken = {done.taken for done in steps if done.kind == "write"}
    marks = (
        ("committed" in fates, _mark(style.BLUE, "o", "seen for good")),
        ("open" in fates, _mark("white", "o", "not committed")),
        ("aborted" in fates, _mark(style.BLACK, "X", "taken back")),
        (True in taken, _mark(style.BLUE, "s", "taken by the store")),
        (False in taken, _mark("white", "s", "refused by the store")),
    )
    return [mark if is_there else None for is_there, mark in marks]


def _draw_turn(axes: Axes, number: int, kind: Kind) -> None:
    word, colour, dash, level = _WORDS[kind]
    axes.axvline(number, color=colour, ls=dash, lw=1.2, zorder=1, gid=f"turn:{number}:{kind}")
    axes.annotate(
        word, (number, -0.5), (0, 4 + 12 * level), textcoords="offset points", ha="center",
        color=colour, annotation_clip=False,
    )  # fmt: skip


def _draw_log(axes: Axes, done: SinkStep) -> None:
    for record in done.log:
        marker = "X" if record.fate == "aborted" else "o"
        _draw_result(
            axes, (record.step, 0), record.result, marker, _FILL[record.fate],
            f"uncommitted:{record.result.total}:{record.fate}",
        )  # fmt: skip


def _draw_committed(axes: Axes, run: SinkTrace, step: int) -> None:
    known = 0
    for number, done in enumerate(run.steps[:step], start=1):
        for place, result in enumerate(done.committed[known:]):
            at = number + _APART * place
            gid = f"committed:{result.total}"
            _draw_result(axes, (at, 1), result, "o", style.BLUE, gid)
        known = len(done.committed)


def _draw_store(axes: Axes, run: SinkTrace, step: int) -> None:
    for number, done in enumerate(run.steps[:step], start=1):
        if done.kind != "write":
            continue
        result = done.held if done.taken and done.held else done.log[-1].result
        word = "taken" if done.taken else "refused"
        fill = style.BLUE if done.taken else "white"
        gid = f"store:{result.total}:{word}"
        _draw_result(axes, (number, 2), result, "s", fill, gid)


def _draw_result(
    axes: Axes,
    at: tuple[float, float],
    result: RunningTotal,
    marker: str,
    fill: str,
    gid: str,
) -> None:
    edge = style.BLACK if fill == style.BLACK else style.BLUE
    style.line(
        axes, [at[0]], [at[1]], ls="", marker=marker, ms=8, mfc=fill, mec=edge, zorder=4, gid=gid
    )
    axes.annotate(
        f"{result.total}", at, (0, 7), textcoords="offset points", ha="center",
        path_effects=style.HALO, zorder=5,
    )  # fmt: skip


def describe(run: SinkTrace, step: int) -> str:
    """Say what each reader has after a step."""
    if not step:
        return "Nothing has been written, and no reader has anything."
    done = run.steps[step - 1]
    taken_back = [record.result for record in done.log if record.fate == "aborted"]
    back = f", of which {_totals(taken_back)} are taken back" if taken_back else ""
    held = f"{done.held.total}" if done.held else "nothing"
    return (
        f"A reader of uncommitted records has got {_totals(done.uncommitted)}{back}; a reader of "
        f"committed records {_totals(done.committed)}; the store holds {held}."
    )


def happened(run: SinkTrace, step: int) -> str:
    """Say what the job, the broker or the killer has done."""
    if not step:
        return "Nothing has happened yet."
    done = run.steps[step - 1]
    if done.kind != "write":
        return _SAID[done.kind]
    result = done.log[-1].result
    said = "takes it" if done.taken else "refuses it"
    return f"The job writes the total {result.total}, revision {result.revision}; the store {said}."


def table(run: SinkTrace, step: int) -> list[Row]:
    """Return what each reader has, step by step."""
    return list(_rows(run.steps[:step]))


def _rows(steps: Iterable[SinkStep]) -> Iterator[Row]:
    for number, done in enumerate(steps, start=1):
        yield {
            "step": number,
            "what": done.kind,
            "uncommitted": _totals(done.uncommitted),
            "committed": _totals(done.committed),
            "store": done.held.total if done.held else "nothing",
        }


def _totals(results: Iterable[RunningTotal]) -> str:
    return ", ".join(f"{result.total}" for result in results) or "nothing"
