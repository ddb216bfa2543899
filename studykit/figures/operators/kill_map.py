"""Figure 14: a job killed at every step, with a checkpoint after every payment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from studykit.drawing import axis, style
from studykit.figures.exhibit import Choices, Row
from studykit.trace.operators.kills import DESIGNS, SIZE_MS, STEPS, TIMES_MS, KillOutcome, Kills
from studykit.trace.words import count_of

TITLE: Final = "The kill map"
QUESTION: Final = "What does a job remember after kill -9?"

CHOICES: Choices = {
    "design": tuple(design.name for design in DESIGNS),
    "checkpoint": tuple(range(len(TIMES_MS) + 1)),
}
"""The design, and after which payment there is a checkpoint; 0 is the beginning."""

_FIRST: Final = DESIGNS[0].name

_MARKS: Final = {
    "right": (".", style.GREY, "right"),
    "lost": ("X", style.BLACK, "lost"),
    "doubled": ("^", style.VERMILLION, "doubled"),
}
"""Mark, colour and word of what the sink has of a payment, or of all of them."""


@style.styled
def draw(trace: Kills, step: int, *, design: str = _FIRST, checkpoint: int = 0) -> Figure:
    """Draw the map of a design, and below it what happens in the chosen cell."""
    figure = style.new_figure(8, 4.9)
    above = figure.add_axes((0.11, 0.47, 0.86, 0.42))
    below = figure.add_axes((0.11, 0.1, 0.86, 0.2))
    _draw_map(above, trace, design, checkpoint, step)
    _draw_run(below, trace, trace.outcome(design, checkpoint, step), checkpoint)
    handles = [
        Line2D([], [], ls="", marker=mark, color=color, label=word)
        for mark, color, word in _MARKS.values()
    ]
    style.legend(figure, handles, left=0.66, bottom=0.95, across=0.09)
    return figure


def _draw_map(axes: Axes, trace: Kills, design: str, checkpoint: int, step: int) -> None:
    count = len(trace.times_ms)
    axes.set(xlim=(-0.7, trace.last + 0.7), ylim=(-0.6, count + 0.6))
    words = _words(trace, design)
    for word, (mark, color, _) in _MARKS.items():
        places = [place for place, found in words.items() if found == word]
        style.line(
            axes, [kill for _, kill in places], [row for row, _ in places], ls="", marker=mark,
            color=color, ms=3 if word == "right" else 5, mew=0, gid=f"{word}:{len(places)}",
        )  # fmt: skip
    for number in range(1, count):
        axes.axvline(number * STEPS + 0.5, color=style.GREY, lw=0.4, zorder=0)
    style.line(
        axes, [step], [checkpoint], ls="", marker="s", ms=11, mfc="none", mec=style.BLUE, mew=2,
        gid=f"cell:{checkpoint}:{step}:{words[checkpoint, step]}",
    )  # fmt: skip
    middles = [(number - 0.5) * STEPS + 0.5 for number in range(1, count + 1)]
    names = [f"#{number}" for number in range(1, count + 1)]
    axis.along_x(axes, middles, names=names, title="killed while this payment is dealt with")
    rows = list(range(count + 1))
    axis.along_y(
        axes, rows, names=["none", *names], title="checkpoint after",
    )  # fmt: skip
    style.title(axes, design)


def _draw_run(axes: Axes, trace: Kills, outcome: KillOutcome, checkpoint: int) -> None:
    """Draw how far the first run reads, where the second begins, and what the sink has."""
    count = len(trace.times_ms)
    axes.set(xlim=(0.4, count + 1.1), ylim=(2.5, -0.6))
    if outcome.read:
        _draw_span(axes, 0, 0.6, outcome.read + 0.4, f"first:{outcome.read}")
    axes.annotate(
        "kill", (outcome.read + 0.5, 0), (3, 0), textcoords="offset points", va="center",
        path_effects=style.HALO,
    )  # fmt: skip
    if outcome.saved and checkpoint:
        axes.axvline(checkpoint + 0.5, ymax=0.98, color=style.DARK_GREEN, lw=2, ls="--",
                     gid=f"checkpoint:{checkpoint}")  # fmt: skip
    if outcome.resumed < count:
        _draw_span(axes, 1, outcome.resumed + 0.6, count + 0.4, f"second:{outcome.resumed + 1}")
    for number, held in enumerate(outcome.times, start=1):
        mark, color, word = _MARKS["right" if held == 1 else "doubled" if held else "lost"]
        style.line(
            axes, [number], [2], ls="", marker="o" if held == 1 else mark, color=color, ms=7,
            gid=f"payment:{number}:{word}",
        )  # fmt: skip
    for place in range(1, count):
        if trace.times_ms[place] // SIZE_MS != trace.times_ms[place - 1] // SIZE_MS:
            axes.axvline(place + 0.5, color=style.EDGE, lw=0.8, zorder=0)
    places = list(range(1, count + 1))
    axis.along_x(
        axes, places, names=[f"#{number}" for number in places],
        title="payments; a line between windows, dashed the checkpoint",
    )  # fmt: skip
    axis.along_y(axes, [0, 1, 2], names=["first run", "second run", "in the sink"])


def _draw_span(axes: Axes, row: int, first: float, last: float, gid: str) -> None:
    style.line(axes, [first, last], [row, row], color=style.BLUE, lw=4, gid=gid)


@lru_cache
def _words(trace: Kills, design: str) -> dict[tuple[int, int], str]:
    """Return what the sink has at the end, by checkpoint and kill."""
    return {
        (checkpoint, kill): trace.outcome(design, checkpoint, kill).word
        for checkpoint in range(len(trace.times_ms) + 1)
        for kill in range(trace.last + 1)
    }


def describe(trace: Kills, step: int, *, design: str = _FIRST, checkpoint: int = 0) -> str:
    """Say what the job had done, where it goes on, and what the sink has at the end."""
    outcome = trace.outcome(design, checkpoint, step)
    saved = f"a checkpoint after #{checkpoint}" if outcome.saved and checkpoint else "no checkpoint"
    again = (
        f"reads on from #{outcome.resumed + 1}"
        if outcome.resumed < len(trace.times_ms)
        else "has nothing more to read"
    )
    wrong = sum(word != "right" for word in _words(trace, design).values())
    return (
        f"{design}: killed with {count_of(outcome.read, 'payment')} read and {saved}, the job "
        f"{again}. {_result(outcome)} Of all {len(_words(trace, design))} cells "
        f"{wrong} {'is' if wrong == 1 else 'are'} wrong."
    )


def _result(outcome: KillOutcome) -> str:
    parts = []
    if outcome.lost:
        parts.append(f"{_numbers(outcome.lost)} lost")
    if outcome.doubled:
        parts.append(f"{_numbers(outcome.doubled)} doubled")
    return f"In the sink: {' and '.join(parts) or 'every payment once'}."


def _numbers(numbers: Sequence[int]) -> str:
    """Return numbers of payments, runs of them shortened.

    >>> _numbers([1, 2, 3, 6])
    '#1 to #3, #6'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"#{run[0]}" + (f" to #{run[-1]}" if run[1:] else "") for run in runs)


def happened(trace: Kills, step: int) -> str:
    """Say how far the job had come when it was killed."""
    if not step:
        return "Killed before anything is read."
    done = ("read", "read and counted", "between write and commit", "done with")
    number, act = (step - 1) // STEPS + 1, (step - 1) % STEPS
    return f"Killed with #{number} {done[act]}."


def table(trace: Kills, step: int, **_choices: str | int) -> list[Row]:
    """Return for every checkpoint what each design has in the sink, if it is killed here."""
    return [
        {
            "checkpoint after": f"#{row}" if row else "none",
            **{known.name: _cell(trace.outcome(known.name, row, step)) for known in DESIGNS},
        }
        for row in range(len(trace.times_ms) + 1)
    ]


def _cell(outcome: KillOutcome) -> str:
    return _result(outcome).removeprefix("In the sink: ").removesuffix(".")
