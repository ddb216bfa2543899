"""The study guide's pictures that figures draw: which figure, of which stream, at which step.

scripts/draw_guide.py writes them to `docs/`; a test holds that the guide says in words what each of
them shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from studykit.drawing import style
from studykit.figures.clocks import bound_tradeoff, min_watermark, two_clocks, watermark_stepper
from studykit.figures.exhibit import Exhibit
from studykit.figures.operators import join_lanes, live_state
from studykit.figures.windows import assigners
from studykit.trace.mutes import FOUR_PARTITIONS, muted
from studykit.trace.operators.holders import DAY_MS, month, three_holders, watched
from studykit.trace.operators.joins import JoinRow, joined
from studykit.trace.payments import SLOW, seeded
from studykit.trace.simulate import simulate
from studykit.trace.steps import Policy
from studykit.trace.stories import STORY, STORY_POLICY, TWO_VISITS

_ORDER: Final = (
    ("left", 2), ("right", 5), ("left", 6), ("right", 14), ("left", 15),
    ("left", 21), ("right", 19), ("right", 27), ("left", 30), ("right", 33),
)  # fmt: skip
"""The rows of lesson 08; the picture shows six of them, and room for the rest."""


class Plate:
    """A figure at one step, with its words."""

    def __init__(self, exhibit: Exhibit[Any], subject: Any, step: int) -> None:  # noqa: ANN401
        """Keep a figure's module, what it shows, and how many steps have happened."""
        self._exhibit, self._subject, self._step = exhibit, subject, step

    @property
    def words(self) -> str:
        """The alternative text: what the picture shows."""
        words = f"{self._exhibit.TITLE}: {self._exhibit.describe(self._subject, self._step)}"
        # A window's bracket would end the text: Markdown would show the source, and no picture.
        return words.replace("[", r"\[").replace("]", r"\]")

    def png(self) -> bytes:
        """Return the picture."""
        return style.png(self._exhibit.draw(self._subject, self._step))


def _two_clocks() -> Plate:
    trace = simulate(STORY)
    return Plate(two_clocks, trace, len(trace.steps))


def _bound() -> Plate:
    trace = simulate(seeded(600, disorder=SLOW), Policy(bound_ms=2_000))
    return Plate(bound_tradeoff, trace, len(trace.steps))


def _windows() -> Plate:
    trace = simulate(TWO_VISITS, Policy(size_ms=6_000, slide_ms=3_000, gap_ms=2_000))
    return Plate(assigners, trace, len(trace.steps))


def _lateness() -> Plate:
    trace = simulate(STORY, STORY_POLICY)
    return Plate(watermark_stepper, trace, len(trace.steps))


def _many_inputs() -> Plate:
    stream = muted(FOUR_PARTITIONS, {"p3": (12_000, None)})
    trace = simulate(stream, Policy(bound_ms=4_000))
    return Plate(min_watermark, trace, len(trace.steps))


def _state() -> Plate:
    held = watched(month(), three_holders(5 * DAY_MS))
    return Plate(live_state, held, len(held.moments))


def _joins() -> Plate:
    rows = [JoinRow(side, second * 1_000) for side, second in _ORDER]  # type: ignore[arg-type]
    return Plate(join_lanes, joined(rows, lower_ms=0, upper_ms=10_000), 6)


PLATES: Final[Mapping[str, Callable[[], Plate]]] = {
    "two-clocks": _two_clocks,
    "bound": _bound,
    "windows": _windows,
    "lateness": _lateness,
    "many-inputs": _many_inputs,
    "state": _state,
    "joins": _joins,
}
"""Each picture by its file's name in `docs/`, without the ending."""
